-- With dry_run => false it is a run like others, of the organisations of these mentors.

begin;
select plan(27);

select tests.organisation() as own \gset
select tests.organisation() as second \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as silent \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as opted_out \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as not_asked_for \gset
select tests.mentor(organisation_id => :'theirs', joined_on => tests.today() - 40) as stranger \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);
select tests.assigned(:'coordinator', :'silent', :'opted_out', :'not_asked_for');

select tests.as_caller(:'coordinator');
select * from public.evaluate_mentors(user_ids => array[:'silent', :'opted_out']::uuid[], dry_run => false) \gset
reset role;
select is(:evaluated, 2, 'it counts those whom it looked at');
select is(jsonb_array_length(:'candidates'), 1, 'and lists who gets a push');
select results_eq(
  'select user_id, invocation_id from scheduler.notifications', format('values (%L::uuid, %L::uuid)', :'silent', :'invocation_id'), 'which is in the outbox, with the run'
);
select is((select count(*) from scheduler.scenario_cooldowns), 1::bigint, 'and its window');
select is(:'candidates'::jsonb -> 0 ->> 'notification_id', (select id::text from scheduler.notifications), 'the candidate has its notification');
select is(:'candidates'::jsonb -> 0 ? 'data', false, 'but not the facts it rests on');

-- The ledger.
select is((select count(*) from scheduler.invocations), 1::bigint, 'the ledger has one run of it');
select unnest(array[
  is(id, :'invocation_id', 'the one in the answer'),
  is(job_name || ' ' || status || ' ' || triggered_by, 'scenario-evaluation completed api', 'an evaluation that has completed'),
  is(requested_by, :'coordinator', 'that the caller asked for'),
  is(organisation_ids, array[:'own']::uuid[], 'which concerns her organisation and no other'),
  is(total_evaluated || ' ' || total_candidates || ' ' || total_suppressed, '2 1 1', 'with its figures'),
  is(suppressed, '{"inactivity": {"opted_out": 1}}', 'of these mentors alone'),
  is(dry_run, false, 'no dry run'),
  ok(finished_at >= started_at and started_at >= requested_at, 'from when to when'),
  is(scenarios, null, 'of all scenarios')
])
from scheduler.invocations;
select results_eq(
  'select organisation_id, total_evaluated, total_candidates, suppressed from scheduler.invocation_shares',
  format($$ values (%L::uuid, 2, 1, '{"inactivity": {"opted_out": 1}}'::jsonb) $$, :'own'), 'the organisation has its share of it'
);
select tests.as_caller(:'admin');
select is((select (entry).id from public.get_invocation(:'invocation_id')), :'invocation_id', 'colleagues see it');
select is((select (figures).total_candidates from public.get_invocation(:'invocation_id')), 1, 'with figures');
reset role;
select tests.as_caller(:'their_admin');
select is_empty('select * from public.list_invocations()', 'another organisation does not');
reset role;

-- Again.
select tests.as_caller(:'coordinator');
select is((select candidates from public.evaluate_mentors(user_ids => array[:'silent']::uuid[], dry_run => false)), '[]', 'who got a push gets no second one');
reset role;
select is((select count(*) from scheduler.invocations), 2::bigint, 'that is a run too');
select is(tests.verdict(:'not_asked_for', 'inactivity', now()), 'candidate', 'who was not asked for is as before');

-- Mentors of two organisations.
select tests.staff('admin', :'second', :'coordinator');
select tests.mentor(organisation_id => :'second', joined_on => tests.today() - 40) as of_second \gset
select tests.as_caller(:'coordinator');
select invocation_id as of_both from public.evaluate_mentors(user_ids => array[:'not_asked_for', :'of_second']::uuid[], dry_run => false, scenarios => '{inactivity}') \gset
reset role;
select is((select tests.sorted(variadic organisation_ids) from scheduler.invocations where id = :'of_both'), tests.sorted(:'own', :'second'), 'mentors of several organisations make a run of these');
select is((select scenarios from scheduler.invocations where id = :'of_both'), '{inactivity}', 'of the scenarios that were named');
select is((select sum(total_candidates) from scheduler.invocation_shares where invocation_id = :'of_both'), 2::bigint, 'with a share of each');
select tests.run_became(scheduler.invoke_edge(job_name => 'scenario-evaluation')) as next \gset
select is(:'next'::text, 'failed: network_error', 'and keeps no other run from beginning');

select * from finish();
rollback;
