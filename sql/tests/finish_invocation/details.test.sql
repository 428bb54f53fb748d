-- What a job tells beyond the figures stands in the ledger; and how a job ends that does not send.

begin;
select plan(20);
create function pg_temp.began(job text) returns uuid language sql as $$ select id from public.start_invocation(job_name => job) $$;
create function pg_temp.details(run uuid) returns jsonb language sql as $$ select details from scheduler.invocations where id = run $$;
-- How a run of a job ends that says so.
create function pg_temp.ends(job text, status text) returns text language plpgsql as $$
declare
  run constant uuid := pg_temp.began(job);
  summary scheduler.invocation_summary;
begin
  summary := public.finish_invocation(invocation_id => run, status => ends.status);
  return summary.status || ', ' || summary.remaining_unprocessed_count || ' left';
end;
$$;

-- Details.
select pg_temp.began('hlf-sync') as run \gset
select public.finish_invocation(invocation_id => :'run', status => 'completed', details => '{"portal": "hlf", "pages": 3}');
select is(pg_temp.details(:'run'), '{"portal": "hlf", "pages": 3}', 'what a run tells is kept');
select pg_temp.began('hlf-sync') as run \gset
update scheduler.invocations set details = '{"portal": "hlf", "pages": 2, "received": 7}' where id = :'run';
select public.finish_invocation(invocation_id => :'run', status => 'failed', details => '{"pages": 3, "note": "down"}');
select is(pg_temp.details(:'run'), '{"portal": "hlf", "pages": 3, "received": 7, "note": "down"}', 'beside what was there, the last word counting');
select pg_temp.began('hlf-sync') as run \gset
update scheduler.invocations set details = '{"portal": "hlf"}' where id = :'run';
select public.finish_invocation(invocation_id => :'run', status => 'completed');
select is(pg_temp.details(:'run'), '{"portal": "hlf"}', 'who tells nothing takes nothing away');
select pg_temp.began('hlf-sync') as run \gset
select public.finish_invocation(invocation_id => :'run', status => 'completed');
select is(pg_temp.details(:'run'), null, 'where nothing was told there is nothing');
select public.finish_invocation(invocation_id => :'run', status => 'completed', details => '{"late": true}');
select is(pg_temp.details(:'run'), null, 'a run that has ended is told nothing more');
select pg_temp.began('hlf-sync') as run \gset
select throws_ok(
  format('select public.finish_invocation(invocation_id => %L, status => ''completed'', details => %L)', :'run', said), '22023', 'details must be an object, not ' || said,
  said || ' is no details'
)
from unnest(array['[]', '1', '"told"', 'null']) as said;
select matches(tests.hint_of(format('select public.finish_invocation(invocation_id => %L, status => ''completed'', details => ''[]'')', :'run')), 'Leave it out', 'the hint says what to do without');
select is((select status from scheduler.invocations where id = :'run'), 'running', 'what is refused ends nothing');
select public.finish_invocation(invocation_id => :'run', status => 'completed');

-- A job that does not send.
select is(pg_temp.ends('hlf-sync', 'partial'), 'partial, 0 left', 'one that fetches and did a part did a part, though no push is left');
select is(pg_temp.ends('scenario-evaluation', 'partial'), 'completed, 0 left', 'where one that sends is complete');
select is(pg_temp.ends('dispatch-backlog', 'partial'), 'completed, 0 left', 'either of them');
select tests.waiting();
select is(pg_temp.ends('hlf-sync', 'partial'), 'partial, 0 left', 'pushes that are due are not left by one that fetches');
select is(pg_temp.ends('hlf-sync', 'failed'), 'failed, 0 left', 'nor where it failed');
select is(pg_temp.ends('hlf-sync', 'completed'), 'completed, 0 left', 'nor where it completed');
select is(pg_temp.ends('scenario-evaluation', 'partial'), 'partial, 1 left', 'but by one that sends');
insert into scheduler.jobs (job_name, kind, target, schedule) values ('morning', 'edge', 'dispatch-backlog', '0 7 * * *'), ('evening-sync', 'edge', 'hlf-sync', '0 19 * * *');
select is(pg_temp.ends('morning', 'partial'), 'partial, 1 left', 'whatever the job is called');
select is(pg_temp.ends('evening-sync', 'partial'), 'partial, 0 left', 'what it is to the function counts');

select * from finish();
rollback;
