begin;
select plan(6);

select tests.mentor(joined_on => '2000-01-01') as mentor \gset

select string_agg(relation || contents, ',') as before from tests.engine_contents() \gset
savepoint before_the_run;
select tests.pushed(:'mentor', tests.noon('2026-03-10')) as key \gset
select (select count(*) from scheduler.notifications) as written \gset
rollback to before_the_run;
select is(:'key'::text, 'inactivity:2000-01-01:1', 'a run has a candidate');
select is(:written, 1, 'the run writes it');
select is(
  (select string_agg(relation || contents, ',') from tests.engine_contents()), :'before',
  'a run that is rolled back leaves nothing behind'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-10')), 'inactivity:2000-01-01:1',
  'what a run that was rolled back had decided is due as before'
);

set local search_path = public, extensions;
select lives_ok('select run_scenario_evaluation();', 'the function can be called without any arguments');
select is(
  (select status from scheduler.notifications where user_id = :'mentor'), 'pending',
  'called without arguments it writes what is due now'
);

select * from finish();
rollback;
