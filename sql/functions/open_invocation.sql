create or replace function scheduler.open_invocation(
  job_name text,
  kind text,
  triggered_by text,
  scheduled_for timestamptz default null,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false
)
returns table (id uuid, opened boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  hindrance text;
begin
  perform scheduler.abandon_dead_runs(job_name => open_invocation.job_name, at => now());
  -- Where somebody else comes in between, the unique keys say so, and the second look why.
  for look in 1..2 loop
    hindrance := case
      when exists (
        select from scheduler.invocations as other
        where not open_invocation.dry_run
          and not other.dry_run
          and other.job_name = open_invocation.job_name
          and other.scheduled_for = open_invocation.scheduled_for
          and other.retry_of is null
          and other.status <> 'skipped'
          and other.status_reason is distinct from 'not_configured'
      ) then 'duplicate_tick'
      -- Who asks for a run need not wait for one that only has been asked for.
      when not open_invocation.dry_run and exists (
        select from scheduler.invocations as other
        where other.job_name = open_invocation.job_name
          and not other.dry_run
          and (other.status = 'running' or (other.status = 'requested' and open_invocation.scheduled_for is not null))
      ) then 'overlap'
      when look = 2 then 'overlap'
    end;
    return query
    insert into scheduler.invocations as invocation (
      id, job_name, status, status_reason, triggered_by, scheduled_for, scenarios, organisation_ids, dry_run,
      started_at, heartbeat_at, finished_at
    )
    select
      gen_random_uuid(), open_invocation.job_name, began.status, hindrance, open_invocation.triggered_by,
      open_invocation.scheduled_for, open_invocation.scenarios, open_invocation.organisation_ids, open_invocation.dry_run,
      case when began.status = 'running' then clock_timestamp() end,
      case when began.status = 'running' then clock_timestamp() end,
      case when began.status = 'skipped' then clock_timestamp() end
    from (
      select case when hindrance is not null then 'skipped' when open_invocation.kind = 'edge' then 'requested' else 'running' end as status
    ) as began
    on conflict do nothing
    returning invocation.id, invocation.status <> 'skipped';
    exit when found;
  end loop;
end;
$$;

comment on function scheduler.open_invocation(text, text, text, timestamptz, text[], uuid[], boolean) is
  'Opens a row of the ledger. opened is false where it is one that was skipped: a tick that had its run, or a run that is on.';
