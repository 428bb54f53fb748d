create or replace function scheduler.describe_invocation(run scheduler.invocations, organisations uuid[])
returns scheduler.invocation_entry
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select
    run.id,
    run.job_name,
    run.status,
    run.status_reason,
    run.triggered_by,
    run.scheduled_for,
    run.requested_at,
    run.started_at,
    run.finished_at,
    run.stop_requested_at,
    run.dry_run,
    run.scenarios,
    run.organisation_ids is null,
    run.attempt,
    run.retry_of,
    run.error_type,
    -- What the network says of our function's address is for operators.
    case when run.error_message like 'not reached: %' then 'not reached' else run.error_message end,
    (
      select written.note
      from scheduler.invocation_notes as written
      where written.invocation_id = run.id and written.organisation_id = any (organisations)
      order by written.noted_at desc
      limit 1
    );
$$;

comment on function scheduler.describe_invocation(scheduler.invocations, uuid[]) is
  'A run as staff of these organisations see it, with their own note.';
