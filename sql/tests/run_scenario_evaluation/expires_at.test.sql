begin;
select plan(4);

select tests.organisation() as hasty \gset
insert into scheduler.scenario_config (organisation_id, scenario_type, ttl_hours) values (:'hasty', 'inactivity', 5);
select tests.mentor() as mentor \gset
select tests.mentor(organisation_id => :'hasty') as hasty_mentor \gset

select tests.evaluate('2026-03-10 12:00+01');
select is(
  (select expires_at from scheduler.notifications where user_id = :'mentor'), timestamptz '2026-03-13 12:00+01',
  'a push expires 72 hours after deliver_after'
);
select is(
  (select expires_at from scheduler.notifications where user_id = :'hasty_mentor'), timestamptz '2026-03-10 17:00+01',
  'a push expires a configured ttl_hours after deliver_after'
);

truncate scheduler.notifications, scheduler.scenario_cooldowns;
select tests.evaluate('2026-03-27 22:00+01');
select is(
  (select expires_at from scheduler.notifications where user_id = :'hasty_mentor'), timestamptz '2026-03-28 13:00+01',
  'what waits for the end of quiet hours expires so long after their end'
);
select is(
  (select expires_at from scheduler.notifications where user_id = :'mentor'), timestamptz '2026-03-31 09:00+02',
  '72 hours are 72 hours, also where the clock is changed'
);

select * from finish();
rollback;
