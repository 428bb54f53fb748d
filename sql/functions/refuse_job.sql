create or replace function scheduler.refuse_job(
  job_name text,
  triggered_by text,
  invocation_id uuid default null,
  webhook_id text default null
)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  run_id constant uuid := coalesce(invocation_id, gen_random_uuid());
begin
  insert into scheduler.invocations (
    id, job_name, status, status_reason, triggered_by, webhook_id, error_type, error_message, started_at, finished_at
  )
  values (
    run_id,
    -- A name that is none of ours may be anything, so it is not kept.
    case when job_name ~ '^[a-z]{1,20}[0-9]{0,3}(-[a-z]{1,20}[0-9]{0,3}){0,3}$' then job_name else 'unknown' end,
    'failed', 'unknown_job', triggered_by, webhook_id, 'evaluation_logic_error',
    'the function has no such job. ' || scheduler.known_jobs_hint(), clock_timestamp(), clock_timestamp()
  )
  on conflict do nothing;
  raise warning 'unknown job %', quote_nullable(job_name) using hint = scheduler.known_jobs_hint();
  return run_id;
end;
$$;

comment on function scheduler.refuse_job(text, text, uuid, text) is
  'Leaves a failed row in the ledger for a job that the function does not know.';
