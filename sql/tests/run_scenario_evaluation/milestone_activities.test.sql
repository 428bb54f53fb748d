begin;
select plan(15);

-- The 10th activity among several of one day.
select tests.mentor() as busy \gset
select tests.active_on(:'busy', variadic array(select date '2025-02-01' from generate_series(1, 8)));
select tests.active_on(:'busy', variadic array(select date '2026-03-10' from generate_series(1, 4)));
select is(
  tests.pushed(:'busy', tests.noon('2026-03-12'), 'milestone'), 'milestone:10',
  'a milestone can be reached in the middle of a day''s activities'
);
select is(
  (select cooldown_window_start from scheduler.scenario_cooldowns where user_id = :'busy'), date '2026-03-10',
  'its window starts on that day'
);

select tests.mentor() as first_day \gset
select tests.active_on(:'first_day', variadic array(select date '2026-03-10' from generate_series(1, 10)));
select is(
  tests.foreseen(:'first_day', tests.noon('2026-03-10'), 'milestone'), 'milestone:10',
  'ten activities on a first day are the milestone of ten, not that of one'
);

-- Planned.
select tests.mentor() as planner \gset
select tests.active_on(:'planner', variadic array(select date '2025-02-01' + n from generate_series(1, 9) as n));
select tests.active_on(:'planner', '2026-03-20', '2026-04-20');
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-19'), 'milestone'), null,
  'a planned activity does not count before its day'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-20'), 'milestone'), 'milestone:10',
  'a planned activity counts on its day'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-04-02'), 'milestone'), 'milestone:10',
  'a milestone is found although more activities are planned after it'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-04-20'), 'milestone'), null,
  'a planned activity beyond the milestone doesn''t make it due later'
);

-- Backfilled.
select tests.mentor() as late_writer \gset
select tests.active_on(:'late_writer', variadic array(select date '2025-02-01' + n from generate_series(1, 8) as n));
select tests.active_on(:'late_writer', '2026-03-10');
select is(
  tests.foreseen(:'late_writer', tests.noon('2026-03-15'), 'milestone'), null,
  'nine activities are no milestone'
);
select tests.active_on(:'late_writer', '2025-01-15');
select is(
  tests.foreseen(:'late_writer', tests.noon('2026-03-15'), 'milestone'), 'milestone:10',
  'an activity that is recorded late makes a recent one the tenth'
);
select tests.active_on(:'late_writer', '2025-01-16');
select is(
  tests.foreseen(:'late_writer', tests.noon('2026-03-15'), 'milestone'), null,
  'an activity that is recorded late makes an old one the tenth, which is beyond the lookback'
);

-- Corrected.
select tests.mentor() as corrected \gset
select tests.active_on(:'corrected', variadic array(select date '2025-02-01' + n from generate_series(1, 10) as n));
select is(
  tests.foreseen(:'corrected', tests.noon('2026-03-15'), 'milestone'), null,
  'a milestone that was reached long ago is not due'
);
update public.activities set activity_date = '2026-03-10' where user_id = :'corrected' and activity_date = '2025-02-05';
select is(
  tests.foreseen(:'corrected', tests.noon('2026-03-15'), 'milestone'), 'milestone:10',
  'an activity whose date is corrected counts by its new date'
);
delete from public.activities where user_id = :'corrected' and activity_date = '2025-02-06';
select is(
  tests.foreseen(:'corrected', tests.noon('2026-03-15'), 'milestone'), null,
  'a milestone is not due when an activity is deleted and it isn''t reached any more'
);
select tests.active_on(:'corrected', '2026-03-11');
select is(
  tests.foreseen(:'corrected', tests.noon('2026-03-15'), 'milestone'), 'milestone:10',
  'a milestone is due when it is reached again without having been notified'
);
delete from public.activities where user_id = :'corrected';
select is(
  tests.foreseen(:'corrected', tests.noon('2026-03-15'), 'milestone'), null,
  'without activities there is no milestone'
);

select * from finish();
rollback;
