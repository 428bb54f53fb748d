begin;
select plan(20);

create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$
  select format('%s until %s, next milestone %s', activity_count, coalesce(last_activity_on::text, 'never'), next_milestone)
  from scheduler.mentor_state where user_id = mentor;
$$;
create function pg_temp.differences() returns bigint
language sql
as $$ select count(*) from scheduler.verify_mentor_state() $$;

select tests.mentor() as mentor \gset
select tests.mentor() as other \gset

select is(pg_temp.state_of(:'mentor'), '0 until never, next milestone 1', 'a mentor starts with no activity');

insert into public.activities (user_id, activity_date) values (:'mentor', '2026-02-01');
select is(pg_temp.state_of(:'mentor'), '1 until 2026-02-01, next milestone 10', 'an inserted row is counted');

insert into public.activities (user_id, activity_date)
select user_id, date '2026-01-01' + n
from (values (:'mentor'::uuid), (:'other')) as who (user_id), generate_series(1, 12) as n;
select is(pg_temp.state_of(:'mentor'), '13 until 2026-02-01, next milestone 25', 'many rows of one statement are counted, older ones too');
select is(pg_temp.state_of(:'other'), '12 until 2026-01-13, next milestone 25', 'and for each mentor on their own');

prepare copy_like (uuid[], date[]) as
  insert into public.activities (user_id, activity_date) select * from unnest($1, $2);
execute copy_like(array[:'mentor', :'mentor']::uuid[], array['2026-03-01', '2026-02-20']::date[]);
select is(pg_temp.state_of(:'mentor'), '15 until 2026-03-01, next milestone 25', 'a batch of rows is counted');
select is(pg_temp.differences(), 0::bigint, 'and all is as the sources say');

update public.activities set activity_date = '2026-02-10' where user_id = :'mentor' and activity_date = '2026-03-01';
select is(pg_temp.state_of(:'mentor'), '15 until 2026-02-20, next milestone 25', 'a date moved back moves the last activity back');

update public.activities set activity_date = '2026-04-01' where user_id = :'mentor' and activity_date = '2026-02-10';
select is(pg_temp.state_of(:'mentor'), '15 until 2026-04-01, next milestone 25', 'a date moved forward moves it forward');

update public.activities set user_id = :'other' where user_id = :'mentor' and activity_date = '2026-04-01';
select is(pg_temp.state_of(:'mentor'), '14 until 2026-02-20, next milestone 25', 'a row that changes hands is taken from the one');
select is(pg_temp.state_of(:'other'), '13 until 2026-04-01, next milestone 25', 'and given to the other');

update public.activities set user_id = case user_id when :'mentor' then :'other'::uuid else :'mentor' end;
select is(
  array[pg_temp.state_of(:'mentor'), pg_temp.state_of(:'other')],
  array['13 until 2026-04-01, next milestone 25', '14 until 2026-02-20, next milestone 25'],
  'two mentors can swap all they have in one statement'
);

select ctid as place from scheduler.mentor_state where user_id = :'mentor' \gset
update public.activities set kind = 'visit';
update public.activities set activity_date = activity_date;
select is(
  (select ctid from scheduler.mentor_state where user_id = :'mentor'), :'place'::tid,
  'an update of what is not tracked does not write the state'
);

delete from public.activities where user_id = :'mentor' and activity_date = '2026-04-01';
select is(pg_temp.state_of(:'mentor'), '12 until 2026-01-13, next milestone 25', 'a deleted row is counted no more');
delete from public.activities where false;
select is(pg_temp.differences(), 0::bigint, 'and all is as the sources say');

insert into public.activities (id, user_id, activity_date) overriding system value values (1000001, :'mentor', '2026-01-13');
insert into public.activities (id, user_id, activity_date) overriding system value
values (1000001, :'mentor', '2026-06-01')
on conflict (id) do nothing;
select is(pg_temp.state_of(:'mentor'), '13 until 2026-01-13, next milestone 25', 'a row not inserted because of a conflict is not counted');

savepoint before;
insert into public.activities (user_id, activity_date) values (:'mentor', '2026-07-01');
rollback to before;
select is(pg_temp.state_of(:'mentor'), '13 until 2026-01-13, next milestone 25', 'what is rolled back is not counted');

update scheduler.mentor_state set inactivity_reminders = 2, inactivity_rests_until = '2026-08-01' where user_id = :'mentor';
insert into public.activities (user_id, activity_date) values (:'mentor', '2026-01-01');
select is(
  (select inactivity_reminders from scheduler.mentor_state where user_id = :'mentor'), 2,
  'an activity entered afterwards, before the last one, does not end the silence'
);
insert into public.activities (user_id, activity_date) values (:'mentor', '2026-06-15');
select is(
  (select inactivity_reminders from scheduler.mentor_state where user_id = :'mentor'), 0,
  'an activity after the last one does'
);

truncate public.activities;
select is(
  array[pg_temp.state_of(:'mentor'), pg_temp.state_of(:'other')],
  array['0 until never, next milestone 1', '0 until never, next milestone 1'],
  'truncation takes all'
);
select is(pg_temp.differences(), 0::bigint, 'and all is as the sources say');

select * from finish();
rollback;
