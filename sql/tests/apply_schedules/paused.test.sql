begin;
select plan(22);

create function pg_temp.active(entry text) returns boolean language sql as $$ select active from cron.job where jobname = entry $$;
create function pg_temp.all_active() returns text language sql as $$ select string_agg(jobname, ', ') from cron.job where active $$;

select scheduler.pause(job_name => 'scenario-evaluation', reason => 'summer');
select is(pg_temp.active('scenario-scheduler-daily'), false, 'a paused job''s entry is not active');
select is(pg_temp.active('scenario-scheduler-dispatch'), true, 'others are');
select count(*) from scheduler.apply_schedules();
select is(pg_temp.active('scenario-scheduler-daily'), false, 'nor after applying');
select count(*) from scheduler.apply_schedules();
select is(pg_temp.active('scenario-scheduler-daily'), false, 'nor after applying again');
select is((select active from scheduler.apply_schedules() where cron_name = 'scenario-scheduler-daily'), false, 'which says so');
update scheduler.jobs set schedule = '0 5 * * *' where job_name = 'scenario-evaluation';
select is(pg_temp.active('scenario-scheduler-daily'), false, 'nor with another schedule');
select cron.alter_job(jobid, active => true) from cron.job where jobname = 'scenario-scheduler-daily';
select count(*) from scheduler.apply_schedules();
select is(pg_temp.active('scenario-scheduler-daily'), false, 'nor if somebody switched it on in pg_cron');
select cron.unschedule('scenario-scheduler-daily');
select count(*) from scheduler.apply_schedules();
select is(pg_temp.active('scenario-scheduler-daily'), false, 'nor if it is made again');
select is((select count(*) from scheduler.pauses where resumed_at is null), 1::bigint, 'the pause is the one that was made');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(pg_temp.active('scenario-scheduler-daily'), true, 'when it is resumed, it is active');

-- The minute's.
select scheduler.pause(job_name => 'dispatch-backlog');
select is(pg_temp.active('scenario-scheduler-dispatch'), true, 'the minute''s stays active when its job is paused: it looks after the others'' requests');
select count(*) from scheduler.apply_schedules();
select is(pg_temp.active('scenario-scheduler-dispatch'), true, 'after applying too');
select scheduler.resume(job_name => 'dispatch-backlog');

-- Two jobs of one entry.
select scheduler.pause(job_name => 'hlf-sync');
select is(pg_temp.active('nightly-scheduler'), true, 'an entry is active as long as one of its jobs is not paused');
select scheduler.pause(job_name => 'certification-expiry');
select is(pg_temp.active('nightly-scheduler'), false, 'and not when all are');
select scheduler.resume(job_name => 'hlf-sync');
select is(pg_temp.active('nightly-scheduler'), true, 'and again when one is resumed');

-- Everything.
select scheduler.pause(reason => 'incident');
select is(pg_temp.all_active(), 'scenario-scheduler-dispatch', 'when everything is paused, no entry is active but the minute''s, which looks after requests that are out');
insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon');
select is(pg_temp.active('scenario-scheduler-weekly'), false, 'a new job''s neither');
select count(*) from scheduler.apply_schedules();
select is(pg_temp.all_active(), 'scenario-scheduler-dispatch', 'nor after applying');
select scheduler.resume(job_name => 'certification-expiry');
select is(pg_temp.all_active(), 'scenario-scheduler-dispatch', 'nor when one job is resumed');
select scheduler.pause(job_name => 'weekly');
select scheduler.resume();
select is(pg_temp.active('scenario-scheduler-weekly'), false, 'a job that is paused by itself stays so when everything is resumed');
select is((select count(*) from cron.job where not active), 1::bigint, 'all others are active');
delete from scheduler.jobs where job_name = 'weekly';
select is((select count(*) from scheduler.pauses where resumed_at is null), 0::bigint, 'a pause goes with its job');

select * from finish();
rollback;
