-- pg_net's numbers begin anew when its unlogged tables are lost: an answer must not hit the wrong run.

begin;
select plan(18);
select tests.configured();

create function pg_temp.outcomes(run uuid) returns text[] language sql as $$
  select array(select coalesce(outcome, '-') from scheduler.requests where invocation_id = run order by id);
$$;

-- A killed server: the queue is empty, and the next request has the number of one that was lost.
select tests.asked('scenario-evaluation') as old \gset
select request_id as number from scheduler.invocations where id = :'old' \gset
select tests.time_passed(:'old', '10 minutes');
select tests.lost();
select setval('net.http_request_queue_id_seq', :number, false);
select tests.asked('hlf-sync') as new \gset
select is((select request_id from scheduler.invocations where id = :'new'), :number::bigint, 'two runs have a request of the same number');

select is(tests.reconciled(), 'scenario-evaluation: the request was lost before it was made: asked again', 'the older was lost, though one of its number waits');
select is(pg_temp.outcomes(:'old'), '{lost,-}', 'so it is asked again');
select is(pg_temp.outcomes(:'new'), '{-}', 'the newer waits');
select tests.answered(:'new', 202);
select tests.taken_on(:'new');
select is(tests.reconciled(), null, 'an answer to that number');
select is(pg_temp.outcomes(:'new'), '{accepted}', 'is the newer''s');
select is(pg_temp.outcomes(:'old'), '{lost,-}', 'and not the older''s');
select is((select http_status from scheduler.invocations where id = :'old'), null, 'also with the runs');

-- Both seen at once, and answered before the first look.
delete from scheduler.invocations;
select tests.lost();
select tests.asked('scenario-evaluation') as old \gset
select request_id as number from scheduler.invocations where id = :'old' \gset
select tests.time_passed(:'old', '10 minutes');
select tests.lost();
select setval('net.http_request_queue_id_seq', :number, false);
select tests.asked('hlf-sync') as new \gset
select tests.taken_on(:'new');
select tests.answered(:'new', 500, '{"error": {"type": "database_error"}}');
select tests.reconciled();
select is(pg_temp.outcomes(:'old'), '{lost,-}', 'the newer''s answer is not taken for the older''s');
select is(pg_temp.outcomes(:'new'), '{refused}', 'but for its own');

-- An answer of an earlier life: older than the request by more than a transaction of pg_net's worker may take.
delete from scheduler.invocations;
select tests.lost();
select tests.asked('scenario-evaluation') as run \gset
insert into net._http_response (id, status_code, created) select request_id, 202, now() - interval '61 seconds' from scheduler.invocations where id = :'run';
select is(tests.reconciled(), null, 'an answer that is more than a minute older than the request');
select is(pg_temp.outcomes(:'run'), '{-}', 'is not its answer');
select tests.answered(:'run', 202);
select tests.taken_on(:'run');
select tests.reconciled();
select is(pg_temp.outcomes(:'run'), '{accepted}', 'its own is');
delete from scheduler.invocations;
select tests.lost();
select tests.asked('scenario-evaluation') as run \gset
select tests.answered(:'run', 503);
update net._http_response set created = now() - interval '59 seconds';
select tests.reconciled();
select is(pg_temp.outcomes(:'run'), '{refused,-}', 'as is one of a transaction that began just before the request came');

-- The same number for two requests of one run.
delete from scheduler.invocations;
select tests.lost();
select tests.asked('scenario-evaluation') as run \gset
select request_id as number from scheduler.invocations where id = :'run' \gset
select tests.time_passed(:'run', '10 minutes');
select tests.lost();
select setval('net.http_request_queue_id_seq', :number, false);
select tests.reconciled();
select is((select count(distinct request_id) from scheduler.requests where invocation_id = :'run'), 1::bigint, 'a run may be asked for twice under one number');
select tests.answered(:'run', 202);
select tests.taken_on(:'run');
select tests.reconciled();
select is(pg_temp.outcomes(:'run'), '{lost,accepted}', 'the answer is the second''s');
select is((select http_status from scheduler.invocations where id = :'run'), 202, 'and the run''s');
select is((select count(*) from scheduler.invocations), 1::bigint, 'which is one');

select * from finish();
rollback;
