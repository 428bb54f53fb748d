create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  project_function regprocedure;
  entry_points constant text[] := array[
    'run_scenario_evaluation', 'explain_scenario_evaluation', 'scheduler_status'
  ];
begin
  revoke all on schema scheduler from public, anon, authenticated;
  revoke all on all tables in schema scheduler from public, anon, authenticated;
  revoke all on all sequences in schema scheduler from public, anon, authenticated;
  revoke all on all functions in schema scheduler from public, anon, authenticated;

  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (entry_points)
  loop
    execute format('revoke all on function %s from public, anon, authenticated', project_function);
    execute format('grant execute on function %s to service_role', project_function);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points. The last line of every migration that makes functions or tables in scheduler.';
