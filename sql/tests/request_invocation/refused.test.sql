begin;
select plan(48);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.configured();

create function pg_temp.asked(caller uuid, arguments text default '') returns text language plpgsql as $$
declare
  status text;
begin
  perform tests.as_caller(caller);
  execute format('select answer ->> ''status'' from public.request_invocation(%s)', arguments) into status;
  reset role;
  return status;
end;
$$;
create function pg_temp.refuses(caller uuid, arguments text, errcode text, message text, rule text) returns setof text language sql as $$
  select throws_ok(format('select pg_temp.asked(%L, %L)', caller, arguments), errcode, message, rule);
$$;

-- Jobs that are not for staff.
select pg_temp.refuses(
  :'coordinator', format('job_name => %L', job), '22023', 'there is no job that staff may start with the name ' || coalesce(quote_literal(job), 'null'),
  format('the job %s is refused', coalesce(quote_literal(job), 'null'))
)
from unnest(array['birthday', '', 'housekeeping', 'certification-expiry', 'hlf-sync', 'scenario-scheduler-daily', null]) as job;
select is(tests.column_of(format($$ select pg_temp.asked(%L, 'job_name => ''housekeeping''') $$, :'coordinator')), 'job_name', 'by its argument');
select is(
  tests.hint_of(format($$ select pg_temp.asked(%L, 'job_name => ''housekeeping''') $$, :'coordinator')), 'Give one of: dispatch-backlog, scenario-evaluation.',
  'with those that they may start'
);
update scheduler.jobs set staff_may_start = true where job_name = 'housekeeping';
select pg_temp.refuses(:'coordinator', $$ job_name => 'housekeeping' $$, '22023', null, 'one of the database can''t be given to staff');
update scheduler.jobs set staff_may_start = false where job_name = 'dispatch-backlog';
select pg_temp.refuses(:'coordinator', $$ job_name => 'dispatch-backlog' $$, '22023', null, 'one can be taken from them');
select is(
  tests.hint_of(format($$ select pg_temp.asked(%L, 'job_name => ''dispatch-backlog''') $$, :'coordinator')), 'Give one of: scenario-evaluation.', 'and the hint knows'
);

-- Scenarios.
select pg_temp.refuses(:'coordinator', $$ scenarios => '{expiry,birthday}' $$, '22023', 'unknown scenario ''birthday''', 'an unknown scenario is refused and named');
select pg_temp.refuses(:'coordinator', $$ scenarios => '{NULL}' $$, '22023', 'unknown scenario null', 'so is none');
select pg_temp.refuses(:'coordinator', $$ scenarios => '{}' $$, '22023', 'scenarios must name one at least', 'and an empty list');
select is(tests.column_of(format('select pg_temp.asked(%L, %L)', :'coordinator', arguments)), 'scenarios', 'by its argument: ' || arguments)
from unnest(array[$$ scenarios => '{birthday}' $$, $$ scenarios => '{}' $$]) as arguments;
select pg_temp.refuses(:'coordinator', 'dry_run => null', '22004', 'dry_run must be true or false, not null', 'dry_run must be said');
select is(tests.column_of(format('select pg_temp.asked(%L, %L)', :'coordinator', 'dry_run => null')), 'dry_run', 'by its argument');

-- Keys.
select pg_temp.refuses(
  :'coordinator', format('idempotency_key => %L', key), '22023', 'the idempotency key must be 1 to 255 visible characters of ASCII',
  format('the key %s is refused', to_json(left(key, 10)))
)
from unnest(array['', ' ', 'a b', 'nøkkel', E'a\n', E'a\tb', repeat('x', 256)]) as key;
select is(tests.column_of(format('select pg_temp.asked(%L, %L)', :'coordinator', $$ idempotency_key => '' $$)), 'idempotency_key', 'by its argument');
select is(tests.hint_of(format('select pg_temp.asked(%L, %L)', :'coordinator', $$ idempotency_key => '' $$)), 'A random UUID is a good one.', 'with what to do');

-- Switched off and paused.
update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation';
select pg_temp.refuses(:'coordinator', '', '55000', 'the job scenario-evaluation is switched off', 'a job that is switched off is not started');
select is(tests.hint_of(format('select pg_temp.asked(%L)', :'coordinator')), 'Ask whoever operates the scheduler.', 'with whom to ask');
update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation';
select scheduler.pause(job_name => 'scenario-evaluation');
select pg_temp.refuses(:'coordinator', '', '55000', 'the job scenario-evaluation is paused', 'one that is paused neither');
select scheduler.resume(job_name => 'scenario-evaluation');
select scheduler.pause();
select pg_temp.refuses(:'coordinator', '', '55000', 'the job scenario-evaluation is paused', 'nor while everything is');
select scheduler.resume();
select is_empty('select * from scheduler.invocations', 'a refused request leaves no run');
select is_empty('select * from scheduler.idempotency_keys', 'and no key');
select is((select count(*) from net.http_request_queue), 0::bigint, 'and asks the function for nothing');

-- One that is on.
select is(pg_temp.asked(:'coordinator'), 'requested', 'when nothing is against it, it is asked for');
select pg_temp.refuses(:'coordinator', '', '55000', 'a run of scenario-evaluation is on or asked for already', 'while one is asked for, another is refused');
select is(tests.hint_of(format('select pg_temp.asked(%L)', :'coordinator')), 'Wait for its end.', 'with what to do');
update scheduler.invocations set status = 'running', started_at = now(), heartbeat_at = now();
select pg_temp.refuses(:'coordinator', '', '55000', 'a run of scenario-evaluation is on or asked for already', 'while one is on too');
select pg_temp.refuses(:'coordinator', $$ scenarios => '{expiry}' $$, '55000', null, 'whatever it is about');
select is(pg_temp.asked(:'coordinator', 'dry_run => true'), 'requested', 'a dry run need not wait for it');
select pg_temp.refuses(:'coordinator', 'dry_run => true', '55000', null, 'but for another dry run');
update scheduler.invocations set status = 'completed', finished_at = now();
select is(pg_temp.asked(:'coordinator'), 'requested', 'once it has ended there can be another');
delete from scheduler.invocations;
select tests.run(status => 'running', requested_at => now() - interval '1 hour') as dead \gset
select is(pg_temp.asked(:'coordinator'), 'requested', 'a dead one is not waited for');
select is(tests.run_became(:'dead'), 'abandoned: timeout_error', 'but given up');
delete from scheduler.invocations;

-- One of another organisation is told from one's own by nothing.
select tests.run(array[:'theirs']::uuid[], 'running') as running \gset
select pg_temp.refuses(:'coordinator', '', '55000', 'a run of scenario-evaluation is on or asked for already', 'a run of others is waited for like one''s own');
select unalike(tests.answer_to(:'coordinator', 'select * from public.request_invocation()'), '%' || :'running' || '%', 'and not named');
delete from scheduler.invocations;
select tests.run(array[:'theirs']::uuid[], 'skipped');
select is(pg_temp.asked(:'coordinator'), 'requested', 'one that was skipped is none');

select * from finish();
rollback;
