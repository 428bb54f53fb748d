begin;
select plan(9);

update scheduler.organisation_settings set daily_cap = null;
update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';

-- D is 2026-03-20: the week is 14 to 20 March.
select tests.mentor(joined_on => '2026-01-01') as full_week \gset
select tests.queued(:'full_week', 'other', 'other:' || day, day)
from unnest(array[date '2026-03-14', '2026-03-15', '2026-03-16']) as day;
select is(
  tests.foreseen(:'full_week', tests.noon('2026-03-20')), null,
  'three notifications in the week, the first of them on day D - 6, reach the weekly cap'
);
select is(
  tests.foreseen(:'full_week', tests.noon('2026-03-21')), 'inactivity:2026-01-01:1',
  'a notification of day D - 7 does not count any more'
);

select tests.mentor(joined_on => '2026-01-01') as today \gset
select tests.queued(:'today', 'other', 'other:' || day, day)
from unnest(array[date '2026-03-15', '2026-03-16', '2026-03-20']) as day;
select is(
  tests.foreseen(:'today', tests.noon('2026-03-20')), null,
  'a notification of day D counts'
);
select is(
  tests.foreseen(:'today', tests.noon('2026-03-19')), 'inactivity:2026-01-01:1',
  'a notification of a later day does not count'
);

select tests.mentor(joined_on => '2026-01-01') as cancelled \gset
select tests.queued(:'cancelled', 'other', 'other:' || day, day, status)
from (values (date '2026-03-15', 'dead'), ('2026-03-16', 'expired'), ('2026-03-17', 'cancelled')) as past (day, status);
select is(
  tests.foreseen(:'cancelled', tests.noon('2026-03-20')), 'inactivity:2026-01-01:1',
  'a cancelled notification of the week does not count'
);

-- One place left in the week, three scenarios due.
select tests.mentor() as due_thrice \gset
select tests.active_on(:'due_thrice', '2026-02-01');
select tests.certified_until(:'due_thrice', '2026-03-30');
select tests.queued(:'due_thrice', 'other', 'other:' || day, day) from unnest(array[date '2026-03-15', '2026-03-16']) as day;
select is(
  tests.foreseen(:'due_thrice', tests.noon('2026-03-20')), 'expiry:2026-03-30:30',
  'the last place of the week goes to the lowest priority number'
);

update scheduler.organisation_settings set weekly_cap = null;
select is(
  tests.foreseen(:'full_week', tests.noon('2026-03-20')), 'inactivity:2026-01-01:1',
  'no weekly cap in the default row means no limit'
);
update scheduler.organisation_settings set weekly_cap = 4;
select is(
  tests.foreseen(:'due_thrice', tests.noon('2026-03-20')), 'expiry:2026-03-30:30, inactivity:2026-02-01:1',
  'a weekly cap of 4 leaves two places after two notifications'
);
update scheduler.organisation_settings set daily_cap = 1;
select is(
  tests.foreseen(:'due_thrice', tests.noon('2026-03-20')), 'expiry:2026-03-30:30',
  'the daily and the weekly cap hold at the same time'
);

select * from finish();
rollback;
