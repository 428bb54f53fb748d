begin;
select plan(11);

select tests.organisation() as own \gset
select tests.mentor(organisation_id => :'own', joined_on => '2026-02-01') as of_own \gset
select tests.mentor(joined_on => '2026-02-01') as of_default \gset

update scheduler.scenario_config set enabled = false where scenario_type = 'inactivity';
select is(tests.foreseen(:'of_default', tests.noon('2026-03-10')), null, 'a scenario that is not enabled is skipped');

insert into scheduler.scenario_config (organisation_id, scenario_type) values (:'own', 'inactivity');
select is(
  tests.foreseen(:'of_own', tests.noon('2026-03-10')), 'inactivity:2026-02-01:1',
  'an organisation can enable what is not enabled by default'
);
select is(tests.foreseen(:'of_default', tests.noon('2026-03-10')), null, 'it does so for itself alone');

update scheduler.scenario_config set enabled = organisation_id is null where scenario_type = 'inactivity';
select is(tests.foreseen(:'of_own', tests.noon('2026-03-10')), null, 'an organisation can switch off what is enabled by default');
select is(
  tests.foreseen(:'of_default', tests.noon('2026-03-10')), 'inactivity:2026-02-01:1',
  'it does so for itself alone, too'
);

-- The row of the organisation stands for the default row whole.
update scheduler.scenario_config set enabled = true where scenario_type = 'inactivity';
update scheduler.scenario_config set params = '{"threshold_days": 10, "max_reminders": 1}', cooldown_days = 2, ttl_hours = 1
where scenario_type = 'inactivity' and organisation_id is null;
update scheduler.scenario_config set params = '{"max_reminders": 2}'
where scenario_type = 'inactivity' and organisation_id = :'own';
select is(
  tests.foreseen(:'of_default', tests.noon('2026-02-11')), 'inactivity:2026-02-01:1',
  'the default row is for organisations without a row of their own'
);
select is(
  tests.foreseen(:'of_own', tests.noon('2026-02-11')), null,
  'a parameter that the organisation''s row leaves out is not taken from the default row'
);
select is(
  tests.pushed(:'of_own', tests.noon('2026-03-03')), 'inactivity:2026-02-01:1',
  'a parameter that the organisation''s row leaves out has the scenario''s own default'
);
select is(
  (select cooldown_until from scheduler.scenario_cooldowns where user_id = :'of_own'), date '2026-04-02',
  'cooldown_days is not taken from the default row either'
);
select is(
  (select expires_at - deliver_after from scheduler.notifications where user_id = :'of_own'), interval '72 hours',
  'ttl_hours is not taken from the default row either'
);

delete from scheduler.scenario_config where organisation_id = :'own';
select is(
  tests.foreseen(:'of_own', tests.noon('2026-04-02')), null,
  'without its row the organisation has the default row again, and its limit'
);

select * from finish();
rollback;
