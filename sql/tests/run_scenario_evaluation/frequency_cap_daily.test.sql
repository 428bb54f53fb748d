begin;
select plan(13);

-- With a long lookback, a mentor can be silent for long enough and have a milestone still.
update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';
update scheduler.organisation_settings set weekly_cap = null;

select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', '2026-01-20');
select tests.certified_until(:'mentor', '2026-03-14');

select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'expiry:2026-03-14:30',
  'of three scenarios that are due together, expiry goes first under a daily cap of 1'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01'), 'milestone'), 'milestone:1',
  'a scenario that is evaluated alone leaves no place to those that were not'
);

update scheduler.organisation_settings set daily_cap = 2;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'expiry:2026-03-14:30, inactivity:2026-01-20:1',
  'inactivity goes before milestone'
);
update scheduler.organisation_settings set daily_cap = 3;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'expiry:2026-03-14:30, inactivity:2026-01-20:1, milestone:1',
  'a cap that is not reached holds nothing back'
);
update scheduler.organisation_settings set daily_cap = null;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'expiry:2026-03-14:30, inactivity:2026-01-20:1, milestone:1',
  'no cap in the default row means no limit'
);
update scheduler.organisation_settings set daily_cap = 0;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), null,
  'a cap of 0 holds everything back'
);

update scheduler.organisation_settings set daily_cap = 1;
update scheduler.scenario_config set priority = 5 where scenario_type = 'milestone';
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'milestone:1',
  'the configured priority decides, lower number first'
);
update scheduler.scenario_config set priority = 30 where scenario_type = 'milestone';

insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'mentor', 'expiry', false);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'inactivity:2026-01-20:1',
  'what is suppressed for another reason takes no place'
);
delete from public.notification_preferences;

-- What the outbox holds of that day.
select tests.queued(:'mentor', 'other', 'other:1', '2026-03-01', 'cancelled') as other \gset
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), 'expiry:2026-03-14:30',
  'a cancelled notification of the day does not count'
);
update scheduler.notifications set status = 'failed' where id = :other;
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-01')), null,
  'any other notification of the day counts, whatever became of it'
);
select is(
  tests.held_back(tests.noon('2026-03-01')) -> 'expiry', '{"frequency_cap": 1}',
  'a notification of an earlier run holds back even the scenario that goes first'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-03-02')), 'expiry:2026-03-14:30',
  'the day after there is a place again'
);
select is(
  tests.pushed(:'mentor', tests.noon('2026-03-03')), 'inactivity:2026-01-20:1',
  'what the cap held back follows on the next day'
);

select * from finish();
rollback;
