create or replace function scheduler.chapters_of_caller()
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(coordinated.chapter_id), '{}')
  from scheduler.coordinated_chapter as coordinated
  where coordinated.coordinator_id = (select auth.uid())
    and coordinated.organisation_id = any ((select scheduler.organisations_of_caller())::uuid[]);
$$;

comment on function scheduler.chapters_of_caller() is
  'The chapters that the caller coordinates.';
