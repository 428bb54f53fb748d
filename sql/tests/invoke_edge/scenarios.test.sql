begin;
select plan(12);
select tests.configured();

insert into scheduler.jobs (job_name, kind, target, schedule, scenarios)
values ('weekly-milestones', 'edge', 'scenario-evaluation', '0 7 * * mon', '{milestone}');
create function pg_temp.body(run uuid) returns jsonb language sql as $$
  select convert_from(queue.body, 'UTF8')::jsonb
  from net.http_request_queue as queue
  join scheduler.invocations as invocation on invocation.request_id = queue.id
  where invocation.id = run;
$$;

select tests.asked('weekly-milestones') as run \gset
select is(pg_temp.body(:'run') -> 'scenarios', '["milestone"]', 'a job with scenarios asks for those');
select is(pg_temp.body(:'run') ->> 'job_name', 'scenario-evaluation', 'by the name that the function knows');
select is((select job_name from scheduler.invocations where id = :'run'), 'weekly-milestones', 'and is in the ledger by its own');
select is((select scenarios from scheduler.invocations where id = :'run'), '{milestone}', 'with its scenarios');
select is(pg_temp.body(tests.asked('scenario-evaluation')) -> 'scenarios', null, 'a job without asks for all');
select is(
  pg_temp.body(scheduler.invoke_edge(job_name => 'weekly-milestones', scenarios => '{expiry}')) -> 'scenarios', '["expiry"]', 'what is asked for by hand goes first'
);

-- A run that the function takes on.
select is(tests.taken_on(:'run'), true, 'the function takes it on');
select is((select status || ' ' || job_name || ' ' || scenarios::text from scheduler.invocations where id = :'run'), 'running weekly-milestones {milestone}', 'under the name in the ledger');
select id as evaluation from scheduler.invocations where job_name = 'scenario-evaluation' \gset
select is(tests.taken_on(:'evaluation'), true, 'the other job of the function is another job');

-- As a retry.
update scheduler.jobs set catch_up = '1 day' where job_name = 'weekly-milestones';
select public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'database_error');
delete from scheduler.invocations where job_name = 'weekly-milestones' and id <> :'run';
select matches(tests.reconciled(now() + interval '1 minute'), 'weekly-milestones: failed.*: run again', 'a retry is asked for');
select is((select scenarios from scheduler.invocations where retry_of = :'run'), '{milestone}', 'with the same scenarios');
select is(pg_temp.body((select id from scheduler.invocations where retry_of = :'run')) -> 'scenarios', '["milestone"]', 'in its body too');

select * from finish();
rollback;
