begin;
select plan(12);

create table public.visits (visitor uuid, visited_on date, held boolean, length_minutes integer);
select tests.mentor() as mentor \gset

create function pg_temp.counted() returns integer
language sql
as $$ select activity_count from scheduler.mentor_state where activity_count > 0 $$;

insert into public.visits values (:'mentor', '2026-01-01', true, 20), (:'mentor', '2026-01-02', false, 20), (:'mentor', '2026-01-03', null, 20);
select lives_ok(
  $$ select scheduler.track_activity('public.visits', 'visitor', 'visited_on', counts => 'held and length_minutes >= 10') $$,
  'a condition on the row says what counts'
);
select is(pg_temp.counted(), 1, 'of what is there already, only rows count for which it is true: not false, not null');
select is((select last_activity_on from scheduler.mentor_state), date '2026-01-01', 'and only their dates do');

insert into public.visits values (:'mentor', '2026-02-01', true, 20), (:'mentor', '2026-02-02', false, 20), (:'mentor', '2026-02-03', null, 20);
select is(pg_temp.counted(), 2, 'the same holds for rows that are inserted');
select is((select last_activity_on from scheduler.mentor_state), date '2026-02-01', 'and for their dates');

update public.visits set held = true where visited_on = '2026-02-02';
select is(pg_temp.counted(), 3, 'a row that comes to count is counted');
update public.visits set length_minutes = 5 where visited_on = '2026-01-01';
select is(pg_temp.counted(), 2, 'a row that ceases to count is not');
update public.visits set held = null where visited_on = '2026-02-02';
select is(pg_temp.counted(), 1, 'nor one whose condition becomes null');
update public.visits set held = null where held = false;
select is(pg_temp.counted(), 1, 'from false to null changes nothing');
delete from public.visits where held is null;
select is(pg_temp.counted(), 1, 'deleting what does not count changes nothing');

insert into public.visits values (null, '2026-03-01', true, 20), (:'mentor', null, true, 20);
select is(pg_temp.counted(), 1, 'a row without a user or a date does not count');
select is_empty('select * from scheduler.verify_mentor_state()', 'and all is as the sources say');

select * from finish();
rollback;
