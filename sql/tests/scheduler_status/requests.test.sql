begin;
select plan(24);
select tests.configured();
create function pg_temp.requests() returns text language sql as $$ select tests.status_of('requests') || ': ' || tests.detail_of('requests') $$;

select is(pg_temp.requests(), 'ok: none of the last day went wrong', 'without requests nothing is wrong');
select tests.asked() as run \gset
select matches(pg_temp.requests(), '^ok: ', 'nor with one that is out');
select tests.time_passed(:'run', '2 minutes 59 seconds');
select matches(pg_temp.requests(), '^ok: ', 'for some minutes');
select tests.time_passed(:'run', '2 seconds');
select matches(pg_temp.requests(), '^fail: 1 not made since .*: does pg_net''s worker run\? select net\.worker_restart\(\);$', 'one that is not made is a failure, with what to do');
delete from scheduler.invocations;

-- Went wrong, and made again.
select tests.asked() as run \gset
select tests.answered(:'run', 503);
select tests.reconciled();
select is(pg_temp.requests(), 'warn: of the last day 1 went wrong and were made again: refused 503', 'one that was refused and is asked again is a warning');
select tests.taken_on(:'run');
select tests.answered(:'run', 202);
select tests.reconciled();
select is(pg_temp.requests(), 'warn: of the last day 1 went wrong and were made again: refused 503', 'also when it went well in the end');
select tests.time_passed(:'run', '1 day 1 minute');
select is(pg_temp.requests(), 'ok: none of the last day went wrong', 'for a day');
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.lost();
select tests.reconciled();
select matches(pg_temp.requests(), '^warn: .*: lost$', 'one that was lost is a warning');
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.answered(:'run', null, timed_out => true);
select tests.reconciled();
select matches(pg_temp.requests(), '^warn: .*: timed_out$', 'so is one that timed out');
select tests.answered(:'run', 401, '{"error": {"type": "authentication_error"}}');
select tests.reconciled();
select matches(pg_temp.requests(), '^warn: of the last day 2 .*: refused 401 authentication_error, timed_out$', 'all ways that were are told');

-- Taken by something that is not the function.
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.answered(:'run', 200);
select tests.reconciled();
select is(pg_temp.requests(), 'warn: of the last day 1 went wrong and were made again: answered 200, but no run began', 'one that was answered, and no run began, is a warning');
select tests.answered(:'run', 202);
select tests.taken_on(:'run');
select tests.reconciled();
select matches(pg_temp.requests(), '^warn: of the last day 1 went wrong and were made again: ', 'also when the next one began');
delete from scheduler.invocations;
select tests.asked() as run \gset
update scheduler.invocations set attempt = 4 where id = :'run';
select tests.answered(:'run', 200);
select tests.reconciled();
select matches(pg_temp.requests(), '^fail: runs given up in the last day: 1 \(answered 200, but no run began: is the url that of the function\?\)', 'a failure if none does');
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.taken_on(:'run');
select tests.answered(:'run', 202);
select tests.reconciled();
select is(pg_temp.requests(), 'ok: none of the last day went wrong', 'and nothing at all if one began at once');

-- Given up.
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.answered(:'run', 401, '{"error": {"type": "authentication_error"}}');
update scheduler.invocations set attempt = 4 where id = :'run';
select tests.reconciled();
select matches(pg_temp.requests(), '^fail: runs given up in the last day: 1 \(answered 401 authentication_error\)\. select \* from scheduler\.run_history;', 'a run that was given up is a failure, with why and where to look');
select tests.time_passed(:'run', '1 day 1 minute');
select matches(pg_temp.requests(), '^ok: ', 'for a day');
delete from scheduler.invocations;
delete from vault.secrets;
select tests.asked() as run \gset
select matches(pg_temp.requests(), '^fail: runs given up in the last day: 1 \(the url of the function is not set\)', 'one that could not be asked for is one too');
select is(tests.status_of('job scenario-evaluation'), 'warn', 'the job says so as well');
select matches(tests.detail_of('job scenario-evaluation'), 'last run failed at .*: the url of the function is not set', 'with what is not set up');

-- Set right.
select tests.configured();
select scheduler.run_job('scenario-evaluation') as again \gset
select tests.taken_on(:'again');
select tests.answered(:'again', 202);
select tests.reconciled();
select public.finish_invocation(invocation_id => :'again', status => 'completed');
select is(tests.status_of('job scenario-evaluation'), 'ok', 'when a run completes, the job is ok');
select isnt(tests.status_of('requests'), 'fail', 'and what was given up before is made good');

-- Runs that failed on their own are not of the requests.
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.taken_on(:'run');
select tests.answered(:'run', 202);
select tests.reconciled();
select public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'database_error');
select is(pg_temp.requests(), 'ok: none of the last day went wrong', 'a run that began and failed is no matter of requests');
select is(tests.status_of('last run'), 'warn', 'but of the last run');
select tests.without('net');
select lives_ok('select * from public.scheduler_status()', 'without pg_net there is a status');

select * from finish();
rollback;
