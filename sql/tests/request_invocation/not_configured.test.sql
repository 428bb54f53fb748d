-- Where the function is not connected, the caller is told, and nothing is left behind.

begin;
select plan(12);

select tests.staff() as coordinator \gset
create temporary table before on commit drop as select * from tests.engine_contents();

select tests.as_caller(:'coordinator');
select throws_ok(
  $$ select * from public.request_invocation(idempotency_key => 'a') $$, 'F0000', 'the function that does this is not connected', 'without a url there is no run'
);
select is(
  tests.hint_of($$ select * from public.request_invocation(idempotency_key => 'a') $$), 'Whoever operates the scheduler sees why in scheduler_status().',
  'with who knows more'
);
reset role;
select is_empty('select * from scheduler.invocations', 'no run is left behind');
select is_empty('select * from scheduler.idempotency_keys', 'no key');
select is_empty('select * from scheduler.requests', 'and no request');
select results_eq('select * from tests.engine_contents()', 'select * from before', 'the engine is as it was');

select tests.configured();
select vault.update_secret(id, new_secret => 'hunter2') from vault.secrets where name = 'scenario_scheduler_secret';
select tests.as_caller(:'coordinator');
select throws_ok('select * from public.request_invocation()', 'F0000', 'the function that does this is not connected', 'a malformed secret is not told');
reset role;

select tests.configured();
select tests.takes_no_request();
select tests.as_caller(:'coordinator');
select throws_ok('select * from public.request_invocation()', 'F0000', 'the function that does this is not connected', 'nor why pg_net takes nothing');
reset role;
select tests.without('net');
select tests.as_caller(:'coordinator');
select throws_ok('select * from public.request_invocation()', 'F0000', 'the function that does this is not connected', 'or that it is missing');
reset role;
select tests.without('vault');
select tests.as_caller(:'coordinator');
select throws_ok('select * from public.request_invocation()', 'F0000', 'the function that does this is not connected', 'or Vault');
select lives_ok('select * from public.list_invocations()', 'looking at runs goes on');
select lives_ok('select * from public.coordinator_mentor_status()', 'and at mentors');
reset role;

select * from finish();
rollback;
