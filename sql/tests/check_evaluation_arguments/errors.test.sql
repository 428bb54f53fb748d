begin;
select plan(14);

select throws_ok(
  $$ select public.run_scenario_evaluation(scenarios => array['expiry', 'birthday']) $$,
  '22023', 'unknown scenario ''birthday''',
  'an unknown scenario is refused and named'
);
select is(
  tests.hint_of($$ select public.run_scenario_evaluation(scenarios => array['birthday']) $$),
  'Known scenarios: expiry, inactivity, milestone.',
  'the hint lists the known scenarios'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(scenarios => array[null]) $$,
  '22023', null,
  'a scenario of null is refused'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(scenarios => array['birthday'], dry_run => true) $$,
  '22023', null,
  'a dry run refuses what a run does'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(as_of => null) $$,
  '22023', 'as_of must be a moment, not null',
  'as_of null is refused'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(as_of => 'infinity') $$,
  '22023', 'as_of must be a moment, not infinity',
  'as_of infinity is refused'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(as_of => '-infinity') $$,
  '22023', 'as_of must be a moment, not -infinity',
  'as_of minus infinity is refused'
);
select alike(
  tests.hint_of($$ select public.run_scenario_evaluation(as_of => null) $$), '%2026-03-01%',
  'the hint shows what as_of looks like'
);
select throws_ok(
  $$ select public.run_scenario_evaluation(dry_run => null) $$,
  '22004', 'dry_run must be true or false, not null',
  'dry_run null is refused'
);
select isnt(
  tests.hint_of($$ select public.run_scenario_evaluation(dry_run => null) $$), '',
  'the error about dry_run has a hint'
);
select throws_ok(
  $$ select * from public.explain_scenario_evaluation(gen_random_uuid(), 'infinity') $$,
  '22023', 'as_of must be a moment, not infinity',
  'explain refuses as_of infinity'
);
select throws_ok(
  $$ select * from public.explain_scenario_evaluation(gen_random_uuid(), null) $$,
  '22023', 'as_of must be a moment, not null',
  'explain refuses as_of null'
);
select lives_ok(
  $$ select public.run_scenario_evaluation(scenarios => null, organisation_ids => null, user_ids => null, invocation_id => null) $$,
  'null for any other argument is the same as leaving it out'
);
select is(
  (select count(*) from scheduler.invocations), 1::bigint,
  'a refused call leaves nothing in the ledger'
);

select * from finish();
rollback;
