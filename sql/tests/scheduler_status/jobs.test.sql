begin;
select plan(44);
select tests.configured();
select tests.ticked_until(now());
create function pg_temp.ran(status text, error text default null, ago interval default '1 hour', dry boolean default false) returns void language sql as $$
  insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, error_message, dry_run)
  values ('scenario-evaluation', status, now() - ago, now() - ago, now() - ago, error, dry);
$$;
create function pg_temp.job() returns text language sql as $$ select tests.status_of('job scenario-evaluation') || ': ' || tests.detail_of('job scenario-evaluation') $$;

-- In order.
select is(
  (select string_agg(component, ', ' order by component) from public.scheduler_status() where component like 'job %'),
  'job certification-expiry, job dispatch-backlog, job hlf-sync, job housekeeping, job scenario-evaluation', 'each job has a line'
);
select matches(pg_temp.job(), '^ok: no run yet\. Next at 20[0-9]{2}-[0-9]{2}-[0-9]{2} 06:00 UTC \(0[78]:00 in Oslo\)$', 'a job before its first run is ok, and says when that is, in UTC and Oslo');
select pg_temp.ran('completed');
select matches(pg_temp.job(), '^ok: last run completed at .*, (01:00:00|00:59:59) ago\. Next at .* UTC', 'then it says when the last was');
select pg_temp.ran('skipped', ago => '10 minutes');
select matches(pg_temp.job(), '^ok: last run completed', 'one that was skipped is no run');
select pg_temp.ran('failed', ago => '10 minutes', dry => true);
select matches(pg_temp.job(), '^ok: last run completed', 'nor is a dry run');
select pg_temp.ran('partial', ago => '9 minutes');
select matches(pg_temp.job(), '^ok: last run partial', 'one that did a part is ok: the rest follows');

-- A run that failed.
select pg_temp.ran('failed', 'answered 500', ago => '8 minutes');
select matches(pg_temp.job(), '^warn: last run failed at .*: answered 500\. Next at ', 'a run that failed is a warning, with why and when the next is');
select pg_temp.ran('abandoned', ago => '7 minutes');
select matches(pg_temp.job(), '^warn: last run abandoned at .*: no more is known\. Next at', 'so is one that was abandoned');
select pg_temp.ran('completed', ago => '6 minutes');
select matches(pg_temp.job(), '^ok: ', 'the next that completes ends that');

-- Its entry.
select cron.unschedule('scenario-scheduler-daily');
select matches(pg_temp.job(), '^fail: pg_cron has no entry scenario-scheduler-daily: select \* from scheduler\.apply_schedules\(\);$', 'an entry that is gone is a failure, with what to do');
select scheduler.apply_schedules();
select matches(pg_temp.job(), '^ok: ', 'which helps');
select cron.alter_job(jobid, schedule => '0 7 * * *') from cron.job where jobname = 'scenario-scheduler-daily';
select matches(pg_temp.job(), '^fail: pg_cron has it on ''0 7 \* \* \*'' instead of ''0 6 \* \* \*'': .*apply_schedules', 'another schedule is a failure');
select scheduler.apply_schedules();
select cron.alter_job(jobid, active => false) from cron.job where jobname = 'scenario-scheduler-daily';
select matches(pg_temp.job(), '^fail: pg_cron''s entry is not active: .*apply_schedules', 'one that is not active is a failure');
select scheduler.apply_schedules();
select matches(pg_temp.job(), '^ok: ', 'which helps as well');
select cron.schedule('scenario-scheduler-daily', '0 6 * * *', 'select 1');
select matches(pg_temp.job(), '^fail: pg_cron''s entry scenario-scheduler-daily is somebody else''s: give the job another cron_name', 'somebody else''s entry is a failure');
update scheduler.jobs set cron_name = 'my-daily' where job_name = 'scenario-evaluation';
select matches(pg_temp.job(), '^ok: ', 'and another name helps');

-- Pauses.
select scheduler.pause(job_name => 'scenario-evaluation', reason => 'summer', paused_by => 'Kari');
select matches(pg_temp.job(), '^warn: paused since .* by Kari \(summer\): select scheduler\.resume\(''scenario-evaluation''\);$', 'a paused job is a warning, with who, why and how to resume it');
select is(tests.status_of('job dispatch-backlog'), 'ok', 'others are not');
select matches(tests.detail_of('paused'), '^scenario-evaluation since .* by Kari \(summer\)$', 'it is among what is paused');
select scheduler.pause(reason => 'incident', paused_by => 'Ola');
select matches(pg_temp.job(), '^warn: paused since .* by Ola \(incident\): select scheduler\.resume\(\);$', 'when everything is paused, that comes first');
select is((select count(*) from public.scheduler_status() where component ~ '^job (dispatch|scenario|house)' and status = 'warn'), 3::bigint, 'for every job');
select scheduler.resume();
select scheduler.resume('scenario-evaluation');
select matches(pg_temp.job(), '^ok: ', 'after both it is ok');
select tests.organisation() as organisation \gset
select scheduler.pause(organisation_id => :'organisation', reason => 'merging', paused_by => 'Kari');
select matches(pg_temp.job(), '^ok: ', 'an organisation is no job');
select matches(tests.detail_of('paused'), format('^organisation %s since .* by Kari \(merging\)$', :'organisation'), 'but among what is paused');
select is(tests.status_of('paused'), 'warn', 'which is a warning');
select scheduler.resume(organisation_id => :'organisation');
select is(tests.status_of('paused'), 'ok', 'until it is resumed');

-- Ticks that don't come.
select tests.ticked_until('2026-01-01');
select matches(pg_temp.job(), '^fail: its tick of 20.* did not come: does pg_cron run, and in this database\?', 'a tick that did not come is a failure');
select is((select count(*) from public.scheduler_status() where component like 'job %' and status = 'fail'), 5::bigint, 'of every job that is on');
update scheduler.jobs set last_tick_for = scheduler.previous_tick(schedule, now());
select matches(pg_temp.job(), '^ok: ', 'when it came, it is ok');
update scheduler.jobs set last_tick_for = now() - interval '4 minutes' where job_name = 'dispatch-backlog';
select is(tests.status_of('job dispatch-backlog'), 'ok', 'the minute''s may be some minutes late');
update scheduler.jobs set last_tick_for = now() - interval '7 minutes' where job_name = 'dispatch-backlog';
select is(tests.status_of('job dispatch-backlog'), 'fail', 'but not many');

-- Switched off, or by hand only.
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select is(tests.status_of('job hlf-sync'), 'ok', 'a job that is switched off is ok');
select matches(tests.detail_of('job hlf-sync'), '^switched off \(.+\)$', 'and says that it is');
select tests.ticked_until('2026-01-01');
select is(tests.status_of('job hlf-sync'), 'ok', 'its ticks are not missed');
update scheduler.jobs set last_tick_for = now();
update scheduler.jobs set schedule = null where job_name = 'scenario-evaluation';
select lives_ok('select * from public.scheduler_status()', 'a job without a schedule is in nobody''s way');
select matches(pg_temp.job(), '^ok: runs only when asked for: select scheduler\.run_job\(''scenario-evaluation''\);', 'it runs when asked for');
delete from scheduler.jobs where job_name = 'scenario-evaluation';
select is(pg_temp.job(), null, 'a job that is gone has no line');

-- The ledger's last word.
delete from scheduler.invocations;
insert into scheduler.invocations (job_name, status, requested_at, finished_at, status_reason)
values ('housekeeping', 'skipped', now() - interval '10 days', now() - interval '10 days', 'duplicate_tick');
insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at) values ('housekeeping', 'completed', now(), now(), now());
select matches(tests.detail_of('last run'), '^housekeeping ended as completed', 'a tick that was skipped long ago is not the last run');
insert into scheduler.invocations (job_name, status, requested_at, finished_at, error_type)
values ('hlf-sync', 'failed', now() - interval '9 days', now() - interval '9 days', 'network_error');
select matches(tests.detail_of('last run'), '^housekeeping ended as completed', 'nor is one that failed before it began');
select is(tests.status_of('last run'), 'ok', 'so nothing is wrong');
insert into scheduler.invocations (job_name, status, requested_at, finished_at, error_type)
values ('hlf-sync', 'failed', now() + interval '1 second', now() + interval '1 second', 'network_error');
select matches(tests.detail_of('last run'), '^hlf-sync ended as failed', 'unless it is the last');

-- Without pg_cron.
select tests.without('cron');
select lives_ok('select * from public.scheduler_status()', 'without pg_cron there is a status');
select is(tests.status_of('pg_cron') || ' ' || tests.status_of('job housekeeping'), 'fail fail', 'which says that nothing runs');
select matches(tests.detail_of('pg_cron'), 'create extension pg_cron', 'and how it will');

select * from finish();
rollback;
