begin;
select plan(12);

create table public.visits (visitor uuid, host uuid, visited_on date, booked_on date, held boolean);
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
insert into public.visits values
  (:'mentor', :'other', '2026-01-01', '2025-12-01', true), (:'mentor', :'other', '2026-01-02', '2025-12-02', false);

create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$ select activity_count || ' until ' || coalesce(last_activity_on::text, 'never') from scheduler.mentor_state where user_id = mentor $$;

select scheduler.track_activity('public.visits', 'visitor', 'visited_on');
select is(pg_temp.state_of(:'mentor'), '2 until 2026-01-02', 'the first call fills the state from what is there');

create temp table first as select * from tests.engine_contents() where relation <> 'scheduler.tracked_sources';
create temp table first_triggers as
select tgname, pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = 'public.visits'::regclass;
select scheduler.track_activity('public.visits', 'visitor', 'visited_on');
select results_eq(
  $$ select * from tests.engine_contents() where relation <> 'scheduler.tracked_sources' $$, 'select * from first',
  'the same call again changes no row'
);
select is(
  (select count(*)::integer from scheduler.tracked_sources where source = 'public.visits'::regclass), 1,
  'and the table is listed once'
);
select set_eq(
  $$ select tgname, pg_get_triggerdef(oid) from pg_trigger where tgrelid = 'public.visits'::regclass $$,
  'select * from first_triggers',
  'with its triggers once'
);
insert into public.visits values (:'mentor', :'other', '2026-01-03', '2025-12-03', true);
select is(pg_temp.state_of(:'mentor'), '3 until 2026-01-03', 'what comes after it is counted once');

select scheduler.track_activity('public.visits', 'visitor', 'visited_on', 'held');
select is(pg_temp.state_of(:'mentor'), '2 until 2026-01-03', 'a changed condition takes effect on what is there');
insert into public.visits values (:'mentor', :'other', '2026-01-04', '2025-12-04', false);
select is(pg_temp.state_of(:'mentor'), '2 until 2026-01-03', 'and on what comes');

select scheduler.track_activity('public.visits', 'visitor', 'booked_on', 'held');
insert into public.visits values (:'mentor', :'other', '2026-01-05', '2025-12-05', true);
select is(pg_temp.state_of(:'mentor'), '3 until 2025-12-05', 'a changed date column takes effect');

select scheduler.track_activity('public.visits', 'host', 'visited_on');
select is(pg_temp.state_of(:'other'), '5 until 2026-01-05', 'a changed user column takes effect on the one who has it now');
select is(pg_temp.state_of(:'mentor'), '0 until never', 'and on the one who has it no more');
update public.visits set host = visitor where visited_on = '2026-01-01';
select is(pg_temp.state_of(:'mentor'), '1 until 2026-01-01', 'and the triggers follow it');

select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select * from finish();
rollback;
