create or replace function scheduler.tick(cron_name text, at timestamptz default now())
returns table (job_name text, invocation_id uuid, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  looks_after boolean;
  made_up text;
  due record;
  run_id uuid;
begin
  if not exists (select from scheduler.jobs as job where job.cron_name = tick.cron_name) then
    raise exception 'no job has the entry %', coalesce(quote_literal(cron_name), 'null')
      using errcode = 'invalid_parameter_value', hint = 'select * from scheduler.apply_schedules(); takes away entries that have no job.';
  end if;
  -- The entry that comes every minute looks after all of them. An SQL job that was
  -- missed has a tick to itself: it may take long, and would hold what was written.
  looks_after := exists (
    select from scheduler.jobs as job where job.cron_name = tick.cron_name and job.target = 'dispatch-backlog'
  );
  made_up := case when looks_after then (
    select job.job_name
    from scheduler.jobs as job
    where job.kind = 'sql'
      and job.enabled
      and job.catch_up is not null
      and not scheduler.is_paused(job.job_name)
      and scheduler.previous_tick(job.schedule, tick.at - interval '2 minutes') > job.last_tick_for
      and not scheduler.is_waiting(
        job_name => job.job_name, scheduled_for => scheduler.previous_tick(job.schedule, tick.at - interval '2 minutes'), at => tick.at
      )
    order by job.job_name
    limit 1
    for update skip locked
  ) end;
  if looks_after and made_up is null then
    begin
      perform from scheduler.reconcile_requests(at => tick.at);
    exception
      -- What is due now is not to wait for what went wrong before.
      when others then
        raise warning 'requests could not be looked after: %', sqlerrm
          using hint = 'select * from scheduler.reconcile_requests(); shows the whole error.';
    end;
  end if;

  for due in
    select job.job_name, job.target, job.catch_up, job.waits_for, moment.scheduled_for, job.cron_name <> tick.cron_name as missed
    from scheduler.jobs as job
    -- Another entry's own tick may come a little late.
    cross join lateral (
      select scheduler.previous_tick(
        job.schedule, case when job.cron_name = tick.cron_name then tick.at else tick.at - interval '2 minutes' end
      ) as scheduled_for
    ) as moment
    where job.enabled
      and job.schedule is not null
      and not scheduler.is_paused(job.job_name)
      and case
        when made_up is not null then job.job_name = made_up
        when job.cron_name = tick.cron_name then true
        else looks_after and job.kind = 'edge' and job.catch_up is not null and moment.scheduled_for > job.last_tick_for
      end
      -- The minute's tick starts it then.
      and not scheduler.is_waiting(job_name => job.job_name, scheduled_for => moment.scheduled_for, at => tick.at)
    -- SQL jobs first: a request goes out when this commits, and its signature is not to be old by then.
    order by job.kind desc, job.job_name
  loop
    if due.missed then
      perform from scheduler.jobs as job
      where job.job_name = due.job_name and job.last_tick_for < due.scheduled_for
      for update skip locked;
      continue when not found; -- somebody is at it
    end if;
    update scheduler.jobs as job
    set last_tick_for = greatest(job.last_tick_for, due.scheduled_for)
    where job.job_name = due.job_name;
    -- The minute's tick looks once, by index, and mostly that is all.
    continue when due.target = 'dispatch-backlog'
      and not exists (select from scheduler.notifications as waiting where waiting.due_at <= now());

    -- Each job by itself: what goes wrong with one is not to keep the others.
    begin
      run_id := case
        when due.missed and due.scheduled_for < tick.at - due.catch_up then
          scheduler.skip_run(job_name => due.job_name, scheduled_for => due.scheduled_for, reason => 'missed', triggered_by => 'catch_up')
        else
          scheduler.run_job(
            job_name => due.job_name,
            scheduled_for => due.scheduled_for,
            triggered_by => case
              when due.missed and (due.waits_for is null or due.scheduled_for < tick.at - interval '1 hour') then 'catch_up'
              else 'pg_cron'
            end
          )
      end;
    exception
      when others then
        raise warning 'job % could not be started: %', due.job_name, sqlerrm;
        insert into scheduler.invocations (id, job_name, status, triggered_by, scheduled_for, finished_at, error_type, error_message)
        values (
          gen_random_uuid(), due.job_name, 'failed', 'pg_cron', due.scheduled_for, clock_timestamp(), 'database_error',
          format('could not be started: the database answered %s; its log says more', sqlstate)
        )
        on conflict do nothing
        returning id into run_id;
    end;
    return query
    select run.job_name, run.id, run.status from scheduler.invocations as run where run.id = run_id;
  end loop;
end;
$$;

comment on function scheduler.tick(text, timestamptz) is
  'What pg_cron calls: starts the jobs of the entry. The one of every minute also looks after the requests that are out and makes up for ticks of others that were missed.';
