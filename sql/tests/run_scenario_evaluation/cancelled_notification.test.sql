begin;
select plan(20);

select tests.mentor(joined_on => '2026-01-01') as silent \gset
select tests.mentor(joined_on => '2026-03-01') as busy \gset
select tests.active_on(:'busy', '2026-03-09');
select tests.mentor(joined_on => '2026-03-01') as certified \gset
select tests.certified_until(:'certified', '2026-03-20');
create temporary table expected (mentor uuid, scenario text, key text) on commit drop;
insert into expected
values
  (:'silent', 'inactivity', 'inactivity:2026-01-01:1'),
  (:'busy', 'milestone', 'milestone:1'),
  (:'certified', 'expiry', 'expiry:2026-03-20:30');

select tests.evaluate('2026-03-10 07:00+01');
create temporary table opened on commit drop as select * from scheduler.scenario_cooldowns;
select is((select count(*) from opened), 3::bigint, 'each scenario has opened a window');
update scheduler.notifications set status = 'cancelled', status_reason = 'test';
select is_empty('select * from scheduler.scenario_cooldowns', 'a cancelled notification releases its window');

-- The same day.
select lives_ok(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 09:00+01') $$,
  'what was cancelled is no error when it is due again on the same day'
);
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 09:00+01') $$,
  'what was cancelled is not written again on the same day'
);
select is((select count(*) from scheduler.notifications), 3::bigint, 'the outbox has no second row for the day');
select is_empty('select * from scheduler.scenario_cooldowns', 'no window is left open without a notification');
select is(
  tests.foreseen(mentor, '2026-03-10 09:00+01', scenario), null,
  'a dry run says so too: no candidate on the same day for ' || scenario
)
from expected;

-- Another day.
select is(
  tests.pushed(mentor, '2026-03-11 07:00+01', scenario), key,
  'on another day it may be due again, under the same key: ' || scenario
)
from expected;
select results_eq(
  'select user_id, cooldown_window_start, cooldown_until from scheduler.scenario_cooldowns order by scenario_type',
  'select user_id, cooldown_window_start, cooldown_until + 1 from opened order by scenario_type',
  'its window starts where the released one did'
);
select is((select count(*) from scheduler.notifications), 6::bigint, 'the cancelled notification stays beside the new one');
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-12 07:00+01') $$,
  'and then it is done'
);

-- A later one of two.
select tests.pushed(:'silent', '2026-04-10 07:00+02') as key \gset
select is(:'key'::text, 'inactivity:2026-01-01:2', 'a second reminder follows the first');
update scheduler.notifications set status = 'cancelled' where occurrence_key = :'key';
select is(
  (select array_agg(occurrence_key) from scheduler.scenario_cooldowns where user_id = :'silent'),
  array['inactivity:2026-01-01:1'],
  'only the window of the cancelled notification is released'
);
select is(
  tests.foreseen(:'silent', '2026-04-11 07:00+02'), 'inactivity:2026-01-01:2',
  'a cancelled reminder does not count as sent'
);
update scheduler.notifications set status = 'cancelled' where user_id = :'silent';
select is(
  tests.pushed(:'silent', '2026-04-11 07:00+02'), 'inactivity:2026-01-01:1',
  'when all reminders were cancelled, the first is the next'
);
select is(
  (select cooldown_window_start from scheduler.scenario_cooldowns where user_id = :'silent'), date '2026-01-31',
  'and its window starts at the anchor'
);

select * from finish();
rollback;
