begin;
select plan(10);
create function pg_temp.state() returns text language sql as $$ select tests.status_of('mentor state') || ': ' || tests.detail_of('mentor state') $$;

select tests.mentor();
select matches(pg_temp.state(), '^ok: as the sources say, at ', 'a state that is what the sources say is ok');
alter table public.peer_mentors disable trigger user;
update public.peer_mentors set joined_on = joined_on - 1;
alter table public.peer_mentors enable trigger user;
select matches(pg_temp.state(), '^warn: 1 mentors differ from the sources, at .*: .*select scheduler\.rebuild_mentor_state\(\);$', 'one that is not is a warning, with what to do');

-- Where the history is long, it is compared at night.
select tests.seems_to_hold('public.activities', 200000);
select matches(pg_temp.state(), '^warn: not compared with the sources yet: ', 'where the sources are long, they are not compared at each look');
select scheduler.rebuild_mentor_state();
select matches(pg_temp.state(), '^warn: not compared', 'not until housekeeping did');
select scheduler.run_job('housekeeping');
select matches(pg_temp.state(), '^ok: as the sources say, at ', 'then it is told what that saw');
insert into scheduler.invocations (job_name, status, requested_at, finished_at, details)
values ('housekeeping', 'completed', now() + interval '1 hour', now() + interval '1 hour', '{"state_drift": 3}');
select matches(pg_temp.state(), '^warn: 3 mentors differ from the sources', 'the last time');
insert into scheduler.invocations (job_name, status, requested_at, finished_at) values ('housekeeping', 'failed', now() + interval '2 hours', now());
select matches(pg_temp.state(), '^warn: 3 mentors', 'one that failed saw nothing');
insert into scheduler.invocations (job_name, status, requested_at, finished_at, details)
values ('housekeeping', 'completed', now() + interval '3 hours', now(), '{"notifications": 0}');
select matches(pg_temp.state(), '^warn: 3 mentors', 'nor did one that says nothing of it');
insert into scheduler.invocations (job_name, status, requested_at, finished_at, details)
values ('housekeeping', 'completed', now() + interval '4 hours', now(), '{"state_drift": 0}');
select matches(pg_temp.state(), '^ok: ', 'the next may find it in order');
select tests.seems_to_hold('public.activities', 1000);
select matches(pg_temp.state(), '^ok: as the sources say, at ', 'where they are short again, they are compared');

select * from finish();
rollback;
