-- The database was down: a tick that was missed is made up for once, if it is not too old.

begin;
select plan(42);
select tests.configured();
update scheduler.jobs set enabled = false where cron_name = 'nightly-scheduler';

-- Daily at 06:00, made up for within 12 hours, housekeeping at 03:30 within a day.
create function pg_temp.down(since timestamptz, until timestamptz) returns text language plpgsql as $$
begin
  delete from scheduler.invocations;
  delete from net.http_request_queue;
  perform tests.ticked_until(since);
  return tests.ticked('scenario-scheduler-dispatch', until);
end;
$$;

-- Inside.
select is(pg_temp.down('2026-03-10 05:00Z', '2026-03-10 06:01:59Z'), null, 'another entry''s tick may be two minutes late');
select is(pg_temp.down('2026-03-10 05:00Z', '2026-03-10 06:02Z'), 'scenario-evaluation requested 03-10 06:00', 'then it was missed, and is made up for');
select is((select triggered_by from scheduler.invocations), 'catch_up', 'the ledger says that it was');
select is((select count(*) from net.http_request_queue), 1::bigint, 'the function is asked');
select is(convert_from(body, 'UTF8')::jsonb ->> 'scheduled_for', '2026-03-10T06:00:00+00:00', 'for that moment') from net.http_request_queue;
select is(convert_from(body, 'UTF8')::jsonb ->> 'triggered_by', 'catch_up', 'with the reason') from net.http_request_queue;

-- Once.
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:04Z'), null, 'once');
update scheduler.invocations set status = 'completed';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:05Z'), null, 'also after its run');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-10 06:06Z'), 'scenario-evaluation skipped duplicate_tick 03-10 06:00', 'its own tick, that comes after all, is skipped');
update scheduler.invocations set status = 'failed' where triggered_by = 'catch_up';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:07Z'), null, 'and if its run failed, that is a matter for retries');

-- To the end of the window.
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 17:59Z'), 'scenario-evaluation requested 03-10 06:00', 'within the window it is made up for');
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 18:00Z'), 'scenario-evaluation requested 03-10 06:00', 'to its end');
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 18:01Z'), 'scenario-evaluation skipped missed 03-10 06:00', 'after it, the ledger says that it was missed');
select is_empty('select * from net.http_request_queue', 'and nothing is asked');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 18:02Z'), null, 'that is said once');
select is((select count(*) from scheduler.invocations), 1::bigint, 'in one row');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-11 06:00Z'), 'scenario-evaluation requested 03-11 06:00', 'the next comes as ever');

-- Days.
select is(pg_temp.down('2026-03-01 04:00Z', '2026-03-10 07:00Z'), 'housekeeping completed 03-10 03:30', 'of many missed ticks the last is made up for');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 07:01Z'), 'scenario-evaluation requested 03-10 06:00', 'of each job');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 07:02Z'), null, 'once');
select is((select count(*) from scheduler.invocations), 2::bigint, 'and no other');
select is(pg_temp.down('2026-03-01 04:00Z', '2026-03-11 02:00Z'), 'housekeeping completed 03-10 03:30', 'each within its own window');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-11 02:01Z'), 'scenario-evaluation skipped missed 03-10 06:00', 'or not');

-- An SQL job may take long, so it has a tick to itself.
delete from scheduler.invocations;
select tests.waiting() as notification \gset
select tests.asked('hlf-sync') as run \gset
select tests.lost();
select tests.ticked_until('2026-03-10 03:00Z');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 03:40Z'), 'housekeeping completed 03-10 03:30', 'a missed SQL job has a minute''s tick to itself');
select is(tests.times_asked(:'run'), 1::bigint, 'in which no request is looked after');
select is_empty('select * from net.http_request_queue', 'and none made');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 03:41Z'), 'dispatch-backlog requested 03-10 03:41', 'the next tick goes on');
select is((select outcome from scheduler.requests where invocation_id = :'run' order by id limit 1), 'lost', 'and looks after requests');
delete from scheduler.notifications where id = :'notification';

-- By the minute's entry alone.
delete from scheduler.invocations;
select tests.ticked_until('2026-03-01');
select tests.asked('hlf-sync') as run \gset
select tests.lost();
select is(tests.ticked('scenario-scheduler-daily', '2026-03-10 06:00Z'), 'scenario-evaluation requested 03-10 06:00', 'another entry starts its own jobs, and makes up for no others''');
select is(tests.times_asked(:'run'), 1::bigint, 'nor does it look after their requests');
delete from scheduler.invocations where id = :'run';
select is((select triggered_by from scheduler.invocations where job_name = 'scenario-evaluation'), 'pg_cron', 'its own is no catch-up');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:01Z'), 'housekeeping completed 03-10 03:30', 'the minute''s does');

-- Who isn't.
update scheduler.jobs set catch_up = null where job_name = 'scenario-evaluation';
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 07:00Z'), null, 'a job without a window waits for its next tick');
update scheduler.jobs set catch_up = '12 hours' where job_name = 'scenario-evaluation';
update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation';
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 07:00Z'), null, 'one that is switched off is not made up for');
update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation';
select scheduler.pause(job_name => 'scenario-evaluation');
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 07:00Z'), null, 'nor one that is paused');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(pg_temp.down('2026-03-10 06:00Z', '2026-03-10 07:00Z'), null, 'nor a tick that was dealt with');

-- While a run is on.
delete from scheduler.invocations;
delete from net.http_request_queue;
select scheduler.invoke_edge(job_name => 'scenario-evaluation') as by_hand \gset
select tests.taken_on(:'by_hand');
select tests.ticked_until('2026-03-10 04:00Z');
delete from net.http_request_queue;
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 06:30Z'), 'scenario-evaluation skipped overlap 03-10 06:00', 'a run that is on does the work');

-- Before the project was there.
update scheduler.jobs set last_tick_for = now();
select is(
  (select string_agg(started.job_name, ', ') from scheduler.tick('scenario-scheduler-dispatch') as started where started.status <> 'skipped'), null,
  'a new install makes up for nothing'
);

-- Without a url, a missed tick fails and is seen.
delete from vault.secrets;
select is(pg_temp.down('2026-03-10 04:00Z', '2026-03-10 07:00Z'), 'scenario-evaluation failed not_configured 03-10 06:00', 'a catch-up that can''t be asked for fails');
select is((select triggered_by from scheduler.invocations), 'catch_up', 'as what it is');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 07:01Z'), null, 'and is not repeated every minute');
select is((select count(*) from scheduler.invocations), 1::bigint, 'so there is one row of it');

select * from finish();
rollback;
