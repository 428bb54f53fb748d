begin;
select plan(11);

alter table public.peer_mentors alter column joined_on drop not null;

select tests.mentor(joined_on => '2026-02-01') as newcomer \gset
select tests.mentor(joined_on => null) as undated \gset
select tests.mentor(joined_on => '2026-01-01') as planner \gset
select tests.active_on(:'planner', '2026-02-01', '2026-03-10');
select tests.mentor(joined_on => '2025-06-01') as early \gset
select tests.active_on(:'early', '2025-05-01');
select tests.mentor(joined_on => null) as undated_but_active \gset
select tests.active_on(:'undated_but_active', '2026-02-01');

select is(
  tests.foreseen(:'newcomer', tests.noon('2026-03-02'), 'inactivity'), null,
  'a mentor without any activity is not due threshold - 1 days after joining'
);
select is(
  tests.foreseen(:'newcomer', tests.noon('2026-03-03'), 'inactivity'), 'inactivity:2026-02-01:1',
  'a mentor without any activity is due threshold days after joining'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-05'), 'inactivity'), null,
  'a planned, future activity counts as the last one'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-04-08'), 'inactivity'), null,
  'a mentor is not due threshold - 1 days after an activity that was planned'
);
select is(
  tests.foreseen(:'planner', tests.noon('2026-04-09'), 'inactivity'), 'inactivity:2026-03-10:1',
  'a mentor is due threshold days after an activity that was planned'
);
select is(
  tests.foreseen(:'undated', tests.noon('2100-01-01'), 'inactivity'), null,
  'a mentor without activity and without a joining date is never due'
);
select is(
  tests.foreseen(:'undated_but_active', tests.noon('2026-03-03'), 'inactivity'), 'inactivity:2026-02-01:1',
  'a mentor without a joining date is due by the last activity'
);
select is(
  tests.foreseen(:'early', tests.noon('2025-05-31'), 'inactivity'), 'inactivity:2025-05-01:1',
  'the last activity counts even where it lies before the joining date'
);

delete from public.activities where user_id = :'planner' and activity_date = '2026-03-10';
select is(
  tests.foreseen(:'planner', tests.noon('2026-03-05'), 'inactivity'), 'inactivity:2026-02-01:1',
  'when a planned activity is called off, the one before it is the last again'
);

update scheduler.scenario_config set params = '{"threshold_days": 10}'
where scenario_type = 'inactivity' and organisation_id is null;
select is(
  tests.foreseen(:'newcomer', tests.noon('2026-02-10'), 'inactivity'), null,
  'a configured threshold of 10 days is not reached after 9'
);
select is(
  tests.foreseen(:'newcomer', tests.noon('2026-02-11'), 'inactivity'), 'inactivity:2026-02-01:1',
  'a configured threshold of 10 days is reached after 10'
);

select * from finish();
rollback;
