begin;
select plan(17);

select tests.mentor(joined_on => '2026-02-01') as mentor \gset

select is(
  tests.pushed(:'mentor', tests.noon('2026-03-03')), 'inactivity:2026-02-01:1',
  'the first reminder of a silence is number 1'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-04-01')), null,
  'the second reminder is not due a day before the cooldown ends'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-04-02')), 'inactivity:2026-02-01:2',
  'the second reminder goes out on the day that the cooldown ends'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-05-10')), 'inactivity:2026-02-01:3',
  'the third reminder follows whenever the next run after the cooldown is'
);
select results_eq(
  format($$
    select cooldown_window_start, cooldown_until from scheduler.scenario_cooldowns
    where user_id = %L order by cooldown_window_start
  $$, :'mentor'),
  $$ values (date '2026-03-03', date '2026-04-02'), ('2026-04-02', '2026-05-02'), ('2026-05-02', '2026-06-09') $$,
  'each reminder''s window starts where the one before it ended, and lasts cooldown_days from the run'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-06-09')), null,
  'after max_reminders nothing more is sent in the same silence'
);
select is(
  tests.held_back(tests.noon('2026-06-09')), '{"inactivity": {"max_reminders": 1}}',
  'a reminder beyond the limit is held back as max_reminders'
);
select is(
  tests.held_back(tests.noon('2026-06-08')), '{"inactivity": {"cooldown": 1}}',
  'inside the cooldown, cooldown is the reason and not max_reminders'
);
select is(
  tests.held_back(tests.noon('2030-01-01')), '{"inactivity": {"max_reminders": 1}}',
  'the limit holds for as long as the silence does'
);

select tests.active_on(:'mentor', '2026-06-10');
select is(
  tests.foreseen(:'mentor', tests.noon('2026-07-09')), null,
  'a new silence lasts threshold days before its first reminder'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-07-10')), 'inactivity:2026-06-10:1',
  'a new silence starts again at number 1'
);

-- A silence that is over the threshold before the cooldown of the last one ends.
update scheduler.scenario_config set params = '{"threshold_days": 10}'
where scenario_type = 'inactivity' and organisation_id is null;
select tests.active_on(:'mentor', '2026-07-12');
select is(
  tests.held_back(tests.noon('2026-08-08')), '{"inactivity": {"cooldown": 1}}',
  'the cooldown of the last silence still holds in a new one'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-08-09')), 'inactivity:2026-07-12:1',
  'the new silence has its first reminder once that cooldown is over'
);
select is(
  (select max(cooldown_window_start) from scheduler.scenario_cooldowns where user_id = :'mentor'), date '2026-08-09',
  'its window starts where the last one ended, as that is later than the day it became due'
);

-- No limit.
select tests.mentor(joined_on => '2026-02-01') as patient \gset
select tests.queued(:'patient', 'inactivity', 'inactivity:2026-02-01:' || n, date '2026-03-03' + 30 * (n - 1))
from generate_series(1, 4) as n;
select is(
  tests.foreseen(:'patient', tests.noon('2026-10-01'), 'inactivity'), null,
  'a limit that was lowered to less than what was sent already holds'
);
update scheduler.scenario_config set params = '{"max_reminders": null}'
where scenario_type = 'inactivity' and organisation_id is null;
select is(
  tests.pushed(:'patient', tests.noon('2026-10-01'), 'inactivity'), 'inactivity:2026-02-01:5',
  'with max_reminders null there is no limit'
);
update scheduler.scenario_config set params = '{"max_reminders": 6}'
where scenario_type = 'inactivity' and organisation_id is null;
select is(
  tests.foreseen(:'patient', tests.noon('2026-11-01'), 'inactivity'), 'inactivity:2026-02-01:6',
  'a limit that was raised lets the next reminder through'
);

select * from finish();
rollback;
