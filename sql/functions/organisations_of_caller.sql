create or replace function scheduler.organisations_of_caller(as_role text default null)
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct staff.organisation_id), '{}')
  from scheduler.staff as staff
  where staff.user_id = (select auth.uid()) and (as_role is null or staff.role = as_role);
$$;

comment on function scheduler.organisations_of_caller(text) is
  'The organisations of which the caller is staff, in any role or the one given.';
