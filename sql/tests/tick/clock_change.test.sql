-- Schedules are UTC; only quiet hours follow Oslo's clock.

begin;
select plan(17);
set local timezone = 'Europe/Oslo';
select tests.configured();
update scheduler.jobs set enabled = false where cron_name = 'nightly-scheduler';

create function pg_temp.down(since timestamptz, until timestamptz) returns text language plpgsql as $$
begin
  delete from scheduler.invocations;
  delete from net.http_request_queue;
  perform tests.ticked_until(since);
  return tests.ticked('scenario-scheduler-dispatch', until);
end;
$$;

-- Spring, the 29th of March: Oslo goes from +01 to +02 at 01:00 UTC.
select is(pg_temp.down('2026-03-28 12:00Z', '2026-03-29 06:03Z'), 'housekeeping completed 03-29 03:30', 'a night of 23 hours misses one tick');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-29 06:04Z'), 'scenario-evaluation requested 03-29 06:00', 'of each job');
select is(pg_temp.down('2026-03-29 04:00Z', '2026-03-29 18:00Z'), 'scenario-evaluation requested 03-29 06:00', 'twelve hours are twelve hours');
select is(pg_temp.down('2026-03-29 04:00Z', '2026-03-29 18:01Z'), 'scenario-evaluation skipped missed 03-29 06:00', 'and no more');
update scheduler.jobs set schedule = '30 0 * * *' where job_name = 'scenario-evaluation';
select is(pg_temp.down('2026-03-28 12:00Z', '2026-03-29 02:00Z'), 'scenario-evaluation requested 03-29 00:30', 'a tick before the change is made up for after it');
select is(pg_temp.down('2026-03-28 12:00Z', '2026-03-29 12:29Z'), 'housekeeping completed 03-29 03:30', 'also when another was missed');
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-29 12:30Z'), 'scenario-evaluation requested 03-29 00:30', 'to the end of twelve hours, that are thirteen on Oslo''s clock');
select is(pg_temp.down('2026-03-29 04:00Z', '2026-03-30 00:31Z'), null, 'the next one is a day later');

-- Autumn, the 25th of October: back at 01:00 UTC.
select is(pg_temp.down('2026-10-24 12:00Z', '2026-10-25 01:45Z'), 'scenario-evaluation requested 10-25 00:30', 'the hour that Oslo has twice has one tick');
update scheduler.invocations set status = 'completed';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-10-25 02:00Z'), null, 'which is not made up for twice');
update scheduler.jobs set schedule = '0 6 * * *' where job_name = 'scenario-evaluation';
select is(pg_temp.down('2026-10-25 04:00Z', '2026-10-25 18:01Z'), 'scenario-evaluation skipped missed 10-25 06:00', 'twelve hours are twelve hours here too');
update scheduler.jobs set catch_up = null where job_name = 'housekeeping';
select is(tests.ticked('scenario-scheduler-daily', '2026-10-26 06:00Z'), 'scenario-evaluation requested 10-26 06:00', 'and the next is at six, UTC');

-- What the schedule's moment means for who is pushed: quiet until eight in Oslo.
create function pg_temp.delivered(at timestamptz) returns text language sql as $$
  select distinct to_char(deliver_after at time zone 'UTC', 'HH24:MI') from public.run_scenario_evaluation(as_of => at, dry_run => true);
$$;
select tests.mentor(joined_on => '2025-01-01');
select is(pg_temp.delivered('2026-03-28 06:00Z'), '07:00', 'in winter, six is seven in Oslo, and pushes wait for eight');
select is(pg_temp.delivered('2026-03-29 06:00Z'), '06:00', 'in summer it is eight, and they don''t');
select is(pg_temp.delivered('2026-10-24 06:00Z'), '06:00', 'to the last day of summer time');
select is(pg_temp.delivered('2026-10-25 06:00Z'), '07:00', 'from then on they wait again');
select is(pg_temp.delivered('2026-03-29 17:59Z'), '17:59', 'a run that was made up for in the evening pushes at once, before nine');

select * from finish();
rollback;
