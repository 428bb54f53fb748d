begin;
select plan(17);

select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', '2026-01-01');
create table public.visits (visitor uuid, visited_on date);
insert into public.visits values (:'mentor', '2026-02-01'), (gen_random_uuid(), '2026-02-01');
select scheduler.track_activity('public.visits', 'visitor', 'visited_on');
create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$ select activity_count || ' until ' || coalesce(last_activity_on::text, 'never') from scheduler.mentor_state where user_id = mentor $$;
select is(pg_temp.state_of(:'mentor'), '2 until 2026-02-01', 'a tracked table contributes');

select lives_ok($$ select scheduler.untrack('public.visits') $$, 'a table can be untracked');
select is(pg_temp.state_of(:'mentor'), '1 until 2026-01-01', 'what it contributed is taken out');
select is((select count(*)::integer from scheduler.mentor_state), 1, 'and who is known by it alone forgotten');
select is_empty($$ select tgname from pg_trigger where tgrelid = 'public.visits'::regclass $$, 'it has no triggers any more');
select is(
  (select count(*)::integer from pg_proc where pronamespace = 'scheduler'::regnamespace and proname ~ '^fold_source_'), 1,
  'nor a function of its own'
);
insert into public.visits values (:'mentor', '2026-03-01');
select is(pg_temp.state_of(:'mentor'), '1 until 2026-01-01', 'what is written to it counts no more');
select lives_ok('drop table public.visits', 'and it can be dropped');

select throws_ok($$ select scheduler.untrack('public.chapters') $$, '42704', 'public.chapters is not tracked', 'a table that is not tracked is refused');
select is(tests.hint_of($$ select scheduler.untrack('public.chapters') $$), 'Tracked: public.peer_mentors, public.activities.', 'the hint says what is');
select is_empty('select * from scheduler.verify_mentor_state()', 'all is as the sources say');

select scheduler.untrack('public.peer_mentors');
select is((select array[on_roster, active]::text from scheduler.mentor_state), '{f,f}', 'without a roster nobody is active');
select is_empty($$ select * from public.run_scenario_evaluation(as_of => tests.noon('2026-06-01')) $$, 'and nobody is due');
select scheduler.untrack('public.activities');
select is_empty('select * from scheduler.mentor_state', 'without sources nothing is known');
select is_empty('select * from scheduler.verify_mentor_state()', 'and that is as the sources say');

select scheduler.track_roster('public.peer_mentors');
select scheduler.track_activity('public.activities', 'user_id', 'activity_date');
select is(pg_temp.state_of(:'mentor'), '1 until 2026-01-01', 'tracked again, the state is filled again');
-- A table that holds both kinds: the roster's own date counts as activity.
create table public.log (id uuid primary key, organisation_id uuid, joined_on date, status text default 'active', seen_on date);
insert into public.log (id, joined_on, seen_on) values (:'mentor', '2026-01-01', '2026-04-01');
select scheduler.track_roster('public.log');
select scheduler.track_activity('public.log', 'id', 'seen_on');
select scheduler.untrack('public.log');
select is(
  (select string_agg(tgname, ', ') from pg_trigger where tgrelid = 'public.log'::regclass), null, 'a table that is tracked as both is untracked as both'
);

select * from finish();
rollback;
