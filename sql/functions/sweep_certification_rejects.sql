create or replace function scheduler.sweep_certification_rejects(older_than timestamptz)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.certification_rejects as reject
    where reject.last_seen_at < older_than
    returning reject.external_id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_certification_rejects(timestamptz) is
  'Deletes what a portal has not named any more for long.';
