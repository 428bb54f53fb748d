create or replace function scheduler.require_staff()
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  organisations constant uuid[] := scheduler.organisations_of_caller();
begin
  if cardinality(organisations) = 0 then
    raise exception 'this is for staff'
      using errcode = 'insufficient_privilege', hint = 'An organisation makes somebody coordinator or admin with a row in its staff table.';
  end if;
  return organisations;
end;
$$;

comment on function scheduler.require_staff() is
  'The organisations of which the caller is staff; an error where there is none.';
