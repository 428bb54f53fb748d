create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  project_function regprocedure;
  for_operators constant text[] := array['explain_scenario_evaluation', 'scheduler_status'];
  for_the_dispatcher constant text[] := array[
    'start_invocation', 'run_scenario_evaluation', 'claim_notifications', 'record_push_results',
    'heartbeat_invocation', 'finish_invocation', 'invocation_summary'
  ];
begin
  revoke all on schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all tables in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all sequences in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all functions in schema scheduler from public, anon, authenticated, scheduler_dispatcher;

  grant usage on schema public to scheduler_dispatcher;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_operators || for_the_dispatcher)
  loop
    execute format('revoke all on function %s from public, anon, authenticated, scheduler_dispatcher', project_function);
    execute format('grant execute on function %s to service_role', project_function);
  end loop;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_the_dispatcher)
  loop
    execute format('grant execute on function %s to scheduler_dispatcher', project_function);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points, and the dispatcher''s login those it needs. The last line of every migration that makes functions or tables in scheduler.';
