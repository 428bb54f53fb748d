-- What was to be tried out only must not push to anybody.

begin;
select plan(12);
select tests.configured();

create function pg_temp.retried() returns bigint language sql as $$
  select count(*) from scheduler.retry_runs(at => now() + interval '1 hour');
$$;

-- That began and failed.
select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true, scheduled_for => '2026-03-10 06:00Z') as dry \gset
select is(tests.taken_on(:'dry'), true, 'a dry run for a tick begins');
select public.finish_invocation(invocation_id => :'dry', status => 'failed', error_type => 'database_error');
select is(pg_temp.retried(), 0::bigint, 'when it failed, it is not run again');
update scheduler.invocations set status = 'abandoned' where id = :'dry';
select is(pg_temp.retried(), 0::bigint, 'nor when it died');

-- That could not be asked for.
delete from scheduler.invocations;
delete from vault.secrets;
select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true, scheduled_for => '2026-03-10 06:00Z') as dry \gset
select is((select status_reason from scheduler.invocations where id = :'dry'), 'not_configured', 'one for which nothing is set up fails');
select tests.configured();
select is(pg_temp.retried(), 0::bigint, 'and is not run when that is set');

-- The function takes it on by itself.
delete from scheduler.invocations;
select id as dry, started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-10 06:00Z', dry_run => true) \gset
select is(:'started'::boolean, true, 'a dry run that the function begins by itself');
select public.finish_invocation(invocation_id => :'dry', status => 'failed', error_type => 'database_error');
select is(pg_temp.retried(), 0::bigint, 'is not run again either');

-- Asked for again, it stays one.
delete from scheduler.invocations;
select tests.lost();
select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true, scheduled_for => '2026-03-10 06:00Z') as dry \gset
select tests.lost();
select matches(tests.reconciled(), 'asked again$', 'one whose request was lost is asked for again');
select is(convert_from(body, 'UTF8')::jsonb ->> 'dry_run', 'true', 'as a dry run') from net.http_request_queue;
select is((select dry_run from scheduler.invocations), true, 'in the ledger too');
select is((select count(*) from scheduler.invocations where not dry_run), 0::bigint, 'no other run');
select is((select count(*) from scheduler.invocations), 1::bigint, 'was opened');

select * from finish();
rollback;
