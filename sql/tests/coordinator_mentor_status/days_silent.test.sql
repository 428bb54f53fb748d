begin;
select plan(14);

-- Two zones whose dates are never the same.
select tests.organisation(timezone => 'Pacific/Kiritimati') as early \gset
select tests.organisation(timezone => 'Etc/GMT+12') as late \gset
select tests.organisation(timezone => 'Not/A_Zone') as lost \gset
select tests.staff('admin', :'early') as admin \gset
select tests.staff('admin', :'late', :'admin'), tests.staff('admin', :'lost', :'admin');
select (now() at time zone 'Pacific/Kiritimati')::date as early_today, (now() at time zone 'Etc/GMT+12')::date as late_today \gset

create function pg_temp.silent(mentor uuid) returns integer language sql as $$
  select days_silent from public.coordinator_mentor_status(page_size => 200) where user_id = mentor;
$$;

select tests.mentor(organisation_id => :'early') as here \gset
select tests.mentor(organisation_id => :'late') as there \gset
select tests.mentor(organisation_id => :'lost') as nowhere \gset
select tests.active_on(id, '2026-01-01') from public.peer_mentors;
select tests.mentor(organisation_id => :'early', joined_on => :'early_today') as newcomer \gset

select tests.as_caller(:'admin');
select cmp_ok(:'early_today'::date, '>', :'late_today'::date, 'it is never the same day in both organisations');
select is(pg_temp.silent(:'here'), :'early_today'::date - '2026-01-01'::date, 'days of silence are counted to the date in the organisation''s zone');
select is(pg_temp.silent(:'there'), :'late_today'::date - '2026-01-01'::date, 'in each organisation by its own');
select is(pg_temp.silent(:'nowhere'), tests.today() - '2026-01-01'::date, 'in one without a valid zone by that of the default settings');
select is(pg_temp.silent(:'newcomer'), 0, 'who joined today has been silent for no day');
set local timezone = 'America/Anchorage';
select is(pg_temp.silent(:'here'), :'early_today'::date - '2026-01-01'::date, 'the zone of the session plays no part');
reset role;

update public.peer_mentors set timezone = 'Etc/GMT+12' where id = :'here';
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), :'early_today'::date - '2026-01-01'::date, 'nor that of the mentor, so that a list has one today');
reset role;

select tests.active_on(:'here', :'early_today'::date - 1);
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), 1, 'yesterday is a day ago');
reset role;
select tests.active_on(:'here', :'early_today');
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), 0, 'today none');
reset role;

-- Planned.
select tests.active_on(:'here', :'early_today'::date + 30);
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), 0, 'who has an activity planned is not silent, and never for less than no day');
select is((select last_activity_on from public.coordinator_mentor_status() where user_id = :'here'), :'early_today'::date + 30, 'the planned one is the last');
reset role;
delete from public.activities where user_id = :'here';
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), :'early_today'::date - '2025-01-01'::date, 'without any the silence began when she joined');
reset role;

-- A roster that does not say when.
alter table public.peer_mentors alter column joined_on drop not null;
update public.peer_mentors set joined_on = null where id = :'here';
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), null, 'where nobody knows since when, the days are not known');
reset role;
update public.peer_mentors set joined_on = '-infinity' where id = :'here';
select tests.as_caller(:'admin');
select is(pg_temp.silent(:'here'), null, 'nor where the date is none');
reset role;

select * from finish();
rollback;
