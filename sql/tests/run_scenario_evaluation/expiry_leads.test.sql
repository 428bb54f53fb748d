begin;
select plan(17);

select tests.mentor() as mentor \gset
select tests.certified_until(:'mentor', '2026-06-30');

select is(
  tests.foreseen(:'mentor', tests.noon(date '2026-06-30' - days_left), 'expiry'), key,
  rule
)
from (
  values
    (61, null, 'a day before the longest lead nothing is due'),
    (60, 'expiry:2026-06-30:60', 'the longest lead is due on its day'),
    (59, 'expiry:2026-06-30:60', 'the longest lead is due after its day'),
    (31, 'expiry:2026-06-30:60', 'the longest lead is due until the next begins'),
    (30, 'expiry:2026-06-30:30', 'the second lead is due on its day, and the longest no more'),
    (29, 'expiry:2026-06-30:30', 'the second lead is due after its day'),
    (8, 'expiry:2026-06-30:30', 'the second lead is due until the next begins'),
    (7, 'expiry:2026-06-30:7', 'the shortest lead is due on its day'),
    (0, 'expiry:2026-06-30:7', 'the shortest lead is due on the day of expiry'),
    (-1, null, 'what expired yesterday is not due')
) as boundary (days_left, key, rule)
order by days_left desc;

select is(
  tests.pushed(:'mentor', tests.noon('2026-05-05'), 'expiry'), 'expiry:2026-06-30:60',
  'a lead is notified'
);
select results_eq(
  format($$ select cooldown_window_start, cooldown_until from scheduler.scenario_cooldowns where user_id = %L $$, :'mentor'),
  $$ values (date '2026-05-01', date '2026-05-06') $$,
  'the window starts expires_on - lead, and ends a day after the run'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-05-06'), 'expiry'), null,
  'a lead is notified once'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-05-31'), 'expiry'), 'expiry:2026-06-30:30',
  'the next lead is due when the one before it was notified'
);

-- Leads of its own, in any order, with one for the day of expiry itself.
update scheduler.scenario_config set params = '{"lead_days": [0, 14, 3]}'
where scenario_type = 'expiry' and organisation_id is null;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-06-16'), 'expiry'), 'expiry:2026-06-30:14',
  'the configured leads count, not the default ones'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-06-27'), 'expiry'), 'expiry:2026-06-30:3',
  'the smallest lead is found whatever the order in which they are configured'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-06-30'), 'expiry'), 'expiry:2026-06-30:0',
  'a lead of 0 days is due on the day of expiry'
);

select * from finish();
rollback;
