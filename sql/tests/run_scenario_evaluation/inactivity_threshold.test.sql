begin;
select plan(5);

select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', '2026-02-01', '2026-01-15');

select is(
  tests.verdict(:'mentor', 'inactivity', tests.noon('2026-03-02')), 'not_due',
  'a mentor silent for threshold - 1 days is not due'
);
select is(
  tests.verdict(:'mentor', 'inactivity', tests.noon('2026-03-03')), 'candidate',
  'a mentor silent for threshold days is due'
);
select is(
  tests.verdict(:'mentor', 'inactivity', tests.noon('2026-03-04')), 'candidate',
  'a mentor silent for threshold + 1 days is due'
);
select is(
  tests.evaluated(:'mentor', tests.noon('2026-03-04')), array['inactivity:2026-02-01:1'],
  'the key holds the last activity date and the number of the reminder'
);
select is(
  (select cooldown_window_start from scheduler.scenario_cooldowns where user_id = :'mentor'), date '2026-03-03',
  'the window starts on the day that the mentor became due, not on that of the run'
);

select * from finish();
rollback;
