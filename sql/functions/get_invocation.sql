create or replace function public.get_invocation(invocation_id uuid)
returns table (entry scheduler.invocation_entry, figures scheduler.invocation_figures)
language plpgsql
stable
security definer
set search_path = ''
set jit = off
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => get_invocation.invocation_id, organisations => organisations
  );
begin
  return query
  select scheduler.describe_invocation(run, organisations), scheduler.count_invocation(run);
end;
$$;

comment on function public.get_invocation(uuid) is
  'A run that concerns the caller''s organisations, with what it did to the mentors in the caller''s reach. For staff.';
