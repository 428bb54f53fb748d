begin;
select plan(14);

select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', '2026-01-05');
create table public.volunteers (volunteer uuid unique, region uuid, since timestamp, gone boolean, zone varchar(40), language text);
insert into public.volunteers values
  ('11111111-0000-4000-8000-000000000000', 'bbbbbbbb-0000-4000-8000-000000000000', '2026-01-01 23:30', false, 'Europe/Paris', 'en'),
  ('22222222-0000-4000-8000-000000000000', 'bbbbbbbb-0000-4000-8000-000000000000', null, null, null, null);
create function pg_temp.roster() returns text
language sql
as $$
  select string_agg(format('%s %s %s', left(user_id::text, 1), active, joined_on), ', ' order by user_id)
  from scheduler.mentor_state where on_roster;
$$;

select scheduler.track_roster(
  source => 'public.volunteers', user_column => 'volunteer', organisation_column => 'region', joined_on_column => 'since',
  active_when => 'not gone', timezone_column => 'zone', locale_column => 'language'
);
select is(pg_temp.roster(), '1 t 2026-01-01, 2 f ', 'a second roster replaces the first; a condition that is null makes nobody active');
select is(
  (select string_agg(source::text, ', ') from scheduler.tracked_sources where kind = 'roster'), 'volunteers', 'there is one roster'
);
select is_empty(
  $$ select tgname from pg_trigger where tgrelid = 'public.peer_mentors'::regclass and tgname like 'scenario_scheduler_roster%' $$,
  'the first one has no triggers any more'
);
select is(
  (select array[on_roster, active]::text || activity_count from scheduler.mentor_state where user_id = :'mentor'), '{f,f}1',
  'of its mentors only what they did is left'
);
select results_eq(
  'select organisation_id, active_mentors from scheduler.organisation_state',
  $$ values ('bbbbbbbb-0000-4000-8000-000000000000'::uuid, 1) $$, 'the active are those of the second'
);
select results_eq(
  $$ select timezone, locale from scheduler.mentor_state where active $$, $$ values ('Europe/Paris', 'en') $$,
  'zone and language are read from the columns that are named'
);
update public.peer_mentors set joined_on = '2020-01-01';
insert into public.volunteers values ('33333333-0000-4000-8000-000000000000', 'bbbbbbbb-0000-4000-8000-000000000000', '2026-02-01', false);
select is(pg_temp.roster(), '1 t 2026-01-01, 2 f , 3 t 2026-02-01', 'what is written to the second is followed, to the first not');

select scheduler.track_roster('public.volunteers', 'volunteer', 'region', 'since', 'since is not null');
create temp table first as select * from tests.engine_contents() where relation <> 'scheduler.tracked_sources';
select scheduler.track_roster('public.volunteers', 'volunteer', 'region', 'since', 'since is not null');
select results_eq(
  $$ select * from tests.engine_contents() where relation <> 'scheduler.tracked_sources' $$, 'select * from first',
  'the same call again changes no row'
);
update public.volunteers set gone = true;
select is(pg_temp.roster(), '1 t 2026-01-01, 2 f , 3 t 2026-02-01', 'a changed condition takes effect');
select is((select count(timezone) from scheduler.mentor_state), 0::bigint, 'and so do columns left out');

select scheduler.track_roster(
  source => 'public.volunteers', user_column => 'volunteer', organisation_column => null, joined_on_column => 'since', active_when => 'true'
);
insert into public.device_tokens (token, user_id) values ('token', '11111111-0000-4000-8000-000000000000');
select is(
  (select string_agg(active_mentors::text, ', ') from scheduler.organisation_state), '3', 'without a column for it, all are of one organisation'
);
select is(
  tests.foreseen('11111111-0000-4000-8000-000000000000', tests.noon('2026-03-01')), 'inactivity:2026-01-01:1', 'and are evaluated'
);
insert into public.volunteers (volunteer, since) values (null, '2026-02-02');
select is(pg_temp.roster(), '1 t 2026-01-01, 2 t , 3 t 2026-02-01', 'a row without a user is nobody');
select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select * from finish();
rollback;
