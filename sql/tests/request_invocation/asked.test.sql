begin;
select plan(33);

select tests.organisation() as own \gset
select tests.organisation() as second \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'second', :'coordinator');
select tests.configured();

select tests.as_caller(:'coordinator');
select answer, replayed from public.request_invocation(scenarios => '{expiry,milestone}') \gset
reset role;
select is(:'replayed'::boolean, false, 'a request that is new is no repetition');
select unnest(array[
  is(run.job_name, 'scenario-evaluation', 'who says nothing else asks for an evaluation'),
  is(run.status, 'requested', 'which is asked for'),
  is(run.triggered_by, 'api', 'through the API'),
  is(run.requested_by, :'coordinator', 'by the caller'),
  is(tests.sorted(variadic run.organisation_ids), tests.sorted(:'own', :'second'), 'for the organisations of which she is staff, in any role, and no other'),
  is(run.scenarios, '{expiry,milestone}', 'of these scenarios'),
  is(run.dry_run, false, 'for real'),
  is(run.scheduled_for, null, 'and for no tick')
])
from scheduler.invocations as run;
select is(:'answer'::jsonb ->> 'id', (select id::text from scheduler.invocations), 'the answer has the run''s id');
select is(:'answer'::jsonb ->> 'status', 'requested', 'its status');
select is((:'answer'::jsonb ->> 'requested_at')::timestamptz, (select requested_at from scheduler.invocations), 'when it was asked for');
select is(:'answer'::jsonb -> 'all_organisations', 'false', 'that it is not of everybody');
select is((select count(*) from jsonb_object_keys(:'answer'::jsonb)), 18::bigint, 'and all that a list would say');
select tests.as_caller(:'coordinator');
select results_eq('select to_jsonb(entry) from public.list_invocations() as entry', format('select %L::jsonb', :'answer'), 'the list says the same');
reset role;

-- The request to the function.
create temporary view request as
select *, convert_from(body, 'UTF8') as text, convert_from(body, 'UTF8')::jsonb as content from net.http_request_queue;
select is((select count(*) from request), 1::bigint, 'one request is in the queue');
select unnest(array[
  is(content ->> 'invocation_id', :'answer'::jsonb ->> 'id', 'for this run'),
  is(content ->> 'job_name', 'scenario-evaluation', 'of the job'),
  is(content ->> 'triggered_by', 'api', 'with what asked for it'),
  is(content -> 'scenarios', '["expiry", "milestone"]', 'the scenarios'),
  is(tests.sorted(variadic array(select jsonb_array_elements_text(content -> 'organisation_ids'))::uuid[]), tests.sorted(:'own', :'second'), 'the organisations'),
  is(content -> 'dry_run', 'false', 'and that it is for real'),
  unalike(text, '%' || :'coordinator' || '%', 'but not who asked'),
  is(
    headers ->> 'webhook-signature',
    'v1,' || encode(
      extensions.hmac(
        convert_to(format('%s.%s.%s', headers ->> 'webhook-id', headers ->> 'webhook-timestamp', text), 'UTF8'), decode(tests.secret(), 'hex'), 'sha256'
      ),
      'base64'
    ),
    'it is signed'
  )
])
from request;
select is((select count(*) from scheduler.requests where invocation_id = (:'answer'::jsonb ->> 'id')::uuid), 1::bigint, 'and noted');
select ok(tests.taken_on((:'answer'::jsonb ->> 'id')::uuid), 'the function can take it on');
select public.finish_invocation(invocation_id => (:'answer'::jsonb ->> 'id')::uuid, status => 'completed');

-- Others.
select tests.as_caller(:'coordinator');
select answer ->> 'job_name' as job from public.request_invocation(job_name => 'dispatch-backlog') \gset
select is(:'job'::text, 'dispatch-backlog', 'what is due can be sent at once');
select (answer ->> 'dry_run')::boolean as dry, answer ->> 'id' as dry_id from public.request_invocation(dry_run => true) \gset
select ok(:'dry'::boolean, 'a dry run can be asked for');
reset role;
select is((select content -> 'dry_run' from request where content ->> 'invocation_id' = :'dry_id'), 'true', 'and is asked for as one');
select ok((select dry_run from scheduler.invocations where id = :'dry_id'), 'and is one in the ledger');
select is_empty('select * from scheduler.idempotency_keys', 'without a key none is kept');

-- Nobody else.
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.as_caller(:'their_admin');
select is_empty('select * from public.list_invocations()', 'another organisation does not see these runs');
reset role;
select tests.as_caller(gen_random_uuid());
select throws_ok('select * from public.request_invocation()', '42501', 'this is for staff', 'and who is not staff asks for none');
reset role;

select * from finish();
rollback;
