-- A run that is asked to stop claims no further page, and ends as partial with what is left.

begin;
select plan(27);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.staff() as coordinator \gset
select tests.waiting() from generate_series(1, 3);

create function pg_temp.claimed_by(run uuid) returns bigint language sql as $$
  select count(*) from public.claim_notifications(batch_size => 1, lease => '2 minutes', invocation_id => run);
$$;
create function pg_temp.stopped(caller uuid, run uuid) returns jsonb language plpgsql as $$
declare
  answer jsonb;
begin
  perform tests.as_caller(caller);
  answer := to_jsonb(public.stop_invocation(invocation_id => run));
  reset role;
  return answer;
end;
$$;

select id as run from public.start_invocation(job_name => 'scenario-evaluation', organisation_ids => '{aaaaaaaa-0000-4000-8000-000000000000}') \gset
select is(pg_temp.claimed_by(:'run'), 1::bigint, 'a run claims a page');
select pg_temp.stopped(:'coordinator', :'run') as answer \gset
select is(:'answer'::jsonb ->> 'id', :'run', 'who stops it is answered with the run');
select is(:'answer'::jsonb ->> 'status', 'running', 'which is on still');
select isnt(:'answer'::jsonb ->> 'stop_requested_at', null, 'and since when it is to stop');
select is(pg_temp.claimed_by(:'run'), 0::bigint, 'it gets no further page');
select is(pg_temp.claimed_by(:'run'), 0::bigint, 'however often it asks');
select is((select count(*) from scheduler.notifications where status = 'pending'), 2::bigint, 'what is left stays as it was');
select is(pg_temp.stopped(:'coordinator', :'run'), :'answer', 'stopping it again changes nothing, not even since when');
select lives_ok(format('select public.heartbeat_invocation(%L)', :'run'), 'it lives on until its page is done');
select is(tests.run_became(:'run'), 'running', 'and runs');

-- The page in hand is recorded.
select is((select tests.recorded(tests.said(id, 'sent')) from scheduler.notifications where status = 'sending'), 'sent', 'what it had in hand can be recorded');
select is((public.finish_invocation(invocation_id => :'run', status => 'completed', total_dispatched => 1)).status, 'partial', 'a run that was told that nothing is left ends as partial where something is');
select unnest(array[
  is(status, 'partial', 'so says the ledger'),
  is(status_reason, 'stopped', 'because it was stopped'),
  is(remaining_unprocessed_count, 2, 'with how much is left'),
  isnt(stop_requested_at, null, 'and when that was wanted'),
  is(error_type, null, 'which is no error')
])
from scheduler.invocations where id = :'run';
select tests.as_caller(:'coordinator');
select is((select status || ': ' || status_reason from public.list_invocations()), 'partial: stopped', 'staff see it so');
reset role;
select is_empty('select * from scheduler.retry_runs(at => now() + interval ''1 hour'')', 'it is not begun anew by itself');

-- The next one carries on.
select id as next from public.start_invocation(job_name => 'dispatch-backlog') \gset
select is(pg_temp.claimed_by(:'next'), 1::bigint, 'the next minute''s run sends what is left');
select is(pg_temp.claimed_by(:'next'), 1::bigint, 'all of it');

-- Nothing left.
select tests.staff('admin') as admin \gset
select pg_temp.stopped(:'admin', :'next');
select is((public.finish_invocation(invocation_id => :'next', status => 'completed', total_dispatched => 2)).status, 'completed', 'where nothing is left, one that was stopped has completed');
select is((select status_reason from scheduler.invocations where id = :'next'), null, 'and is not said to have been stopped');

-- Failed.
select tests.waiting();
select id as failing from public.start_invocation(job_name => 'scenario-evaluation') \gset
select pg_temp.stopped(:'admin', :'failing');
select is((public.finish_invocation(invocation_id => :'failing', status => 'failed', error_type => 'database_error')).status, 'failed', 'one that fails has failed, stopped or not');
select id as slow from public.start_invocation(job_name => 'scenario-evaluation') \gset
select pg_temp.stopped(:'admin', :'slow');
select is((public.finish_invocation(invocation_id => :'slow', status => 'partial')).status, 'partial', 'one that ran out of time too is partial');
select is(tests.run_became(:'slow'), 'partial: stopped', 'and was stopped');

-- Others go on.
select is(pg_temp.claimed_by(null), 1::bigint, 'who claims for no run is not stopped');

select * from finish();
rollback;
