begin;
select plan(24);

create table public.volunteers (
  volunteer uuid primary key, doubtful uuid, paired uuid, partly uuid, region uuid, since date, at timestamptz, zone text, status text, unique (paired, region)
);
create unique index on public.volunteers (partly) where status = 'active';
create unique index on public.volunteers (lower(zone));
create view public.volunteers_view as select * from public.volunteers;
create temp table before as select * from tests.engine_contents();

create function pg_temp.call(arguments text) returns text
language sql
as $$ select format('select scheduler.track_roster(%s)', arguments) $$;

select throws_ok(pg_temp.call($$'public.nowhere'$$), '42P01', null, 'a table that does not exist is refused');
select throws_ok(
  pg_temp.call($$'public.volunteers'$$), '42703', 'column id of public.volunteers does not exist', 'the names that are taken where none is given must exist'
);
select is(
  tests.hint_of(pg_temp.call($$'public.volunteers'$$)),
  'Columns of public.volunteers: volunteer, doubtful, paired, partly, region, since, at, zone, status.', 'the hint lists the columns'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'regn', 'since'$$), '42703', 'column regn of public.volunteers does not exist', 'so must the organisation'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', 'true', 'tz'$$), '42703', 'column tz of public.volunteers does not exist', 'and the zone'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', 'true', 'zone', 'lang'$$), '42703',
  'column lang of public.volunteers does not exist', 'and the language'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'status', 'region', 'since'$$), '42804',
  'column status of public.volunteers is of type text, which can''t be tracked here', 'a user column of another type is refused'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'status', 'since'$$), '42804',
  'column status of public.volunteers is of type text, which can''t be tracked here', 'an organisation of another type is'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', 'true', 'region'$$), '42804',
  'column region of public.volunteers is of type uuid, which can''t be tracked here', 'a zone of another type is'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'at'$$), '42804',
  'column at of public.volunteers is of type timestamp with time zone, which can''t be tracked here', 'a moment is'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'at'$$)), 'alter table public.volunteers add column at_date', 'the hint has the statement that helps'
);
select throws_ok(
  pg_temp.call($$'public.volunteers_view', 'volunteer', 'region', 'since'$$), '42809', 'public.volunteers_view is not a table', 'a view is refused'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'doubtful', 'region', 'since'$$), '42P16',
  'column doubtful of public.volunteers is not unique, so a mentor could stand there twice', 'a user column that is not unique is refused'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.volunteers', 'doubtful', 'region', 'since'$$)), 'primary key or a unique constraint', 'the hint says what to give it'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'paired', 'region', 'since'$$), '42P16', null, 'one that is unique with another is not unique'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'partly', 'region', 'since'$$), '42P16', null, 'nor is one that is so in some rows'
);
select throws_ok(
  pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', 'state = 1'$$), '42703',
  'the condition on public.volunteers is not valid: state = 1', 'a condition that can''t be put is refused'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', 'state = 1'$$)), 'SQL condition on the columns of one row', 'the hint says what a condition is'
);
select throws_ok(pg_temp.call($$'public.volunteers', 'volunteer', 'region', 'since', null$$), '22004', null, 'a null condition is refused');
select throws_ok(pg_temp.call($$'public.volunteers', null, 'region', 'since'$$), '22004', null, 'a null user column is');
select throws_ok(pg_temp.call($$null$$), '22004', 'no table given to track', 'a null table is');

select results_eq('select * from tests.engine_contents()', 'select * from before', 'nothing is written by what is refused');
select is_empty($$ select tgname from pg_trigger where tgrelid = 'public.volunteers'::regclass $$, 'no trigger is left');
select is(
  (select source::text from scheduler.tracked_sources where kind = 'roster'), 'peer_mentors', 'and the roster is the one it was'
);

select * from finish();
rollback;
