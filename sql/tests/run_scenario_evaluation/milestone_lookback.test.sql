begin;
select plan(16);

select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', variadic array(select date '2025-01-10' + n from generate_series(1, 9) as n));
select tests.active_on(:'mentor', '2026-03-10');

select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-09'), 'milestone'), null,
  'a milestone is not due on the day before its activity'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-10'), 'milestone'), 'milestone:10',
  'a milestone is due on the day of its activity'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-23'), 'milestone'), 'milestone:10',
  'a milestone is due on the last day of the lookback, lookback_days - 1 after its activity'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-24'), 'milestone'), null,
  'a milestone is not due any more lookback_days after its activity'
);
select is(
  tests.verdict(:'mentor', 'milestone', tests.noon(day)), verdict,
  format('explain says of %s: %s', day, verdict)
)
from (
  values (date '2026-03-09', 'not_due'), ('2026-03-10', 'candidate'), ('2026-03-23', 'candidate'), ('2026-03-24', 'not_due')
) as boundary (day, verdict);

-- The next milestone is planned for later.
select tests.mentor() as planner \gset
select tests.active_on(:'planner', variadic array(select date '2025-01-10' + n from generate_series(1, 9) as n));
select tests.active_on(:'planner', '2026-03-10');
select tests.active_on(:'planner', variadic array(select date '2026-05-10' from generate_series(1, 15)));
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-23'), 'milestone'), 'milestone:10',
  'a milestone is due on the last day of the lookback although the next one is planned'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-24'), 'milestone'), null,
  'a milestone is not due after the lookback although the next one is planned'
);

update scheduler.scenario_config set params = '{"lookback_days": 1}'
where scenario_type = 'milestone' and organisation_id is null;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-10'), 'milestone'), 'milestone:10',
  'a lookback of one day covers the evaluation date'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-11'), 'milestone'), null,
  'a lookback of one day covers the evaluation date only'
);
update scheduler.scenario_config set params = '{"lookback_days": 60}'
where scenario_type = 'milestone' and organisation_id is null;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-05-08'), 'milestone'), 'milestone:10',
  'a longer lookback covers what the default would not'
);

update scheduler.scenario_config set params = '{}' where scenario_type = 'milestone' and organisation_id is null;
select tests.active_on(:'mentor', '2026-03-15');
select is(
  tests.pushed(:'mentor', tests.noon('2026-03-20'), 'milestone'), 'milestone:10',
  'the key holds the milestone'
);
select results_eq(
  format($$ select cooldown_window_start, cooldown_until from scheduler.scenario_cooldowns where user_id = %L $$, :'mentor'),
  $$ values (date '2026-03-10', date '2026-03-21') $$,
  'the window starts on the date of the activity that reached the milestone, and ends a day after the run'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-21'), 'milestone'), null,
  'a milestone that was notified is not due again'
);

select * from finish();
rollback;
