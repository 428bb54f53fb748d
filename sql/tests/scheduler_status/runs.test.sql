begin;
select plan(11);

create function pg_temp.status_of(part text) returns text language sql
as $$ select status from public.scheduler_status() where component = part $$;
create function pg_temp.detail_of(part text) returns text language sql
as $$ select detail from public.scheduler_status() where component = part $$;

select tests.mentor();
select id as run from public.start_invocation(job_name => 'scenario-evaluation') \gset
select is(pg_temp.status_of('last evaluation'), 'warn', 'a run that began has not evaluated yet');
select public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'database_error');
select is(pg_temp.status_of('last evaluation'), 'warn', 'nor has one that failed');
select is(pg_temp.status_of('last run'), 'warn', 'a run that failed is a warning');
select matches(pg_temp.detail_of('last run'), 'scenario-evaluation ended as failed .*: database_error', 'which says why');

select id as dry from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true) \gset
select public.finish_invocation(invocation_id => :'dry', status => 'completed');
select is(pg_temp.status_of('last evaluation'), 'warn', 'a dry run is no evaluation');

select id as good from public.start_invocation(job_name => 'scenario-evaluation') \gset
select count(*) from public.run_scenario_evaluation(invocation_id => :'good');
select public.finish_invocation(invocation_id => :'good', status => 'completed');
select is(pg_temp.status_of('last evaluation'), 'ok', 'an evaluation of a run counts');
select is(pg_temp.status_of('last run'), 'ok', 'a run that completed is ok');

select id as killed from public.start_invocation(job_name => 'dispatch-backlog') \gset
select is(pg_temp.status_of('unended runs'), 'ok', 'a run that began just now is ok');
update scheduler.invocations set started_at = now() - interval '11 minutes', heartbeat_at = now() - interval '29 seconds' where id = :'killed';
select is(pg_temp.status_of('unended runs'), 'ok', 'so is one that runs long, and gave a sign of life in the last half minute');
update scheduler.invocations set heartbeat_at = now() - interval '31 seconds' where id = :'killed';
select is(pg_temp.status_of('unended runs'), 'warn', 'one that gave none is a warning');
select matches(pg_temp.detail_of('unended runs'), '^1 still running since ', 'which says since when it runs');

select * from finish();
rollback;
