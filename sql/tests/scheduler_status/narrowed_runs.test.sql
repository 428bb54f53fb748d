-- What was asked for some organisations or mentors says nothing of the whole.

begin;
select plan(22);
select tests.configured();
select tests.ticked_until(now());
select tests.organisation() as own \gset
select tests.staff('admin', :'own') as admin \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as mentor \gset
select tests.mentor(joined_on => tests.today() - 40);

-- The daily run failed, and this comes after it.
select tests.run(status => 'failed', requested_at => now() - interval '1 hour') as daily \gset
update scheduler.invocations set error_message = 'no connection', as_of = now() - interval '1 hour', total_candidates = 7, total_suppressed = 8;
create temporary table before on commit drop as
select component, status, detail from public.scheduler_status() where component in ('last evaluation', 'last run', 'job scenario-evaluation');
create temporary table configured_before on commit drop as select * from scheduler.scenario_config;
select is((select count(*) from before), 3::bigint, 'three components tell of the last run');
select is(tests.status_of('job scenario-evaluation'), 'warn', 'a daily run that failed is a warning');
select matches(tests.detail_of('job scenario-evaluation'), 'no connection', 'with why');
select is(tests.status_of('last run'), 'warn', 'also of the last run');
select matches(tests.detail_of('last evaluation'), '7 .* 8 ', 'the last evaluation has its figures');

create function pg_temp.said() returns setof before language sql as $$
  select component, status, detail from public.scheduler_status() where component in ('last evaluation', 'last run', 'job scenario-evaluation');
$$;

-- A batch of mentors, by staff and by an operator.
select tests.as_caller(:'admin');
select is((select jsonb_array_length(candidates) from public.evaluate_mentors(user_ids => array[:'mentor']::uuid[], dry_run => false)), 1, 'an admin evaluates one mentor');
reset role;
select results_eq('select * from pg_temp.said()', 'select * from before', 'which hides nothing of the daily run');
select results_eq('select * from scheduler.scenario_config order by id', 'select * from configured_before order by id', 'and is no evaluation of the scenario');
select count(*) from public.run_scenario_evaluation(user_ids => array[:'mentor']::uuid[]);
select results_eq('select * from pg_temp.said()', 'select * from before', 'an operator''s of one mentor hides nothing either');
select results_eq('select * from scheduler.scenario_config order by id', 'select * from configured_before order by id', 'nor is it one');

-- Of an organisation.
select count(*) from public.run_scenario_evaluation(organisation_ids => array[:'own']::uuid[]);
select results_eq('select * from pg_temp.said()', 'select * from before', 'nor does one of an organisation');
select tests.run(array[:'own']::uuid[], status) from unnest(array['completed', 'failed', 'abandoned', 'partial', 'requested']) as status;
select results_eq('select * from pg_temp.said()', 'select * from before', 'however it ends');
select tests.as_caller(:'admin');
select is((select count(*) from public.list_invocations() where not all_organisations), 8::bigint, 'they are in the ledger');
reset role;

-- A run of everybody.
select tests.run(status => 'completed') as next \gset
update scheduler.invocations set as_of = now(), total_candidates = 9, total_suppressed = 10 where id = :'next';
select is(tests.status_of('job scenario-evaluation'), 'ok', 'the next of everybody ends the warning');
select is(tests.status_of('last run'), 'ok', 'also of the last run');
select matches(tests.detail_of('last evaluation'), '9 .* 10 ', 'with its own figures');
select count(*) from public.run_scenario_evaluation();
select isnt((select min(last_evaluated_at) from scheduler.scenario_config), null, 'one of everybody is an evaluation of each scenario');

-- One that failed for some warns nobody of the whole.
select tests.run(array[:'own']::uuid[], 'failed');
select is(tests.status_of('job scenario-evaluation'), 'ok', 'one that failed for an organisation is no failure of the whole');
select is(tests.status_of('last run'), 'ok', 'nor the last run');

-- A run that hangs is one, whosever it is.
select tests.run(array[:'own']::uuid[], 'running', requested_at => now() - interval '1 hour') as hanging \gset
select is(tests.status_of('unended runs'), 'warn', 'a run of some that hangs is told');
select is((select count(*) from scheduler.abandon_dead_runs()), 1::bigint, 'and given up');
select is(tests.run_became(:'hanging'), 'abandoned: timeout_error', 'like any');

select * from finish();
rollback;
