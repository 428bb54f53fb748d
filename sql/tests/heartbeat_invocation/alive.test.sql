begin;
select plan(10);

select id as run from public.start_invocation(job_name => 'scenario-evaluation') \gset
select tests.time_passed(:'run', '29 seconds');
select is((select count(*) from scheduler.abandon_dead_runs()), 0::bigint, 'a run without a sign of life for less than half a minute lives');
select public.heartbeat_invocation(:'run');
select ok((select heartbeat_at > now() from scheduler.invocations where id = :'run'), 'a sign of life is of the moment, not of the transaction''s beginning');
select is((select count(*) from scheduler.abandon_dead_runs(at => clock_timestamp() + interval '29 seconds')), 0::bigint, 'it buys half a minute');
select is((select count(*) from scheduler.abandon_dead_runs(at => clock_timestamp() + interval '31 seconds')), 1::bigint, 'and no more');
create temporary table before on commit drop as select * from scheduler.invocations;
select public.heartbeat_invocation(:'run');
select results_eq('select * from scheduler.invocations', 'select * from before', 'one that was abandoned does not come to life by a sign of it');
select public.finish_invocation(invocation_id => :'run', status => 'completed');
update before set status = 'gone';
create temporary table ended on commit drop as select * from scheduler.invocations;
select public.heartbeat_invocation(:'run');
select results_eq('select * from scheduler.invocations', 'select * from ended', 'one that has ended gives none');
select lives_ok($$ select public.heartbeat_invocation(gen_random_uuid()) $$, 'one that is not there is no error');
select lives_ok($$ select public.heartbeat_invocation(null) $$, 'nor is none');
select is(has_function_privilege('scheduler_dispatcher', 'public.heartbeat_invocation(uuid)', 'execute'), true, 'the dispatcher''s login may give it');
select is(has_function_privilege('authenticated', 'public.heartbeat_invocation(uuid)', 'execute'), false, 'others may not');

select * from finish();
rollback;
