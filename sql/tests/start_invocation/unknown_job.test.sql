begin;
select plan(15);

create temporary table answer on commit drop as
select * from public.start_invocation(job_name => 'birthday', invocation_id => 'eeeeeeee-0000-4000-8000-000000000001', triggered_by => 'someone', webhook_id => 'msg_1');
select results_eq('select * from answer', $$ values ('eeeeeeee-0000-4000-8000-000000000001'::uuid, false) $$, 'an unknown job is not started');
select unnest(array[
  is(job_name || ' ' || status || ' ' || status_reason, 'birthday failed unknown_job', 'the ledger has a failed row of it'),
  is(error_type, 'evaluation_logic_error', 'with a type'),
  matches(error_message, 'Known jobs: certification-expiry, dispatch-backlog, hlf-sync', 'and those that are known'),
  is(triggered_by, 'someone', 'who asked'),
  is(webhook_id, 'msg_1', 'by which request'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations;
select is((select started from public.start_invocation(job_name => 'birthday', webhook_id => 'msg_1')), false, 'the same request again is not started either');
select is((select count(*) from scheduler.invocations), 1::bigint, 'and has no second row');
select is((select started from public.start_invocation(job_name => 'Kari Nordmann; 12345678')), false, 'whatever it is called');
select is((select count(*) from scheduler.invocations where job_name = 'unknown'), 1::bigint, 'a name that may be anything is not kept');
select is((select started from public.start_invocation(job_name => 'housekeeping')), false, 'an SQL job is none of the function''s');
select is((select count(*) from scheduler.invocations where job_name = 'housekeeping' and status = 'failed'), 1::bigint, 'that fails too');
delete from scheduler.jobs where job_name = 'hlf-sync';
select is((select started from public.start_invocation(job_name => 'hlf-sync')), false, 'a job that was taken away is unknown');
select is(tests.status_of('requests'), 'ok', 'no request of the database went wrong by that');

select * from finish();
rollback;
