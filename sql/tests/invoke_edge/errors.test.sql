begin;
select plan(25);
select tests.configured();

-- Unknown jobs.
select scheduler.invoke_edge(job_name => 'birthday') as run \gset
select unnest(array[
  is(job_name, 'birthday', 'an unknown job has a row in the ledger'),
  is(status || ': ' || status_reason, 'failed: unknown_job', 'which failed'),
  matches(error_message, 'Known jobs: certification-expiry, dispatch-backlog', 'and says which are known'),
  is(error_type, 'evaluation_logic_error', 'with a type'),
  isnt(finished_at, null, 'and is over')
])
from scheduler.invocations where id = :'run';
select scheduler.invoke_edge(job_name => 'Kari Nordmann, 12345678') as run \gset
select is((select job_name from scheduler.invocations where id = :'run'), 'unknown', 'a name that may be anything is not kept');
select scheduler.invoke_edge(job_name => null) as run \gset
select is((select job_name || ' ' || status from scheduler.invocations where id = :'run'), 'unknown failed', 'none is one too');
select throws_ok(
  $$ select scheduler.invoke_edge(job_name => 'housekeeping') $$, '22023', 'job housekeeping is SQL, the function does not know it',
  'an SQL job is not the function''s'
);
select is(tests.run_became(scheduler.invoke_edge(job_name => repeat('a', 64))), 'failed: evaluation_logic_error', 'nor is a name that is too long');
select is_empty('select * from net.http_request_queue', 'nothing is asked of the function');

-- Arguments.
create temporary table before on commit drop as select * from scheduler.invocations;
select throws_ok(
  $$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', scenarios => '{birthday}') $$, '22023', 'unknown scenario ''birthday''',
  'an unknown scenario is refused and named'
);
select throws_ok($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', scenarios => '{null}') $$, '22023', null, 'a scenario of null is refused');
select throws_ok(
  $$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', organisation_ids => array[gen_random_uuid()]) $$, '22023',
  'organisation_ids[0] is no organisation', 'an organisation that is none is refused'
);
select throws_ok($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => null) $$, '22004', null, 'dry_run of null is refused');
select throws_ok(
  $$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => 'Kari Nordmann') $$, '22023',
  'triggered_by must be a short label, not ''Kari Nordmann''', 'a name of a person is no label'
);
select throws_ok($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => '') $$, '22023', null, 'nor is nothing');
select throws_ok($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => null) $$, '22023', null, 'nor null');
select throws_ok($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => '12345678') $$, '22023', null, 'nor a number');
select throws_ok(
  $$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => E'pg_cron\n{"forged": "line"}') $$, '22023', null, 'nor a line of a log'
);
select matches(
  tests.hint_of($$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => '') $$), 'operator or pg_cron', 'the hint says what is'
);
select lives_ok(
  $$ select scheduler.invoke_edge(job_name => 'scenario-evaluation', triggered_by => 'operator', dry_run => true) $$, 'a word is'
);
delete from net.http_request_queue;
delete from scheduler.invocations where dry_run;
select results_eq('select * from scheduler.invocations order by id', 'select * from before order by id', 'what is refused leaves nothing in the ledger');
select is_empty('select * from net.http_request_queue', 'nor in the queue');

-- Who may.
select is(has_function_privilege('service_role', 'scheduler.invoke_edge(text,text[],uuid[],boolean,timestamptz,text)', 'execute'), false, 'service_role may not ask');
select is(has_function_privilege('scheduler_dispatcher', 'scheduler.run_job(text,timestamptz,text)', 'execute'), false, 'nor may the dispatcher''s login');

select * from finish();
rollback;
