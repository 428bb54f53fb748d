create or replace function scheduler.skip_run(job_name text, scheduled_for timestamptz, reason text, triggered_by text)
returns uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into scheduler.invocations (id, job_name, status, status_reason, triggered_by, scheduled_for, finished_at)
  values (gen_random_uuid(), job_name, 'skipped', reason, triggered_by, scheduled_for, clock_timestamp())
  returning id;
$$;

comment on function scheduler.skip_run(text, timestamptz, text, text) is
  'Leaves a row in the ledger for a tick that starts nothing, with the reason.';
