begin;
select plan(12);

select tests.organisation(timezone => 'Mars/Phobos') as martian \gset
select tests.organisation(timezone => null) as nowhere \gset
select tests.organisation(timezone => '') as blank \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'martian') as of_martian \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'nowhere') as of_nowhere \gset
select tests.mentor(joined_on => '2026-02-01', organisation_id => :'blank') as of_blank \gset
select tests.mentor(joined_on => '2026-02-01', timezone => 'Mars/Deimos') as astronaut \gset

select is(
  tests.foreseen(mentor, '2026-03-02 22:59:59+00'), null,
  format('where the zone is %s, the day does not begin before midnight in Oslo', zone)
)
from (values (:'of_martian'::uuid, 'invalid'), (:'of_nowhere', 'missing'), (:'of_blank', 'blank')) as fallen_back (mentor, zone);
select is(
  tests.foreseen(mentor, '2026-03-02 23:00+00'), 'inactivity:2026-02-01:1',
  format('where the zone is %s, the day begins at midnight in Oslo', zone)
)
from (values (:'of_martian'::uuid, 'invalid'), (:'of_nowhere', 'missing'), (:'of_blank', 'blank')) as fallen_back (mentor, zone);

select is(
  (
    select deliver_after from public.run_scenario_evaluation(as_of => '2026-03-10 05:00+00', dry_run => true)
    where user_id = :'astronaut'
  ),
  timestamptz '2026-03-10 07:00+00',
  'where a mentor''s zone is invalid, quiet hours are those on the clock of the organisation'
);
select is(
  (
    select deliver_after from public.run_scenario_evaluation(as_of => '2026-03-10 05:00+00', dry_run => true)
    where user_id = :'of_martian'
  ),
  timestamptz '2026-03-10 07:00+00',
  'where the organisation''s zone is invalid, quiet hours are those on the clock of the fallback'
);

select is(
  (select status from public.scheduler_status() where component = 'time zones'), 'warn',
  'scheduler_status warns of a missing or invalid zone'
);
select matches(
  (select detail from public.scheduler_status() where component = 'time zones'), :'martian' || '.*Mars/Phobos',
  'scheduler_status names the organisation and the invalid zone'
);

update scheduler.organisation_settings set timezone = 'Pacific/Auckland' where organisation_id is null;
select is(
  tests.foreseen(:'of_martian', '2026-03-02 11:00+00'), 'inactivity:2026-02-01:1',
  'the zone of the default settings stands in, where it is another than Oslo'
);

update public.organisations set timezone = 'Europe/Oslo' where coalesce(timezone, '') not like 'Europe/%';
update public.peer_mentors set timezone = null;
select is(
  (select status from public.scheduler_status() where component = 'time zones'), 'ok',
  'scheduler_status is content when every zone is valid'
);

select * from finish();
rollback;
