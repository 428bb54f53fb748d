begin;
select plan(8);

select tests.mentor() as mentor \gset
create table public.visits (visitor uuid, visited_on date);
create table public.calls (caller uuid, called_on date);
insert into public.calls values (:'mentor', '2026-01-05');
select scheduler.track_activity('public.visits', 'visitor', 'visited_on');
select scheduler.track_activity('public.calls', 'caller', 'called_on');

create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$
  select format('%s until %s, next milestone %s', activity_count, coalesce(last_activity_on::text, 'never'), next_milestone)
  from scheduler.mentor_state where user_id = mentor;
$$;

select tests.active_on(:'mentor', variadic array(select date '2026-01-01' + n from generate_series(1, 6) as n));
insert into public.visits select :'mentor', date '2026-01-10' + n from generate_series(1, 2) as n;
select is(pg_temp.state_of(:'mentor'), '9 until 2026-01-12, next milestone 10', 'activities of all tables add up');

insert into public.calls values (:'mentor', '2026-01-20');
select is(pg_temp.state_of(:'mentor'), '10 until 2026-01-20, next milestone 25', 'a milestone is reached by all of them together');
select is(
  tests.foreseen(:'mentor', tests.noon('2026-01-21'), 'milestone'), 'milestone:10', 'and is found'
);
delete from public.visits where visited_on = '2026-01-12';
select is(pg_temp.state_of(:'mentor'), '9 until 2026-01-20, next milestone 10', 'what is deleted from one leaves the others');
truncate public.calls;
select is(pg_temp.state_of(:'mentor'), '7 until 2026-01-11, next milestone 10', 'and so does a truncation');

insert into public.visits values (gen_random_uuid(), '2026-02-01');
select is(
  (select array[on_roster, active]::text || activity_count from scheduler.mentor_state where last_activity_on = '2026-02-01'),
  '{f,f}1', 'somebody whom the roster does not list is known, and not active'
);
delete from public.visits where visited_on = '2026-02-01';
select is(
  (select count(*)::integer from scheduler.mentor_state), 1, 'and forgotten with the last activity'
);
select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select * from finish();
rollback;
