begin;
select plan(15);

select tests.mentor() as mentor \gset
create function pg_temp.last_of(mentor uuid) returns text
language sql
as $$ select activity_count || ' until ' || last_activity_on from scheduler.mentor_state where user_id = mentor $$;

create schema "Odd ""Schema""";
create table "Odd ""Schema"""."Sam'tale %I" ("Hvem ""er""" uuid, "Når %s" date, "user" boolean, id bigint generated always as identity);
insert into "Odd ""Schema"""."Sam'tale %I" values (:'mentor', '2026-01-01', true), (:'mentor', '2026-01-02', false);
select lives_ok(
  $$ select scheduler.track_activity('"Odd ""Schema"""."Sam''tale %I"', 'Hvem "er"', 'Når %s', '"user"') $$,
  'a table and columns with odd names can be tracked'
);
select is(pg_temp.last_of(:'mentor'), '1 until 2026-01-01', 'what is in it counts');
insert into "Odd ""Schema"""."Sam'tale %I" values (:'mentor', '2026-01-03', true);
select is(pg_temp.last_of(:'mentor'), '2 until 2026-01-03', 'and what is inserted');
update "Odd ""Schema"""."Sam'tale %I" set "Når %s" = '2026-01-04', "user" = true where not "user";
select is(pg_temp.last_of(:'mentor'), '3 until 2026-01-04', 'and what is updated');
delete from "Odd ""Schema"""."Sam'tale %I" where "Når %s" = '2026-01-04';
select is(pg_temp.last_of(:'mentor'), '2 until 2026-01-03', 'and what is deleted');
select lives_ok($$ select scheduler.untrack('"Odd ""Schema"""."Sam''tale %I"') $$, 'and it can be untracked');

create table public.talks (who uuid, at timestamp);
insert into public.talks values (:'mentor', '2026-02-01 23:59:59.999');
select scheduler.track_activity('public.talks', 'who', 'at');
insert into public.talks values (:'mentor', '2026-02-01 00:00');
select is(pg_temp.last_of(:'mentor'), '2 until 2026-02-01', 'of a timestamp without zone, the date is taken as it stands');
update public.talks set at = '2026-02-02 00:00' where at > '2026-02-01 12:00';
select is(pg_temp.last_of(:'mentor'), '2 until 2026-02-02', 'and followed');
select scheduler.untrack('public.talks');

create table public.logbook (who uuid, day date, note text) partition by range (day);
create table public.logbook_2025 partition of public.logbook for values from ('2025-01-01') to ('2026-01-01');
create table public.logbook_2026 partition of public.logbook for values from ('2026-01-01') to ('2027-01-01');
insert into public.logbook values (:'mentor', '2025-12-31'), (:'mentor', '2026-01-01');
select scheduler.track_activity('public.logbook', 'who', 'day');
select is(pg_temp.last_of(:'mentor'), '2 until 2026-01-01', 'a partitioned table can be tracked');
insert into public.logbook values (:'mentor', '2025-06-01'), (:'mentor', '2026-06-01');
select is(pg_temp.last_of(:'mentor'), '4 until 2026-06-01', 'what is inserted into it is counted');
update public.logbook set day = '2025-07-01' where day = '2026-06-01';
select is(pg_temp.last_of(:'mentor'), '4 until 2026-01-01', 'a row that moves to another partition is counted once');
delete from public.logbook where day < '2025-12-01';
select is(pg_temp.last_of(:'mentor'), '2 until 2026-01-01', 'what is deleted from it is not counted');
truncate public.logbook;
select is((select activity_count from scheduler.mentor_state), 0, 'nor what is truncated');

-- The triggers stand on the table that is named, so a partition written by its own name goes past them.
insert into public.logbook_2026 values (:'mentor', '2026-03-01');
select is(
  (select difference from scheduler.verify_mentor_state()), 'differs: activity_count, last_activity_on, next_milestone',
  'what is written to a partition by its own name is told by verify'
);
select scheduler.rebuild_mentor_state();
select is(pg_temp.last_of(:'mentor'), '1 until 2026-03-01', 'and counted by a rebuild');

select * from finish();
rollback;
