begin;
select plan(24);

select tests.mentor() as mentor \gset

-- When a push to the mentor may be delivered.
create function pg_temp.deliver_after(mentor uuid, as_of timestamptz) returns timestamptz language sql as $$
  select candidate.deliver_after
  from public.run_scenario_evaluation(as_of => as_of, dry_run => true, scenarios => array['inactivity']) as candidate
  where candidate.user_id = mentor;
$$;

-- The default, 21:00 to 08:00. Oslo is at +01 in winter.
select is(
  pg_temp.deliver_after(:'mentor', as_of), deliver_after, rule
)
from (
  values
    (timestamptz '2026-03-10 12:00+01', timestamptz '2026-03-10 12:00+01', 'by day a push goes out at once'),
    ('2026-03-10 20:59:59+01', '2026-03-10 20:59:59+01', 'a second before quiet hours a push goes out at once'),
    ('2026-03-10 21:00+01', '2026-03-11 08:00+01', 'exactly at the start of quiet hours a push waits for the morning'),
    ('2026-03-10 23:30+01', '2026-03-11 08:00+01', 'before midnight a push waits for the next morning'),
    ('2026-03-11 00:00+01', '2026-03-11 08:00+01', 'at midnight a push waits for the same morning'),
    ('2026-03-11 07:59:59+01', '2026-03-11 08:00+01', 'a second before the end of quiet hours a push waits still'),
    ('2026-03-11 08:00+01', '2026-03-11 08:00+01', 'exactly at the end of quiet hours a push goes out at once'),
    ('2026-12-31 22:00+01', '2027-01-01 08:00+01', 'the night of New Year''s Eve ends in the new year'),
    ('2028-02-28 22:00+01', '2028-02-29 08:00+01', 'the night may end on a leap day'),
    ('2026-03-28 22:00+01', '2026-03-29 08:00+02', 'the night in which the clock goes forward ends at 08:00 on the new clock'),
    ('2026-10-24 22:00+02', '2026-10-25 08:00+01', 'the night in which the clock goes back ends at 08:00 on the new clock')
) as moment (as_of, deliver_after, rule);

-- Not around midnight.
update scheduler.organisation_settings set quiet_start = '12:00', quiet_end = '14:00' where organisation_id is null;
select is(
  pg_temp.deliver_after(:'mentor', as_of), deliver_after, rule
)
from (
  values
    (timestamptz '2026-03-10 11:59+01', timestamptz '2026-03-10 11:59+01', 'before quiet hours of the same day a push goes out at once'),
    ('2026-03-10 12:00+01', '2026-03-10 14:00+01', 'inside quiet hours of the same day a push waits for their end'),
    ('2026-03-10 14:00+01', '2026-03-10 14:00+01', 'at the end of quiet hours of the same day a push goes out at once'),
    ('2026-03-10 23:00+01', '2026-03-10 23:00+01', 'quiet hours of the day leave the night alone')
) as moment (as_of, deliver_after, rule);

update scheduler.organisation_settings set quiet_start = '08:00', quiet_end = '08:00' where organisation_id is null;
select is(
  pg_temp.deliver_after(:'mentor', '2026-03-10 08:00+01'), timestamptz '2026-03-10 08:00+01',
  'equal bounds are no quiet hours'
);
update scheduler.organisation_settings set quiet_start = null, quiet_end = null where organisation_id is null;
select is(
  pg_temp.deliver_after(:'mentor', '2026-03-10 02:00+01'), timestamptz '2026-03-10 02:00+01',
  'no bounds are no quiet hours'
);

-- An organisation's own.
update scheduler.organisation_settings set quiet_start = '21:00', quiet_end = '08:00' where organisation_id is null;
select tests.organisation() as early \gset
select tests.mentor(organisation_id => :'early') as early_mentor \gset
insert into scheduler.organisation_settings (organisation_id, quiet_start, quiet_end) values (:'early', '20:00', '10:00');
select is(
  pg_temp.deliver_after(:'early_mentor', '2026-03-10 20:30+01'), timestamptz '2026-03-11 10:00+01',
  'an organisation''s own quiet hours go before those of the default row'
);
select is(
  pg_temp.deliver_after(:'mentor', '2026-03-10 20:30+01'), timestamptz '2026-03-10 20:30+01',
  'they change nothing for other organisations'
);
update scheduler.organisation_settings set quiet_start = null, quiet_end = null where organisation_id = :'early';
select is(
  pg_temp.deliver_after(:'early_mentor', '2026-03-10 21:30+01'), timestamptz '2026-03-11 08:00+01',
  'quiet hours of null in the organisation''s row are those of the default row'
);

-- On the mentor's clock.
select tests.organisation(timezone => 'America/Los_Angeles') as american \gset
select tests.mentor(organisation_id => :'american') as american_mentor \gset
select tests.mentor(organisation_id => :'american', timezone => 'Asia/Tokyo') as in_tokyo \gset
select tests.mentor(timezone => 'Asia/Tokyo') as of_oslo_in_tokyo \gset
select is(
  pg_temp.deliver_after(:'american_mentor', '2026-03-10 12:00+01'), timestamptz '2026-03-10 08:00-07',
  'quiet hours are those on the clock of the organisation'
);
select is(
  pg_temp.deliver_after(:'in_tokyo', '2026-03-10 12:00+01'), timestamptz '2026-03-10 20:00+09',
  'a mentor''s zone goes before that of the organisation: what is night there may be day'
);
select is(
  pg_temp.deliver_after(:'of_oslo_in_tokyo', '2026-03-10 13:00+01'), timestamptz '2026-03-11 08:00+09',
  'a mentor''s zone goes before that of the organisation: what is day there may be night'
);

select tests.evaluate('2026-03-10 23:30+01');
select is(
  (select deliver_after from scheduler.notifications where user_id = :'mentor'), timestamptz '2026-03-11 08:00+01',
  'the outbox holds the time after which a push may be delivered'
);

select * from finish();
rollback;
