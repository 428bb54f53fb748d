begin;
select plan(22);

select tests.organisation() as own \gset
insert into scheduler.scenario_config (organisation_id, scenario_type) values (:'own', 'inactivity');
select tests.mentor(joined_on => '2026-01-01') from generate_series(1, 3);
select tests.mentor(joined_on => '2026-03-09') as newcomer \gset
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'own') from generate_series(1, 2);
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'own') as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'own') as gone \gset
update public.peer_mentors set status = 'inactive' where id = :'gone';

select is((select max(last_evaluated_at) from scheduler.scenario_config), null, 'before the first evaluation no scenario was evaluated');

select count(*) as candidates
from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', invocation_id => 'eeeeeeee-0000-4000-8000-000000000001') \gset

select is(:candidates, 5, 'the run has candidates');
select isnt(
  (select last_evaluated_at from scheduler.scenario_config where scenario_type = 'inactivity' and organisation_id is null), null,
  'scenario_config says when a scenario was evaluated'
);
select results_eq(
  $$
    select organisation_id is null, scenario_type, last_evaluated_count, last_candidate_count
    from scheduler.scenario_config order by organisation_id nulls first, scenario_type
  $$,
  $$ values (true, 'expiry', 7, 0), (true, 'inactivity', 4, 3), (true, 'milestone', 7, 0), (false, 'inactivity', 3, 2) $$,
  'scenario_config counts the active mentors and the candidates that each row was responsible for'
);

select is((select count(*) from scheduler.invocations), 1::bigint, 'the ledger has a row of the run');
select unnest(array[
  is(status, 'completed', 'the ledger says that the run completed'),
  is(as_of, '2026-03-10 07:00+01', 'the ledger says of which moment it was'),
  is(total_active_mentors, 7, 'the ledger counts active mentors'),
  is(total_evaluated, 7, 'the ledger counts evaluated mentors'),
  is(total_candidates, 5, 'the ledger counts candidates'),
  is(total_suppressed, 1, 'the ledger counts what was held back'),
  is(suppressed, '{"inactivity": {"opted_out": 1}}', 'the ledger counts what was held back by scenario and reason'),
  ok(finished_at >= started_at, 'the ledger says from when to when the run lasted')
])
from scheduler.invocations where id = 'eeeeeeee-0000-4000-8000-000000000001';
select is(
  (select count(*) from scheduler.notifications where invocation_id = 'eeeeeeee-0000-4000-8000-000000000001'), 5::bigint,
  'every notification names the invocation that it is of'
);

-- A narrower run, without an id given.
select count(*) as candidates
from public.run_scenario_evaluation(
  as_of => '2026-04-09 07:00+02', scenarios => array['inactivity'], organisation_ids => array[:'own']::uuid[]
) \gset
select is((select count(*) from scheduler.invocations), 2::bigint, 'a run without an invocation_id has a row of its own');
select unnest(array[
  is(total_active_mentors, 7, 'a narrowed run counts all active mentors'),
  is(total_evaluated, 3, 'a narrowed run counts as evaluated those whom it looked at'),
  is(total_candidates, 2, 'a narrowed run counts its own candidates')
])
from scheduler.invocations where id <> 'eeeeeeee-0000-4000-8000-000000000001';
select results_eq(
  $$
    select scenario_type, last_evaluated_count, last_candidate_count
    from scheduler.scenario_config where organisation_id is null order by scenario_type
  $$,
  $$ values ('expiry', 7, 0), ('inactivity', 4, 3), ('milestone', 7, 0) $$,
  'the counts of what it did not look at stay as they were'
);
select is(
  (select last_candidate_count from scheduler.scenario_config where organisation_id is not null), 2,
  'the counts of what it looked at are its own'
);

-- A dry run.
select count(*) as candidates from public.run_scenario_evaluation(as_of => '2026-05-20 07:00+02', dry_run => true) \gset
select cmp_ok(:candidates, '>', 0, 'a dry run has candidates');
select is((select count(*) from scheduler.invocations), 2::bigint, 'a dry run is not in the ledger');

select * from finish();
rollback;
