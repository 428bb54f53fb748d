-- What staff are told of a run.

begin;
select plan(24);

select tests.staff() as coordinator \gset
insert into scheduler.invocations (
  job_name, status, status_reason, triggered_by, scheduled_for, requested_at, started_at, finished_at, heartbeat_at, stop_requested_at, dry_run,
  scenarios, attempt, retry_of, error_type, error_message, request_id, webhook_id, details, requested_by
)
values (
  'scenario-evaluation', 'partial', 'stopped', 'retry', '2026-03-10 06:00Z', '2026-03-10 06:00:01Z', '2026-03-10 06:00:02Z', '2026-03-10 06:00:09Z',
  '2026-03-10 06:00:08Z', '2026-03-10 06:00:05Z', false, '{expiry}', 3, 'eeeeeeee-0000-4000-8000-000000000001', 'network_error', 'fetch failed', 7,
  'run_x_1', '{"a": 1}', gen_random_uuid()
)
returning id as run \gset

select tests.as_caller(:'coordinator');
select unnest(array[
  is(id, :'run', 'its id'),
  is(job_name, 'scenario-evaluation', 'its job'),
  is(status, 'partial', 'how it stands'),
  is(status_reason, 'stopped', 'why'),
  is(triggered_by, 'retry', 'what started it'),
  is(scheduled_for, '2026-03-10 06:00Z', 'for which tick'),
  is(requested_at, '2026-03-10 06:00:01Z', 'when it was asked for'),
  is(started_at, '2026-03-10 06:00:02Z', 'when it began'),
  is(finished_at, '2026-03-10 06:00:09Z', 'and ended'),
  is(stop_requested_at, '2026-03-10 06:00:05Z', 'when somebody wanted it to stop'),
  is(dry_run, false, 'whether it only looked'),
  is(scenarios, '{expiry}', 'at what'),
  is(all_organisations, true, 'whether at everybody'),
  is(attempt, 3, 'at which attempt'),
  is(retry_of, 'eeeeeeee-0000-4000-8000-000000000001', 'in place of which'),
  is(error_type, 'network_error', 'what went wrong'),
  is(error_message, 'fetch failed', 'in words'),
  is(note, null, 'and what colleagues wrote')
])
from public.list_invocations();
select is((select count(*) from jsonb_object_keys((select to_jsonb(entry) from public.list_invocations() as entry))), 18::bigint, 'nothing else');
select results_eq(
  format('select to_jsonb((got.entry)) from public.get_invocation(%L) as got', :'run'), 'select to_jsonb(entry) from public.list_invocations() as entry',
  'one that is asked for alone is told the same'
);
reset role;

-- A request that was not made.
delete from scheduler.invocations;
select tests.configured();
select tests.asked() as unreached \gset
select tests.answered(:'unreached', null, error => 'Could not resolve host: project.supabase.co');
select tests.reconciled(now() + interval '1 day');
select matches((select error_message from scheduler.invocations where id = :'unreached'), 'project\.supabase\.co', 'the ledger has what the network said of the function''s address');
select tests.as_caller(:'coordinator');
select is((select status || ' ' || error_type || ': ' || error_message from public.list_invocations()), 'failed network_error: not reached', 'staff are told that it was not reached');
select is((select (entry).error_message from public.get_invocation(:'unreached')), 'not reached', 'in the list as alone');
reset role;
update scheduler.invocations set error_message = 'no connection, or not reached: nobody knows' where id = :'unreached';
select tests.as_caller(:'coordinator');
select is((select error_message from public.list_invocations()), 'no connection, or not reached: nobody knows', 'other errors are told as they are');
reset role;

select * from finish();
rollback;
