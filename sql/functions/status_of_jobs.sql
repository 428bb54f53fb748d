create or replace function scheduler.status_of_jobs()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select
    'job ' || job.job_name,
    case
      when not job.enabled or job.schedule is null then 'ok'
      when entry.jobid is null or not entry.ours or entry.schedule <> job.schedule then 'fail'
      when pause.id is not null then 'warn'
      when not entry.active then 'fail'
      when overdue.tick is not null then 'fail'
      when last_run.status in ('failed', 'abandoned') and (job.catch_up is not null or last_run.at > now() - interval '1 hour') then 'warn'
      else 'ok'
    end,
    case
      when not job.enabled then 'switched off (' || coalesce(job.notes, job.target) || ')'
      when job.schedule is null then 'runs only when asked for: select scheduler.run_job(' || quote_literal(job.job_name) || ');'
      when entry.jobid is null then format('pg_cron has no entry %s: select * from scheduler.apply_schedules();', job.cron_name)
      when not entry.ours then format('pg_cron''s entry %s is somebody else''s: give the job another cron_name in scheduler.jobs', job.cron_name)
      when entry.schedule <> job.schedule then format('pg_cron has it on %s instead of %s: select * from scheduler.apply_schedules();',
        quote_literal(entry.schedule), quote_literal(job.schedule))
      when pause.id is not null then format('paused since %s by %s (%s): select scheduler.resume(%s);',
        pause.paused_at::timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given'),
        coalesce(quote_literal(pause.job_name), ''))
      when not entry.active then 'pg_cron''s entry is not active: select * from scheduler.apply_schedules();'
      when overdue.tick is not null then format('its tick of %s did not come: does pg_cron run, and in this database? select * from cron.job_run_details order by runid desc limit 5;',
        overdue.tick)
      when last_run.status in ('failed', 'abandoned') then format('last run %s at %s: %s. Next at %s',
        last_run.status, last_run.at, coalesce(last_run.error_message, last_run.error_type, 'no more is known'), upcoming.said)
      when last_run.status is null then 'no run yet. Next at ' || upcoming.said
      else format('last run %s at %s, %s ago. Next at %s', last_run.status, last_run.at,
        date_trunc('second', now() - last_run.at), upcoming.said)
    end
  from scheduler.jobs as job
  left join scheduler.cron_entries() as entry on entry.jobname = job.cron_name
  left join lateral (
    select open.*
    from scheduler.pauses as open
    where open.resumed_at is null
      and open.organisation_id is null
      and coalesce(open.job_name, job.job_name) = job.job_name
    order by open.job_name nulls first
    limit 1
  ) as pause on true
  left join lateral (
    select late.tick
    from (select scheduler.previous_tick(job.schedule, now() - interval '5 minutes') as tick) as late
    where late.tick > job.last_tick_for
      and not scheduler.is_waiting(job_name => job.job_name, scheduled_for => late.tick)
  ) as overdue on job.schedule is not null
  left join lateral (
    select run.status, coalesce(run.finished_at, run.started_at, run.requested_at)::timestamptz(0) as at, run.error_type, run.error_message
    from scheduler.invocations as run
    -- What was asked for some organisations or mentors says nothing of the whole.
    where run.job_name = job.job_name and not run.dry_run and run.status <> 'skipped' and run.organisation_ids is null
    order by run.requested_at desc
    limit 1
  ) as last_run on true
  left join lateral (
    select to_char(next.tick at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC ('
      || to_char(next.tick at time zone 'Europe/Oslo', 'HH24:MI') || ' in Oslo)' as said
    from (select scheduler.next_tick(job.schedule, now()) as tick) as next
  ) as upcoming on job.schedule is not null
  order by job.job_name;
$$;

comment on function scheduler.status_of_jobs() is
  'For scheduler_status(): each job''s entry of pg_cron, pause, last run and next tick.';
