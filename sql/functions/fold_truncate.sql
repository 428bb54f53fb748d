create or replace function scheduler.fold_truncate()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform scheduler.rebuild_mentor_state();
  return null;
end;
$$;

comment on function scheduler.fold_truncate() is 'After a tracked table was truncated: derives the state from what is left.';
