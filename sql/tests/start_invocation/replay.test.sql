begin;
select plan(15);

-- One that can't be started is told by its error, so that what comes after it is looked at too.
create function pg_temp.start(invocation uuid default null, webhook text default null) returns text language plpgsql as $$
begin
  return (
    select format('%s %s', right(id::text, 1), started)
    from public.start_invocation(job_name => 'scenario-evaluation', invocation_id => invocation, webhook_id => webhook)
  );
exception
  when others then
    return sqlstate;
end;
$$;

select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000001', 'msg_1'), '1 t', 'a request starts a run');
create temporary table before on commit drop as select * from scheduler.invocations;
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000001', 'msg_1'), '1 f', 'the same request a second time starts none, and is told which it was');
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000002', 'msg_1'), '1 f', 'a webhook_id runs once, whatever invocation_id it comes with');
select is(pg_temp.start(null, 'msg_1'), '1 f', 'or without one');
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000001', 'msg_2'), '1 f', 'an invocation_id runs once, whatever webhook_id it comes with');
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000001'), '1 f', 'or without one');
select results_eq('select * from scheduler.invocations', 'select * from before', 'the run that there is is left untouched');

-- Whatever became of the first.
select is(
  (public.finish_invocation(invocation_id => 'eeeeeeee-0000-4000-8000-000000000001', status => 'failed')).status, 'failed', 'the run fails'
);
select is(pg_temp.start(null, 'msg_1'), '1 f', 'a request that comes again after its run failed starts none');
select is((select status from scheduler.invocations where webhook_id = 'msg_1'), 'failed', 'and makes nothing of it undone');

-- One run of a job at a time, so each ends before the next.
create function pg_temp.end_run() returns void language sql as $$
  select public.finish_invocation(invocation_id => id, status => 'completed') from scheduler.invocations where status = 'running';
$$;
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000003', 'msg_3'), '3 t', 'another request starts another run');
select pg_temp.end_run();
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000004'), '4 t', 'requests without a webhook_id don''t stand in each other''s way');
select pg_temp.end_run();
select is(pg_temp.start('eeeeeeee-0000-4000-8000-000000000005'), '5 t', 'however many they are');
select pg_temp.end_run();
select is(right(pg_temp.start(), 1), 't', 'a request without any id always starts a run');
select is((select count(*) from scheduler.invocations), 5::bigint, 'the ledger has a row of each run, and of nothing else');

select * from finish();
rollback;
