-- What is in pg_net's queue before the transaction commits.

begin;
select plan(34);
set local timezone = 'Europe/Oslo';
set local datestyle = 'German';
select tests.configured();
select tests.organisation(id => 'aaaaaaaa-0000-4000-8000-000000000001');
update scheduler.jobs set timeout = '7.5 seconds' where job_name = 'scenario-evaluation';

select is_empty('select * from net.http_request_queue', 'setting up asks for nothing');
select scheduler.invoke_edge(
  job_name => 'scenario-evaluation',
  scenarios => '{expiry,milestone}',
  organisation_ids => '{aaaaaaaa-0000-4000-8000-000000000001}',
  scheduled_for => '2026-03-29 06:00Z',
  triggered_by => 'pg_cron'
) as run \gset

create temporary view request as
select *, convert_from(body, 'UTF8') as text, convert_from(body, 'UTF8')::jsonb as content from net.http_request_queue;
select is((select count(*) from request), 1::bigint, 'one request is in the queue');
select unnest(array[
  is(method::text, 'POST', 'which is a POST'),
  is(url, 'https://project.supabase.co/functions/v1/scenario-scheduler', 'to the url in Vault'),
  is(timeout_milliseconds, 7500, 'with the job''s timeout'),
  is(headers ->> 'Content-Type', 'application/json', 'of JSON'),
  is(headers ->> 'Prefer', 'respond-async', 'which asks for an answer before the work is done'),
  is(headers ->> 'webhook-id', format('run_%s_1', :'run'), 'with an id of the run and the attempt'),
  matches(headers ->> 'webhook-timestamp', '^[0-9]{10}$', 'a timestamp in seconds'),
  ok(abs((headers ->> 'webhook-timestamp')::numeric - extract(epoch from clock_timestamp())) < 60, 'of now'),
  matches(headers ->> 'webhook-signature', '^v1,[A-Za-z0-9+/]{43}=$', 'and a signature'),
  is((select count(*) from jsonb_object_keys(headers)), 5::bigint, 'there are no other headers'),
  is(content ->> 'job_name', 'scenario-evaluation', 'the body names the job'),
  is(content ->> 'invocation_id', :'run', 'the run'),
  is(content ->> 'scheduled_for', '2026-03-29T06:00:00+00:00', 'the tick, in UTC, whatever the session''s zone and style'),
  is(content ->> 'triggered_by', 'pg_cron', 'what asked for it'),
  is(content -> 'scenarios', '["expiry", "milestone"]', 'the scenarios'),
  is(content -> 'organisation_ids', '["aaaaaaaa-0000-4000-8000-000000000001"]', 'the organisations'),
  is(content -> 'dry_run', 'false', 'that it is no dry run'),
  is((select count(*) from jsonb_object_keys(content)), 7::bigint, 'and nothing else'),
  is(
    headers ->> 'webhook-signature',
    'v1,' || encode(
      extensions.hmac(
        convert_to(format('%s.%s.%s', headers ->> 'webhook-id', headers ->> 'webhook-timestamp', text), 'UTF8'), decode(tests.secret(), 'hex'), 'sha256'
      ),
      'base64'
    ),
    'the signature is of exactly these bytes'
  ),
  ok(request::text not ilike '%' || tests.secret() || '%', 'the secret is not in it')
])
from request;

-- The ledger.
select unnest(array[
  is(status, 'requested', 'the ledger says that the run was asked for'),
  is(request_id, (select id from request), 'by which request'),
  is(attempt, 1, 'for the first time'),
  is(scheduled_for, '2026-03-29 06:00Z', 'for which tick'),
  is(started_at, null, 'and that it has not begun'),
  is(webhook_id, null, 'under no id yet')
])
from scheduler.invocations where id = :'run';
select results_eq(
  'select invocation_id, attempt, request_id, webhook_id, outcome from scheduler.requests',
  format($$ select %L::uuid, 1, id, 'run_%s_1', null::text from request $$, :'run', :'run'),
  'the request is noted, with no outcome yet'
);

-- Least and most.
delete from net.http_request_queue;
select scheduler.invoke_edge(job_name => 'dispatch-backlog') as least \gset
select is(
  (select content from request), jsonb_build_object('job_name', 'dispatch-backlog', 'invocation_id', :'least', 'triggered_by', 'operator', 'dry_run', false),
  'what is not given is not in the body'
);
select is((select timeout_milliseconds from request), 10000, 'the timeout is ten seconds where nobody changed it');
delete from net.http_request_queue;
select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true) as dry \gset
select is((select content -> 'dry_run' from request), 'true', 'a dry run is asked for as one');
select is((select dry_run from scheduler.invocations where id = :'dry'), true, 'and is one in the ledger');
select is((select count(distinct webhook_id) from scheduler.requests), 3::bigint, 'no two requests have one id');

select * from finish();
rollback;
