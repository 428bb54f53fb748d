-- The minute's tick sees what became of requests whatever is paused, and starts nothing that is.

begin;
select plan(22);
select tests.configured();
select tests.ticked_until(now());

create function pg_temp.minute(minutes integer default 1) returns text language sql as $$
  select tests.ticked('scenario-scheduler-dispatch', now() + minutes * interval '1 minute');
$$;
create function pg_temp.outcome(run uuid) returns text language sql as $$
  select concat_ws(' ', outcome, http_status) from scheduler.requests where invocation_id = run order by id desc limit 1;
$$;
-- Something is due, and every request is out.
create function pg_temp.asked(job text) returns uuid language plpgsql as $$
begin
  delete from scheduler.invocations;
  perform tests.lost();
  return tests.asked(job);
end;
$$;
select tests.waiting() as notification \gset

-- Sending.
select pg_temp.asked('dispatch-backlog') as sending \gset
select tests.asked('scenario-evaluation') as run \gset
select scheduler.pause(job_name => 'dispatch-backlog', reason => 'provider is down');
select tests.taken_on(:'run');
select tests.answered(:'run', 202);
select tests.answered(:'sending', 503);
select is(pg_temp.minute(), null, 'with dispatch-backlog paused, the minute''s tick starts nothing, though something is due');
select is(pg_temp.outcome(:'run'), 'accepted 202', 'it sees what others'' requests were answered');
select is((select http_status from scheduler.invocations where id = :'run'), 202, 'the ledger knows');
select is(pg_temp.outcome(:'sending'), 'refused 503', 'and what its own was');
select is(tests.run_became(:'sending'), 'failed: network_error', 'which is given up, for it would have to be asked again');
select is(tests.times_asked(:'sending'), 1::bigint, 'and isn''t');
select pg_temp.asked('scenario-evaluation') as run \gset
select tests.lost();
select pg_temp.minute(2);
select is(tests.times_asked(:'run'), 2::bigint, 'what is not paused is asked again');
select scheduler.resume(job_name => 'dispatch-backlog');
select is(pg_temp.minute(3), 'dispatch-backlog requested ' || to_char((date_trunc('minute', now()) + interval '3 minutes') at time zone 'UTC', 'MM-DD HH24:MI'), 'when it is resumed, the next tick sends');

-- Everything.
select pg_temp.asked('dispatch-backlog') as sending \gset
select tests.asked('scenario-evaluation') as run \gset
select tests.asked('hlf-sync') as broken \gset
select tests.taken_on(:'broken');
select tests.answered(:'broken', 202);
select public.finish_invocation(invocation_id => :'broken', status => 'failed', error_type => 'database_error');
select scheduler.pause(reason => 'incident');
select tests.answered(:'sending', 202);
select tests.answered(:'run', 500);
select tests.taken_on(:'sending');
update scheduler.invocations set heartbeat_at = now() + interval '1 minute' where id = :'sending';
select is(pg_temp.minute(), null, 'with everything paused, it starts nothing');
select is(pg_temp.outcome(:'sending'), 'accepted 202', 'sees what requests were answered');
select is((select http_status from scheduler.invocations where id = :'sending'), 202, 'the ledger knows');
select is(tests.run_became(:'sending'), 'running', 'what runs goes on');
select is(pg_temp.outcome(:'run'), 'refused 500', 'also what went wrong');
select is(tests.run_became(:'run'), 'failed: network_error', 'which is given up');
select is((select count(*) from scheduler.invocations), 3::bigint, 'no run is begun anew');
select is_empty('select * from net.http_request_queue', 'and nothing is asked');
select pg_temp.minute(2);
select is(tests.run_became(:'sending'), 'abandoned: timeout_error', 'a run that died is seen');

-- What is missed meanwhile.
select tests.ticked_until(now() - interval '3 days');
select is(pg_temp.minute(3), null, 'no missed tick is made up for');
select is((select count(*) from scheduler.invocations), 3::bigint, 'nor even noted');
update scheduler.invocations set finished_at = now() where id = :'broken';
update scheduler.jobs set enabled = true where job_name = 'hlf-sync';
select is(pg_temp.minute(4), null, 'nor is a job that is switched on');
select is((select count(*) from scheduler.invocations), 3::bigint, 'or whose run broke');
select scheduler.resume();
select isnt(pg_temp.minute(5), null, 'until it is resumed');

select * from finish();
rollback;
