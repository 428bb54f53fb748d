begin;
select plan(8);

update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';
select tests.organisation() as generous \gset
select tests.mentor() as of_default \gset
select tests.mentor(organisation_id => :'generous') as of_generous \gset
select tests.active_on(mentor, '2026-01-20') from unnest(array[:'of_default', :'of_generous']::uuid[]) as mentor;
select tests.certified_until(mentor, '2026-03-10') from unnest(array[:'of_default', :'of_generous']::uuid[]) as mentor;

select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), 'expiry:2026-03-10:30',
  'an organisation without settings has the caps of the default row'
);

insert into scheduler.organisation_settings (organisation_id, daily_cap) values (:'generous', 2);
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), 'expiry:2026-03-10:30, inactivity:2026-01-20:1',
  'an organisation''s own daily cap goes before that of the default row'
);
select is(
  tests.foreseen(:'of_default', tests.noon('2026-03-01')), 'expiry:2026-03-10:30',
  'it changes nothing for other organisations'
);

select tests.queued(:'of_generous', 'other', 'other:' || day, day) from unnest(array[date '2026-02-25', '2026-02-26']) as day;
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), 'expiry:2026-03-10:30',
  'a weekly cap of null in the organisation''s row is that of the default row'
);
update scheduler.organisation_settings set weekly_cap = 2 where organisation_id = :'generous';
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), null,
  'an organisation''s own weekly cap may be stricter'
);
update scheduler.organisation_settings set weekly_cap = 7, daily_cap = null where organisation_id = :'generous';
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), 'expiry:2026-03-10:30',
  'a daily cap of null in the organisation''s row is that of the default row'
);
update scheduler.organisation_settings set daily_cap = null where organisation_id is null;
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), 'expiry:2026-03-10:30, inactivity:2026-01-20:1, milestone:1',
  'null in both rows is no limit'
);
update scheduler.organisation_settings set daily_cap = 0 where organisation_id = :'generous';
select is(
  tests.foreseen(:'of_generous', tests.noon('2026-03-01')), null,
  'an organisation can stop its pushes with a cap of 0'
);

select * from finish();
rollback;
