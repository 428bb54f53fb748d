begin;
select plan(26);

create table public.visits (visitor uuid, visited_on date, at timestamptz, label text, "Who" uuid);
create view public.visits_view as select * from public.visits;
create materialized view public.visits_kept as select * from public.visits;
create temp table before as select * from tests.engine_contents();

create function pg_temp.call(arguments text) returns text
language sql
as $$ select format('select scheduler.track_activity(%s)', arguments) $$;

select throws_ok(pg_temp.call($$'public.nowhere', 'visitor', 'visited_on'$$), '42P01', null, 'a table that does not exist is refused');

select throws_ok(
  pg_temp.call($$'public.visits', 'visitr', 'visited_on'$$), '42703', 'column visitr of public.visits does not exist',
  'a column that does not exist is refused, and named'
);
select is(
  tests.hint_of(pg_temp.call($$'public.visits', 'visitr', 'visited_on'$$)),
  'Columns of public.visits: visitor, visited_on, at, label, Who.',
  'the hint lists the columns'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'Visited_On'$$), '42703', 'column "Visited_On" of public.visits does not exist',
  'names are taken as they are written'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'label', 'visited_on'$$), '42804', 'column label of public.visits is of type text, which can''t be tracked here',
  'a user column of another type is refused'
);
select is(tests.hint_of(pg_temp.call($$'public.visits', 'label', 'visited_on'$$)), 'It must be uuid.', 'the hint says which type it must be');
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'label'$$), '42804', 'column label of public.visits is of type text, which can''t be tracked here',
  'a date column of another type is refused'
);
select is(
  tests.hint_of(pg_temp.call($$'public.visits', 'visitor', 'label'$$)), 'It must be date or timestamp without time zone.',
  'the hint says which types it may be'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'at'$$), '42804',
  'column at of public.visits is of type timestamp with time zone, which can''t be tracked here',
  'a moment is refused: it has no date without a zone'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.visits', 'visitor', 'at'$$)), 'alter table public.visits add column at_date date generated always as .* stored',
  'the hint has the statement that helps'
);
select regexp_substr(tests.hint_of(pg_temp.call($$'public.visits', 'visitor', 'at'$$)), 'alter table.*;') as remedy \gset
savepoint remedy;
select lives_ok(:'remedy', 'that statement can be run');
select lives_ok(pg_temp.call($$'public.visits', 'visitor', 'at_date'$$), 'and what it adds can be tracked');
rollback to remedy;

select throws_ok(
  pg_temp.call($$'public.visits_view', 'visitor', 'visited_on'$$), '42809', 'public.visits_view is not a table', 'a view is refused'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.visits_view', 'visitor', 'visited_on'$$)), 'only ordinary and partitioned tables', 'the hint says what can be tracked'
);
select throws_ok(
  pg_temp.call($$'public.visits_kept', 'visitor', 'visited_on'$$), '42809', 'public.visits_kept is not a table', 'so is a materialized view'
);

select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'labl is not null'$$), '42703',
  'the condition on public.visits is not valid: labl is not null', 'a condition on a column that does not exist is refused'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'labl is not null'$$)),
  'SQL condition on the columns of one row', 'the hint says what a condition is'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'label'$$), '42804', null, 'so is one that is no condition'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'label ='$$), '42601', null, 'and one that is no SQL'
);
select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'count(*) > 1'$$), null, null, 'and one on more than a row'
);


select throws_ok(pg_temp.call($$null, 'visitor', 'visited_on'$$), '22004', 'no table given to track', 'a null table is refused');
select throws_ok(
  pg_temp.call($$'public.visits', null, 'visited_on'$$), '22004', 'user_column and date_column of a tracked activity can''t be null',
  'so is a null column'
);
select matches(
  tests.hint_of(pg_temp.call($$'public.visits', 'visitor', null$$)), '^Example: ', 'the hint has an example'
);

select results_eq('select * from tests.engine_contents()', 'select * from before', 'nothing is written by what is refused');
select is_empty(
  $$ select tgname from pg_trigger where tgrelid in ('public.visits'::regclass, 'public.visits_view'::regclass) $$, 'and no trigger is left'
);

select throws_ok(
  pg_temp.call($$'public.visits', 'visitor', 'visited_on', 'true) or (true'$$), '42601', null, 'a condition that breaks out of its brackets is refused'
);

select * from finish();
rollback;
