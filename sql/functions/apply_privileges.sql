create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  granted record;
  for_operators constant text[] := array['explain_scenario_evaluation', 'scheduler_status'];
  for_the_dispatcher constant text[] := array[
    'start_invocation', 'run_scenario_evaluation', 'claim_notifications', 'record_push_results',
    'heartbeat_invocation', 'finish_invocation', 'invocation_summary', 'begin_portal_sync', 'apply_portal_page',
    'run_certification_expiry'
  ];
  -- Each looks for itself at who calls.
  for_staff constant text[] := array[
    'coordinator_mentor_status', 'list_invocations', 'get_invocation', 'request_invocation', 'annotate_invocation',
    'stop_invocation', 'delete_invocation', 'evaluate_mentors'
  ];
  -- Policies know them by what they are; by their names nobody can call them.
  for_policies constant text[] := array['organisations_of_caller', 'mentors_of_caller', 'chapters_of_caller'];
begin
  revoke all on schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all tables in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all sequences in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all functions in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;

  grant usage on schema public to scheduler_dispatcher;
  for granted in
    select
      p.oid::regprocedure as signature,
      wanted.grantee::regrole as grantee,
      row_number() over (partition by p.oid) = 1 as is_first
    from pg_catalog.pg_proc as p
    join (
      values
        ('public', 'service_role', for_operators || for_the_dispatcher),
        ('public', 'scheduler_dispatcher', for_the_dispatcher),
        ('public', 'authenticated', for_staff),
        ('scheduler', 'authenticated', for_policies)
    ) as wanted (schema_name, grantee, functions)
      on wanted.schema_name::regnamespace = p.pronamespace and p.proname = any (wanted.functions)
    order by p.oid, is_first desc
  loop
    if granted.is_first then
      execute format(
        'revoke all on function %s from public, anon, authenticated, service_role, scheduler_dispatcher, scheduler_api', granted.signature
      );
    end if;
    execute format('grant execute on function %s to %s', granted.signature, granted.grantee);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points, the dispatcher''s login those it needs, and people who are logged in those that look at who calls. The last line of every migration that makes functions or tables in scheduler.';
