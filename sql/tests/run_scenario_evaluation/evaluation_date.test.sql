begin;
select plan(14);

select tests.organisation(timezone => 'Pacific/Auckland') as auckland \gset
select tests.organisation(timezone => 'Europe/Oslo') as oslo \gset
select tests.organisation(timezone => 'America/Los_Angeles') as los_angeles \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'auckland') as in_auckland \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'oslo') as in_oslo \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'los_angeles') as in_los_angeles \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'los_angeles', timezone => 'Pacific/Auckland') as abroad \gset

-- All are due on 3 March, which begins at 11:00 UTC the day before in Auckland.
select is(tests.foreseen(:'in_auckland', '2026-03-02 10:59:59+00'), null, 'a second before midnight in Auckland nobody is due there');
select is(tests.foreseen(:'in_auckland', '2026-03-02 11:00+00'), 'inactivity:2026-02-01:1', 'the day begins at midnight in Auckland');
select is(tests.foreseen(:'in_oslo', '2026-03-02 11:00+00'), null, 'at that moment it is the day before in Oslo');
select is(tests.foreseen(:'in_oslo', '2026-03-02 22:59:59+00'), null, 'a second before midnight in Oslo nobody is due there');
select is(tests.foreseen(:'in_oslo', '2026-03-02 23:00+00'), 'inactivity:2026-02-01:1', 'the day begins at midnight in Oslo');
select is(tests.foreseen(:'in_los_angeles', '2026-03-03 07:59:59+00'), null, 'a second before midnight in Los Angeles nobody is due there');
select is(tests.foreseen(:'in_los_angeles', '2026-03-03 08:00+00'), 'inactivity:2026-02-01:1', 'the day begins at midnight in Los Angeles');
select is(
  tests.foreseen(:'abroad', '2026-03-03 07:59:59+00'), null,
  'the zone of the organisation decides on the date, not that of the mentor'
);
select is(
  tests.foreseen(:'in_oslo', '2026-03-03 00:30+01:30'), 'inactivity:2026-02-01:1',
  'as_of is a moment, in whatever zone it is written'
);

-- One run, several dates: at 11:30 UTC on 4 March it is the 5th in Auckland.
select tests.evaluate('2026-03-04 11:30+00');
select is(
  (select evaluation_date from scheduler.notifications where user_id = :'in_auckland'), date '2026-03-05',
  'the evaluation date of a run is that of Auckland there'
);
select is(
  (select evaluation_date from scheduler.notifications where user_id = :'in_oslo'), date '2026-03-04',
  'and that of Oslo there'
);
select is(
  (select cooldown_until from scheduler.scenario_cooldowns where user_id = :'in_auckland'), date '2026-04-04',
  'the cooldown counts from the evaluation date of the organisation'
);

-- The same in a session with a clock and a calendar of its own.
set local timezone = 'Pacific/Kiritimati';
select is(tests.foreseen(:'abroad', '2026-03-03 07:59:59+00'), null, 'the zone of the session has no part in the date');
set local timezone = 'UTC';
select tests.mentor(joined_on => '2026-02-01') as dated \gset
set local datestyle = 'German, DMY';
select is(
  tests.foreseen(:'dated', '2026-03-03 11:00+00'), 'inactivity:2026-02-01:1',
  'the key is the same in a session that writes dates in another style'
);

select * from finish();
rollback;
