begin;
select plan(29);
select tests.configured();
select tests.ticked_until('2026-03-01');
update scheduler.jobs set catch_up = null;

-- An entry's own jobs.
select is(tests.ticked('scenario-scheduler-daily', '2026-03-01 06:00:02Z'), 'scenario-evaluation requested 03-01 06:00', 'a tick starts its job, for the moment of the schedule');
select is((select triggered_by from scheduler.invocations), 'pg_cron', 'the ledger says that pg_cron did');
select is((select count(*) from net.http_request_queue), 1::bigint, 'with a request');
select is((select last_tick_for from scheduler.jobs where job_name = 'scenario-evaluation'), '2026-03-01 06:00Z', 'the moment is dealt with');
select is((select last_tick_for from scheduler.jobs where job_name = 'housekeeping'), '2026-03-01', 'of no other job');

-- Twice.
select is(tests.ticked('scenario-scheduler-daily', '2026-03-01 06:00:02Z'), 'scenario-evaluation skipped duplicate_tick 03-01 06:00', 'a second tick leaves a skipped row');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-01 06:00:59Z'), 'scenario-evaluation skipped duplicate_tick 03-01 06:00', 'also a little later');
select is((select count(*) from net.http_request_queue), 1::bigint, 'and asks for nothing');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-02 06:00Z'), 'scenario-evaluation skipped overlap 03-02 06:00', 'the next day''s is skipped while the run is out');
delete from scheduler.invocations;
delete from net.http_request_queue;
select is(tests.ticked('scenario-scheduler-daily', '2026-03-03 06:00Z'), 'scenario-evaluation requested 03-03 06:00', 'and starts when it is not');

-- Late, and early.
select is(tests.ticked('scenario-scheduler-housekeeping', '2026-03-03 03:47Z'), 'housekeeping completed 03-03 03:30', 'a late tick is for the moment that it missed');
select is(
  (select string_agg(job_name || ' ' || status, ', ') from scheduler.tick(cron_name => 'scenario-scheduler-housekeeping', at => '2026-03-04 03:30Z')),
  'housekeeping completed', 'tick says what it started'
);

-- Two jobs of one entry.
select tests.ticked_until('2026-03-04 04:00Z');
select is(
  tests.ticked('nightly-scheduler', '2026-03-05 02:00:05Z'), E'certification-expiry completed 03-05 02:00\nhlf-sync requested 03-05 02:00', 'an entry starts all of its jobs'
);
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select is(tests.ticked('nightly-scheduler', '2026-03-06 02:00Z'), 'certification-expiry completed 03-06 02:00', 'but none that is switched off');
select scheduler.pause(job_name => 'certification-expiry');
select is(tests.ticked('nightly-scheduler', '2026-03-07 02:00Z'), null, 'nor one that is paused');
select scheduler.resume(job_name => 'certification-expiry');
create function public.failing() returns void language plpgsql as $$ begin raise exception 'no'; end $$;
update scheduler.jobs set target = 'public.failing' where job_name = 'certification-expiry';
update scheduler.jobs set enabled = true where job_name = 'hlf-sync';
delete from scheduler.invocations where job_name = 'hlf-sync';
select tests.ticked_until('2026-03-07 02:00Z');
select is(
  tests.ticked('nightly-scheduler', '2026-03-08 02:00Z'), E'certification-expiry failed 03-08 02:00\nhlf-sync requested 03-08 02:00', 'one that fails does not stop the other'
);

-- Everything paused.
delete from scheduler.invocations;
select scheduler.pause();
select is(tests.ticked('scenario-scheduler-daily', '2026-03-09 06:00Z'), null, 'when everything is paused, a tick that comes all the same starts nothing');
select is(tests.ticked('scenario-scheduler-housekeeping', '2026-03-09 06:00Z'), null, 'SQL jobs neither');
select is_empty('select * from scheduler.invocations', 'the ledger says nothing of it');
select scheduler.resume();

-- The minute's tick.
delete from net.http_request_queue;
select tests.ticked_until('2026-03-10 06:00Z');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:01Z'), null, 'when nothing is due, the minute''s tick starts nothing');
select is_empty('select * from net.http_request_queue', 'and asks for nothing');
select is((select last_tick_for from scheduler.jobs where job_name = 'dispatch-backlog'), '2026-03-10 06:01Z', 'but it came');
select tests.waiting() as notification \gset
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:02Z'), 'dispatch-backlog requested 03-10 06:02', 'when a push is due, it starts');
update scheduler.invocations set status = 'completed';
update scheduler.notifications set deliver_after = now() + interval '1 minute';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:03Z'), null, 'not for one whose time is to come');
update scheduler.notifications set status = 'sending', lease_expires_at = now() - interval '1 second';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:04Z'), 'dispatch-backlog requested 03-10 06:04', 'also for one whose lease ran out');

-- What is none.
select throws_ok($$ select scheduler.tick('birthday') $$, '22023', 'no job has the entry ''birthday''', 'an entry without a job is an error');
select throws_ok($$ select scheduler.tick(null) $$, '22023', 'no job has the entry null', 'null as well');
select matches(tests.hint_of($$ select scheduler.tick('birthday') $$), 'apply_schedules', 'the hint says how to be rid of it');

-- As pg_cron calls it.
select lives_ok((select command from cron.job where jobname = 'scenario-scheduler-daily'), 'the command of an entry can be run');

select * from finish();
rollback;
