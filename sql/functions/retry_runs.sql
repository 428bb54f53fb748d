create or replace function scheduler.retry_runs(at timestamptz)
returns table (job_name text, invocation_id uuid, found text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  configured constant boolean := scheduler.edge_url_problem(scheduler.read_secret('scenario_scheduler_url')) is null
    and scheduler.edge_secret_problem(scheduler.read_secret('scenario_scheduler_secret')) is null;
  retry_id uuid;
begin
  for run in
    select broken.id, broken.job_name, broken.scheduled_for, broken.scenarios, broken.organisation_ids,
      counted.tries + (broken.status <> 'skipped')::integer as attempt_now,
      broken.status || coalesce(': ' || coalesce(broken.error_message, broken.status_reason), '') as said
    from scheduler.invocations as broken
    join scheduler.jobs as job on job.job_name = broken.job_name and job.kind = 'edge' and job.enabled
    -- One that got somewhere begins to count anew.
    cross join lateral (
      select case when broken.status = 'partial' and broken.pages_processed > 0 then 0 else broken.attempt end as tries
    ) as counted
    where broken.requested_at > retry_runs.at - job.catch_up
      -- Nobody waits for what was asked for by hand: they see that it failed.
      and broken.scheduled_for is not null
      and not broken.dry_run
      and (
        -- Where the evaluation stands, the rest is sent by the next minute's tick.
        (broken.status in ('failed', 'abandoned', 'partial') and broken.started_at is not null and broken.as_of is null and broken.status_reason is null)
        -- The run that it met may have been a narrower one.
        or (broken.status = 'skipped' and broken.status_reason = 'overlap')
        or (broken.status_reason = 'not_configured' and configured)
      )
      and broken.finished_at + scheduler.wait_before_asking(greatest(counted.tries, 1), job.catch_up) <= retry_runs.at
      and not exists (select from scheduler.invocations as retry where retry.retry_of = broken.id)
      and not scheduler.is_paused(job.job_name)
      -- One that is on, or ended since and did as much, makes it needless.
      and not exists (
        select from scheduler.invocations as other
        where other.job_name = broken.job_name
          and other.id <> broken.id
          and not other.dry_run
          and (
            other.status in ('requested', 'running')
            or (
              other.status in ('completed', 'partial')
              and other.heartbeat_at is not null
              and other.finished_at >= broken.requested_at
              and other.organisation_ids is null
              and (other.scenarios is null or other.scenarios @> broken.scenarios)
            )
          )
      )
    order by broken.requested_at
    for update of broken skip locked
  loop
    retry_id := null;
    insert into scheduler.invocations (
      id, job_name, status, triggered_by, scheduled_for, scenarios, organisation_ids, attempt, retry_of
    )
    values (
      gen_random_uuid(), run.job_name, 'requested', 'retry', run.scheduled_for, run.scenarios, run.organisation_ids,
      run.attempt_now, run.id
    )
    on conflict do nothing
    returning id into retry_id;
    if retry_id is not null then
      perform scheduler.request_run(retry_id);
      return query select run.job_name, retry_id, run.said;
    end if;
  end loop;
end;
$$;

comment on function scheduler.retry_runs(timestamptz) is
  'Has runs of a tick begun anew, under rows of their own, that failed or died before their work was safe, met another run, were not done in time, or could not be asked for.';
