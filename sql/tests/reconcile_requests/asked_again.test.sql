-- At most three times more, ever later, and not when nobody wants it any more.

begin;
select plan(39);
select tests.configured();

-- Minutes after the last request.
create function pg_temp.after(minutes numeric) returns text language sql as $$
  select tests.reconciled(now() + minutes * interval '1 minute');
$$;

select tests.asked() as run \gset
select tests.answered(:'run', 500);
select matches(pg_temp.after(0), 'asked again$', 'after the first time it is asked again at once');
select tests.answered(:'run', 500);
select is(pg_temp.after(0), null, 'after the second it waits');
select is(pg_temp.after(9.9), null, 'for ten minutes');
select is((select http_status from scheduler.invocations where id = :'run'), 500, 'the ledger knows in the meantime');
select matches(pg_temp.after(10), 'asked again$', 'then it is asked again');
select tests.answered(:'run', 500);
select is(pg_temp.after(179.9), null, 'after the third it waits for three hours, a quarter of the time in which it can be made up for');
select matches(pg_temp.after(180), 'asked again$', 'then it is asked for the last time');
select tests.answered(:'run', 500);
select is(tests.run_became(:'run'), 'requested', 'the fourth may be answered');
select matches(pg_temp.after(180), 'answered 500: given up$', 'if in vain, it is given up');
select is(tests.times_asked(:'run'), 4::bigint, 'after four requests');
select unnest(array[
  is(status, 'failed', 'the run failed'),
  is(attempt, 4, 'at the fourth time'),
  is(error_message, 'answered 500', 'with what went wrong last'),
  is(http_status, 500, 'and its status'),
  is(started_at, null, 'it never began'),
  isnt(finished_at, null, 'and is over')
])
from scheduler.invocations where id = :'run';
select is(pg_temp.after(1000), null, 'nothing more is done');
select is_empty('select * from net.http_request_queue', 'nor asked');
select is(tests.taken_on(:'run'), false, 'a request that comes now finds it ended');

-- A later time may succeed.
delete from scheduler.invocations;
select tests.asked() as run \gset
select tests.lost();
select tests.reconciled();
select is(tests.taken_on(:'run'), true, 'a second request may begin the run');
select tests.answered(:'run', 202);
select is(pg_temp.after(0), null, 'then nothing is wrong');
select is(
  array(select outcome from scheduler.requests where invocation_id = :'run' order by id), '{lost,accepted}', 'and the ledger tells both'
);

-- A job that comes every minute.
delete from scheduler.invocations;
select tests.asked('dispatch-backlog') as run \gset
select tests.lost();
select matches(pg_temp.after(0), 'asked again', 'the minute''s job is asked again at once');
select tests.lost();
select matches(pg_temp.after(0), 'asked again', 'and at once');
select tests.lost();
select matches(pg_temp.after(0), 'asked again', 'and at once');
select tests.lost();
select matches(pg_temp.after(0), 'given up', 'but at most three times');

-- What went wrong, by type.
create function pg_temp.given_up(status integer, timed_out boolean, error_type text, rule text) returns setof text language plpgsql as $$
declare
  run uuid;
begin
  delete from scheduler.invocations;
  perform tests.lost();
  run := tests.asked();
  update scheduler.invocations set attempt = 4 where id = run;
  perform tests.answered(run, given_up.status, timed_out => given_up.timed_out);
  perform tests.reconciled();
  return next is(tests.run_became(run), 'failed: ' || given_up.error_type, rule);
end;
$$;
select pg_temp.given_up(401, false, 'authentication_error', 'a 401 in the end is an authentication_error');
select pg_temp.given_up(403, false, 'authentication_error', 'as is a 403');
select pg_temp.given_up(null, true, 'timeout_error', 'no answer is a timeout_error');
select pg_temp.given_up(null, false, 'network_error', 'no host is a network_error');

-- Who does not want it any more.
create function pg_temp.lost_run() returns uuid language plpgsql as $$
declare
  run uuid;
begin
  delete from scheduler.invocations;
  perform tests.lost();
  run := tests.asked();
  perform tests.lost();
  return run;
end;
$$;
select pg_temp.lost_run() as run \gset
select scheduler.pause(job_name => 'scenario-evaluation');
select matches(tests.reconciled(), 'given up$', 'a job that was paused since is not asked for again');
select scheduler.resume(job_name => 'scenario-evaluation');
select pg_temp.lost_run() as run \gset
update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation';
select matches(tests.reconciled(), 'given up$', 'nor one that was switched off');
update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation';
select pg_temp.lost_run() as run \gset
select scheduler.pause(reason => 'incident');
select tests.reconciled();
select is_empty('select * from net.http_request_queue', 'nor anything when everything is paused');
select scheduler.resume();
select pg_temp.lost_run() as run \gset
select tests.time_passed(:'run', '11 hours 59 minutes');
select matches(tests.reconciled(), 'asked again$', 'nor one that is older than can be made up for: within, it is');
select pg_temp.lost_run() as run \gset
select tests.time_passed(:'run', '12 hours 1 minute');
select matches(tests.reconciled(), 'given up$', 'outside it is not');

-- Set up no more.
select pg_temp.lost_run() as run \gset
delete from vault.secrets;
select lives_ok($$ select tests.reconciled() $$, 'a secret that is gone does not stop the rest');
select is(tests.run_became(:'run'), 'failed: network_error', 'but fails the run');
select is((select status_reason from scheduler.invocations where id = :'run'), 'not_configured', 'with the reason');
select is(tests.times_asked(:'run'), 1::bigint, 'without a request');

select * from finish();
rollback;
