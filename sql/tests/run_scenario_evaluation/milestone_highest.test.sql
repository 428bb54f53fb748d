begin;
select plan(10);

select tests.mentor() as quick \gset
select tests.active_on(:'quick', variadic array(select date '2026-03-01' + n from generate_series(0, 9) as n));

select is(
  tests.foreseen(:'quick', tests.noon('2026-03-09'), 'milestone'), 'milestone:1',
  'before the tenth activity the first is the milestone'
);
select is(
  tests.pushed(:'quick', tests.noon('2026-03-10'), 'milestone'), 'milestone:10',
  'of two milestones within the lookback the higher one is due'
);
select is(
  tests.foreseen(:'quick', tests.noon('2026-03-11'), 'milestone'), null,
  'a lower milestone is not due after a higher one was notified'
);

delete from public.activities where user_id = :'quick' and activity_date > '2026-03-05';
select is(
  tests.foreseen(:'quick', tests.noon('2026-03-11'), 'milestone'), null,
  'a lower milestone is not due after a higher one was notified, even where the higher one is gone'
);

select tests.active_on(:'quick', variadic array(select date '2026-03-11' from generate_series(1, 5)));
select is(
  tests.foreseen(:'quick', tests.noon('2026-03-11'), 'milestone'), null,
  'a milestone that is reached anew is not notified again'
);

select tests.active_on(:'quick', variadic array(select date '2026-03-12' from generate_series(1, 15)));
select is(
  tests.pushed(:'quick', tests.noon('2026-03-12'), 'milestone'), 'milestone:25',
  'the next milestone is due after a lower one was notified'
);

-- A cancelled notification doesn't count as notified.
select tests.mentor() as cancelled \gset
select tests.active_on(:'cancelled', variadic array(select date '2026-03-10' from generate_series(1, 10)));
select tests.queued(:'cancelled', 'milestone', 'milestone:25', '2026-03-01', 'cancelled');
select is(
  tests.foreseen(:'cancelled', tests.noon('2026-03-12'), 'milestone'), 'milestone:10',
  'a higher milestone whose notification was cancelled does not stand in the way'
);

-- Milestones of an organisation's own, configured when the activities are there already.
select tests.organisation() as careful \gset
select tests.mentor(organisation_id => :'careful') as third \gset
select tests.active_on(:'third', '2025-03-01', '2025-03-02', '2026-03-10', '2026-03-11');
select is(
  tests.foreseen(:'third', tests.noon('2026-03-12'), 'milestone'), null,
  'a number of activities that is not configured is no milestone'
);
insert into scheduler.scenario_config (organisation_id, scenario_type, params)
values (:'careful', 'milestone', '{"milestones": [3]}');
select is(
  tests.foreseen(:'third', tests.noon('2026-03-12'), 'milestone'), 'milestone:3',
  'a milestone that an organisation adds is due for activities that were recorded before'
);
update scheduler.scenario_config set params = '{"milestones": [4, 3]}' where organisation_id = :'careful';
select is(
  tests.foreseen(:'third', tests.noon('2026-03-12'), 'milestone'), 'milestone:4',
  'the order in which milestones are configured doesn''t matter'
);

select * from finish();
rollback;
