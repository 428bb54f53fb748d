-- Statements that insert and do more, so that the triggers of several events
-- or tables fire at their end: each row is counted once.

begin;
select plan(11);

create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$
  select activity_count || ' until ' || coalesce(last_activity_on::text, 'never') from scheduler.mentor_state where user_id = mentor;
$$;
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
select set_config('test.mentor', :'mentor', true);

insert into public.activities (id, user_id, activity_date) overriding system value values (1001, :'mentor', '2026-01-01');
insert into public.activities (id, user_id, activity_date) overriding system value
values (1001, :'mentor', '2026-01-02'), (1002, :'mentor', '2026-01-03')
on conflict (id) do update set activity_date = excluded.activity_date;
select is(pg_temp.state_of(:'mentor'), '2 until 2026-01-03', 'an upsert that updates one row of a mentor and inserts another');

insert into public.activities (id, user_id, activity_date) overriding system value
values (1001, :'other', '2026-01-04'), (1003, :'mentor', '2026-01-05')
on conflict (id) do update set user_id = excluded.user_id;
select is(
  array[pg_temp.state_of(:'mentor'), pg_temp.state_of(:'other')], array['2 until 2026-01-05', '1 until 2026-01-02'],
  'an upsert that gives one row away and inserts another'
);
select scheduler.rebuild_mentor_state();

merge into public.activities as activity
using (values (1001, 'delete'), (1002, 'update'), (1004, 'insert')) as wanted (id, action)
on activity.id = wanted.id
when matched and wanted.action = 'delete' then delete
when matched then update set activity_date = '2026-02-01'
when not matched then insert (user_id, activity_date) values (current_setting('test.mentor')::uuid, '2026-02-02');
select is(
  array[pg_temp.state_of(:'mentor'), pg_temp.state_of(:'other')], array['3 until 2026-02-02', '0 until never'],
  'a merge that deletes, updates and inserts'
);
select scheduler.rebuild_mentor_state();

with removed as (delete from public.activities where user_id = :'mentor' and activity_date >= '2026-02-01' returning user_id)
insert into public.activities (user_id, activity_date) select user_id, '2026-03-01' from removed;
select is(pg_temp.state_of(:'mentor'), '3 until 2026-03-01', 'a statement that replaces rows');
select scheduler.rebuild_mentor_state();

with enlisted as (
  insert into public.peer_mentors (id, organisation_id, joined_on)
  values (gen_random_uuid(), 'aaaaaaaa-0000-4000-8000-000000000000', '2026-03-05')
  returning id
)
insert into public.activities (user_id, activity_date) select id, '2026-03-06' from enlisted;
select is(
  (select activity_count from scheduler.mentor_state where joined_on = '2026-03-05'), 1,
  'a statement that enlists a mentor with a first activity'
);
select scheduler.rebuild_mentor_state();

with roused as (update public.peer_mentors set joined_on = '2025-06-01' where id = :'mentor' returning id)
insert into public.activities (user_id, activity_date) select id, '2026-04-01' from roused;
select is(pg_temp.state_of(:'mentor'), '4 until 2026-04-01', 'a statement that changes the roster row and inserts');
select scheduler.rebuild_mentor_state();

create table public.visits (visitor uuid, visited_on date);
select scheduler.track_activity('public.visits', 'visitor', 'visited_on');
with moved as (delete from public.activities where user_id = :'mentor' returning user_id, activity_date)
insert into public.visits select * from moved;
select is(pg_temp.state_of(:'mentor'), '4 until 2026-04-01', 'a statement that moves rows from one tracked table to another');
select scheduler.rebuild_mentor_state();

-- Triggers of the application's own run between the insert and the fold of it.
create function public.rouse() returns trigger language plpgsql as $$
begin
  update public.peer_mentors set status = 'active' where id = new.user_id;
  return null;
end $$;
create trigger rouse after insert on public.activities for each row execute function public.rouse();
update public.peer_mentors set status = 'paused' where id = :'other';
select tests.active_on(:'other', '2026-05-01');
select is(
  (select activity_count || ' ' || active from scheduler.mentor_state where user_id = :'other'), '1 true',
  'an insert whose own trigger changes the roster'
);
select scheduler.rebuild_mentor_state();

create function public.tidy() returns trigger language plpgsql as $$
begin
  update public.activities set activity_date = '2026-06-02' where id = new.id and activity_date <> '2026-06-02';
  return null;
end $$;
create trigger tidy after insert on public.activities for each row execute function public.tidy();
select tests.active_on(:'other', '2026-06-01');
select is(pg_temp.state_of(:'other'), '2 until 2026-06-02', 'an insert whose own trigger updates what was inserted');
select scheduler.rebuild_mentor_state();

drop trigger rouse on public.activities;
drop trigger tidy on public.activities;
select tests.active_on(:'other', '2026-07-01', '2026-07-02');
select is(pg_temp.state_of(:'other'), '4 until 2026-07-02', 'an insert in a transaction that changed the mentor before');
select is_empty('select * from scheduler.verify_mentor_state()', 'and all is as the sources say');

select * from finish();
rollback;
