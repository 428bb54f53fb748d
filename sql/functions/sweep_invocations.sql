create or replace function scheduler.sweep_invocations(older_than timestamptz, looked_at integer)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.invocations as run
    where run.id in (
      select old.id
      from scheduler.invocations as old
      where old.requested_at < older_than and old.status not in ('requested', 'running')
      order by old.requested_at
      limit looked_at
    )
    returning run.id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_invocations(timestamptz, integer) is
  'Deletes old runs that have ended, with their requests, at most so many.';
