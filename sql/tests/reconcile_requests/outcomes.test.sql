-- What became of a request, and what is done about it.

begin;
select plan(48);
select tests.configured();

-- A run that was asked for just now, and the answer that comes; then what is found, what is in the ledger, and whether it is asked again.
create function pg_temp.outcome(run uuid) returns text language sql as $$
  select concat_ws(' ', outcome, http_status, error) from scheduler.requests where invocation_id = run order by id limit 1;
$$;
create function pg_temp.fresh() returns uuid language plpgsql as $$
begin
  delete from scheduler.invocations;
  perform tests.lost();
  return tests.asked();
end;
$$;

-- Nothing yet.
select pg_temp.fresh() as run \gset
select is(tests.reconciled(), null, 'a request that waits is left to wait');
select is(tests.reconciled(now() + interval '2 minutes'), null, 'for a while');
select is(pg_temp.outcome(:'run'), '', 'its outcome is not known');
select is((select count(*) from net.http_request_queue), 1::bigint, 'and it is not asked again');

-- Unanswered: it waits in the queue, long after it should have been made.
select is(tests.reconciled(now() + interval '2 minutes 10 seconds'), null, 'as long as the batch before it may last');
select is(
  tests.reconciled(now() + interval '2 minutes 11 seconds'), 'scenario-evaluation: the request was not made: does pg_net''s worker run?: asked again',
  'then nobody makes it, and it is asked again'
);
select is(pg_temp.outcome(:'run'), 'unanswered', 'the ledger says so');
select is(tests.times_asked(:'run'), 2::bigint, 'with a second request');
select is((select attempt || ' ' || status from scheduler.invocations where id = :'run'), '2 requested', 'of the same run');
select is((select count(distinct headers ->> 'webhook-id') from net.http_request_queue), 2::bigint, 'under an id of its own');
select is((select count(distinct convert_from(body, 'UTF8')) from net.http_request_queue), 1::bigint, 'with the same body');
select is(tests.taken_on(:'run'), true, 'what comes first begins');
select is(tests.taken_on(:'run'), false, 'and what comes second does not');
update scheduler.jobs set timeout = '60 seconds' where job_name = 'scenario-evaluation';
select pg_temp.fresh() as run \gset
select is(tests.reconciled(now() + interval '2 minutes 11 seconds'), null, 'who may take longer is waited for longer');
update scheduler.jobs set timeout = '10 seconds' where job_name = 'scenario-evaluation';

-- Lost.
select pg_temp.fresh() as run \gset
select tests.lost();
select is(tests.reconciled(), 'scenario-evaluation: the request was lost before it was made: asked again', 'a request that is neither waiting nor answered was lost, and is asked again');
select is(pg_temp.outcome(:'run'), 'lost', 'the ledger says so');
select is((select count(*) from net.http_request_queue), 1::bigint, 'there is one in the queue again');
select isnt((select request_id from scheduler.invocations where id = :'run'), (select min(request_id) from scheduler.requests), 'which is another');

-- Refused.
create function pg_temp.refused(status integer, content text, error text, said text, rule text) returns setof text language plpgsql as $$
declare
  run uuid := pg_temp.fresh();
begin
  perform tests.answered(run, refused.status, refused.content);
  return next is(tests.reconciled(), 'scenario-evaluation: ' || said || ': asked again', rule);
  return next is(pg_temp.outcome(run), concat_ws(' ', 'refused', refused.status, error), 'the ledger says so');
end;
$$;
select pg_temp.refused(401, '{"error": {"type": "authentication_error", "message": "…"}}', 'authentication_error', 'answered 401 authentication_error', 'a 401 is asked again: secrets may be changing');
select pg_temp.refused(404, '{"error":{"type":"invalid_request","message":"…"}}', 'invalid_request', 'answered 404 invalid_request', 'as is a 404');
select pg_temp.refused(429, null, null, 'answered 429', 'a 429');
select pg_temp.refused(500, '{"error": {"type": "database_error"}}', 'database_error', 'answered 500 database_error', 'a 500');
select pg_temp.refused(503, '<html>Service Unavailable 2a6b1c</html>', null, 'answered 503', 'a 503 of a gateway, of whose page nothing is kept');
select pg_temp.refused(302, null, null, 'answered 302', 'a redirection, which is no answer of the function');
select pg_temp.refused(403, '{"type": "Kari Nordmann 12345678"}', null, 'answered 403', 'of an answer only a type is kept');
select pg_temp.fresh() as run \gset
select tests.answered(:'run', 400, '{"error": {"type": "invalid_argument"}}');
select is(
  tests.reconciled(), 'scenario-evaluation: answered 400 invalid_argument: given up', 'what is wrong with the request itself is not asked again'
);

-- Timed out, unreachable.
select pg_temp.fresh() as run \gset
select tests.answered(:'run', null, timed_out => true, error => 'Timeout of 10000 ms reached');
select is(tests.reconciled(), 'scenario-evaluation: no answer in time: asked again', 'no answer in time is asked again');
select is(pg_temp.outcome(:'run'), 'timed_out Timeout of 10000 ms reached', 'the ledger says so');
select pg_temp.fresh() as run \gset
select tests.answered(:'run', null, error => 'Couldn''t resolve host name');
select is(tests.reconciled(), 'scenario-evaluation: not reached: Couldn''t resolve host name: asked again', 'a host that is not reached is asked again');
select is(pg_temp.outcome(:'run'), 'unreachable Couldn''t resolve host name', 'the ledger says so');

-- A timeout does not mean that the function didn't run.
select pg_temp.fresh() as run \gset
select tests.taken_on(:'run');
select tests.answered(:'run', null, timed_out => true);
select is(tests.reconciled(), null, 'a run that began is not asked for again, whatever came of its request');
select is(pg_temp.outcome(:'run'), 'timed_out', 'though the ledger knows');
select public.finish_invocation(invocation_id => :'run', status => 'completed');
select is(tests.run_became(:'run'), 'completed', 'it ends as it does');

-- Accepted.
select pg_temp.fresh() as run \gset
select tests.taken_on(:'run');
select tests.answered(:'run', 202, '{"invocation_id": "…"}');
select is(tests.reconciled(), null, 'an answer in order leaves nothing to do');
select is(pg_temp.outcome(:'run'), 'accepted 202', 'the ledger says so');
select is((select http_status from scheduler.invocations where id = :'run'), 202, 'with the run');
select pg_temp.fresh() as run \gset
select tests.answered(:'run', 200, 'Hello from Functions!');
select is(
  tests.reconciled(), 'scenario-evaluation: answered 200, but no run began: is the url that of the function?: asked again',
  'an answer in order without a run is somebody else''s'
);

-- Twice, and of nothing.
select is(tests.reconciled(), null, 'a second look finds nothing new');
select pg_temp.fresh() as run \gset
select tests.answered(:'run', 500);
select tests.reconciled();
select is(tests.times_asked(:'run'), 2::bigint, 'each fault is asked again once');
delete from scheduler.invocations;
insert into net._http_response (id, status_code) values (999999, 500);
select is(tests.reconciled(), null, 'answers to other people''s requests are none of ours');
select is((select count(*) from net._http_response where id = 999999), 1::bigint, 'and stay where they are');

select * from finish();
rollback;
