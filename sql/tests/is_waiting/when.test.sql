-- A job that waits for another of the same night: for what, and how long.

begin;
select plan(34);
select tests.ticked_until('2026-03-10 01:00Z');

-- At 02:00 the expiry's tick is due; hlf-sync did something a day ago.
create function pg_temp.useful(pages integer default 3, at timestamptz default '2026-03-09 02:00Z') returns void language sql as $$
  delete from scheduler.invocations;
  insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, heartbeat_at, pages_processed)
  values ('hlf-sync', 'completed', at, at, at, at, pages);
$$;
create function pg_temp.waits(at timestamptz default '2026-03-10 02:00Z', job text default 'certification-expiry') returns boolean language sql as $$
  select scheduler.is_waiting(job_name => job, scheduled_for => '2026-03-10 02:00Z', at => waits.at);
$$;
create function pg_temp.came() returns void language sql as $$ update scheduler.jobs set last_tick_for = '2026-03-10 02:00Z' where job_name = 'hlf-sync' $$;
create function pg_temp.running(status text default 'running', at timestamptz default '2026-03-10 02:00:01Z') returns void language sql as $$
  delete from scheduler.invocations where requested_at >= '2026-03-10 01:00Z';
  insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, heartbeat_at)
  values ('hlf-sync', running.status, running.at, running.at, case when running.status not in ('requested', 'running') then running.at end, case when running.status = 'running' then running.at end);
$$;

select is(scheduler.is_waiting('certification-expiry', '2026-03-10 02:00Z', '2026-03-10 02:00Z'), false, 'what never did anything is not waited for');
select pg_temp.useful();
select is(pg_temp.waits(), true, 'what did something is, before its own tick came');
select is(pg_temp.waits('2026-03-10 02:59:59Z'), true, 'for an hour');
select is(pg_temp.waits('2026-03-10 03:00Z'), false, 'at most');
select is(pg_temp.waits(job => 'hlf-sync'), false, 'but waits for nobody itself');
select is(pg_temp.waits(job => 'scenario-evaluation'), false, 'nor do others');
select is(pg_temp.waits(job => 'birthday'), false, 'nor does a job that there is not');

-- Its run.
select pg_temp.came();
select is(pg_temp.waits(), false, 'when its tick came and nothing came of it, nothing is waited for');
select pg_temp.running('requested');
select is(pg_temp.waits(), true, 'a run that is asked for is');
select pg_temp.running();
select is(pg_temp.waits(), true, 'and one that is on');
select pg_temp.running(at => '2026-03-10 01:30Z');
select is(pg_temp.waits(), true, 'also if it began before its tick');
select is(pg_temp.waits('2026-03-10 02:30Z'), false, 'but not longer than an hour: it may be dead');
create function pg_temp.ended(status text) returns text language plpgsql as $$
begin
  perform pg_temp.running(status);
  return is(pg_temp.waits(), false, format('one that ended as %s is not', status));
end;
$$;
select pg_temp.ended(status) from unnest(array['completed', 'failed', 'abandoned', 'skipped']) as status;

-- One that did a part goes on, under a row of its own.
select pg_temp.running('partial');
select is(pg_temp.waits(), true, 'one that did a part goes on soon');
select is(pg_temp.waits('2026-03-10 02:59Z'), true, 'and is waited for until it does');
insert into scheduler.invocations (job_name, status, requested_at, retry_of)
select 'hlf-sync', 'requested', '2026-03-10 02:01Z', id from scheduler.invocations where status = 'partial';
select is(pg_temp.waits('2026-03-10 02:01Z'), true, 'as is the run that goes on');
update scheduler.invocations set status = 'completed', finished_at = '2026-03-10 02:02Z' where status = 'requested';
select is(pg_temp.waits('2026-03-10 02:02Z'), false, 'to its end');

-- Of what use it was.
delete from scheduler.invocations;
select pg_temp.useful(0), pg_temp.running();
select is(pg_temp.waits(), false, 'one that finds nothing to do night after night is not waited for');
select pg_temp.useful(at => '2026-03-03 02:00:01Z'), pg_temp.running();
select is(pg_temp.waits(), true, 'for a week');
select pg_temp.useful(at => '2026-03-03 02:00Z'), pg_temp.running();
select is(pg_temp.waits(), false, 'one that did something before that may be gone');
select pg_temp.useful(), pg_temp.running();
update scheduler.invocations set job_name = 'housekeeping' where pages_processed > 0;
select is(pg_temp.waits(), false, 'what another job did is no sign');

-- Where it does not come.
select pg_temp.useful();
select tests.ticked_until('2026-03-10 01:00Z');
select is(pg_temp.waits(), true, 'a job that comes');
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select tests.ticked_until('2026-03-10 01:00Z');
select is(pg_temp.waits(), false, 'is not waited for when it is switched off');
update scheduler.jobs set enabled = true where job_name = 'hlf-sync';
select tests.ticked_until('2026-03-10 01:00Z');
select scheduler.pause(job_name => 'hlf-sync');
select is(pg_temp.waits(), false, 'nor when it is paused');
select scheduler.resume(job_name => 'hlf-sync');
update scheduler.jobs set schedule = null where job_name = 'hlf-sync';
select tests.ticked_until('2026-03-10 01:00Z');
select is(pg_temp.waits(), false, 'nor when it has no schedule');
update scheduler.jobs set schedule = '0 2 * * *' where job_name = 'hlf-sync';
select tests.ticked_until('2026-03-10 01:00Z');
select is(pg_temp.waits(), true, 'but again when all that is over');
update scheduler.jobs set catch_up = null where job_name = 'certification-expiry';
select is(pg_temp.waits(), false, 'but not by a job whose tick is not made up for: nothing would start it');
update scheduler.jobs set catch_up = '12 hours', waits_for = null where job_name = 'certification-expiry';
select is(pg_temp.waits(), false, 'nor by one that waits for nothing any more');

-- Who waits for whom.
select throws_ok($$ update scheduler.jobs set waits_for = 'certification-expiry' where job_name = 'certification-expiry' $$, '23514', null, 'a job does not wait for itself');
select throws_ok($$ update scheduler.jobs set waits_for = 'birthday' where job_name = 'certification-expiry' $$, '23503', null, 'nor for one that there is not');
update scheduler.jobs set waits_for = 'hlf-sync' where job_name = 'certification-expiry';
delete from scheduler.jobs where job_name = 'hlf-sync';
select is((select waits_for from scheduler.jobs where job_name = 'certification-expiry'), null, 'when it is deleted, nothing is waited for');

select * from finish();
rollback;
