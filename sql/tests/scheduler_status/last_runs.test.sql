-- What of the past is a warning still.

begin;
select plan(10);
select tests.configured();
select tests.ticked_until(now());
create function pg_temp.failed(job text, ago interval) returns void language sql as $$
  delete from scheduler.invocations;
  insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, error_message)
  values (job, 'failed', now() - ago, now() - ago, now() - ago, 'no connection');
$$;

-- The minute's job comes again, and asks for nothing where nothing is due.
select pg_temp.failed('dispatch-backlog', '59 minutes');
select is(tests.status_of('job dispatch-backlog'), 'warn', 'dispatch-backlog''s failed run is a warning');
select pg_temp.failed('dispatch-backlog', '61 minutes');
select is(tests.status_of('job dispatch-backlog'), 'ok', 'for an hour');
select matches(tests.detail_of('job dispatch-backlog'), '^last run failed at .*: no connection', 'though it is told');
select pg_temp.failed('scenario-evaluation', '61 minutes');
select is(tests.status_of('job scenario-evaluation'), 'warn', 'scenario-evaluation''s is one for longer');
select pg_temp.failed('scenario-evaluation', '20 days');
select is(tests.status_of('job scenario-evaluation'), 'warn', 'until the next');

-- An unknown job is somebody's slip.
delete from scheduler.invocations;
insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at)
values ('housekeeping', 'completed', now() - interval '1 minute', now() - interval '1 minute', now() - interval '1 minute');
select public.start_invocation(job_name => 'birthday');
select is((select status_reason from scheduler.invocations where job_name = 'birthday'), 'unknown_job', 'an unknown job has a row');
select matches(tests.detail_of('last run'), '^housekeeping ended as completed', 'which is not the last run');
select is(tests.status_of('last run'), 'ok', 'nor a warning');

-- What signs requests.
select tests.without_extension('pgcrypto');
select is(tests.status_of('extensions'), 'fail', 'without pgcrypto the extensions are a failure');
select matches(tests.detail_of('extensions'), 'pgcrypto is not .*: requests can''t be signed: create extension pgcrypto', 'with what to do');

select * from finish();
rollback;
