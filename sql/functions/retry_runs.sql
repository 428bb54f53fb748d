create or replace function scheduler.retry_runs(at timestamptz)
returns table (job_name text, invocation_id uuid, found text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  retry_id uuid;
begin
  for run in
    select broken.id, broken.job_name, broken.scheduled_for, broken.scenarios, broken.organisation_ids, broken.attempt,
      broken.status || coalesce(': ' || broken.error_message, '') as said
    from scheduler.invocations as broken
    join scheduler.jobs as job on job.job_name = broken.job_name and job.kind = 'edge' and job.enabled
    where broken.status in ('failed', 'abandoned')
      -- Nobody waits for what was asked for by hand: they see that it failed.
      and broken.scheduled_for is not null
      -- The evaluation stands, so the rest is sent by the next minute's tick.
      and broken.as_of is null
      and broken.started_at is not null
      and broken.status_reason is null
      and broken.requested_at > retry_runs.at - job.catch_up
      and broken.finished_at + scheduler.wait_before_asking(broken.attempt, job.catch_up) <= retry_runs.at
      and not exists (select from scheduler.invocations as retry where retry.retry_of = broken.id)
      and not scheduler.is_paused(job.job_name)
      -- One that was started since does the same work.
      and not exists (
        select from scheduler.invocations as later
        where later.job_name = broken.job_name
          and later.requested_at > broken.requested_at
          and not later.dry_run
          and (later.status = 'requested' or (later.status in ('running', 'completed', 'partial') and later.heartbeat_at is not null))
          and later.organisation_ids is null
          and (later.scenarios is null or later.scenarios @> broken.scenarios)
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
      run.attempt + 1, run.id
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
  'Has runs that failed or died before their work was safe begun anew, under rows of their own.';
