-- The API's own login is nobody before it becomes somebody, whatever claims it sets.

begin;
select plan(24);

select tests.staff('admin') as admin \gset
select tests.mentor() as mentor \gset
do $$
begin
  execute format('grant scheduler_api to %I', session_user);
end $$;
grant usage on schema extensions to scheduler_api;

select set_config('request.jwt.claims', jsonb_build_object('sub', :'admin', 'role', 'authenticated')::text, true);
create temporary table relation on commit drop as
select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r';
grant select on relation to scheduler_api;

set local role scheduler_api;
select throws_ok(format('select 1 from %s', name), '42501', null, 'it may not read ' || name) from relation order by name;
select throws_ok('select 1 from scheduler.mentor_state', '42501', null, 'nor look into scheduler');
select throws_ok(
  format('select public.%s', call), '42501', null, 'nor call ' || split_part(call, '(', 1)
)
from unnest(array[
  'coordinator_mentor_status()', 'list_invocations()', 'get_invocation(null)', 'request_invocation()', 'annotate_invocation(null, null)',
  'stop_invocation(null)', 'delete_invocation(null)', 'evaluate_mentors(null)', 'run_scenario_evaluation()', 'claim_notifications(1, ''1 minute'', null)'
]) as call;
reset role;

-- As authenticated, what the claims say counts.
select tests.as_caller(:'admin');
select results_eq('select id from public.peer_mentors', array[:'mentor'::uuid], 'once it is an admin, it sees what an admin sees');
reset role;
select is((select count(*) from public.coordinator_assignments), 0::bigint, 'and nothing was written');

select * from finish();
rollback;
