-- A tick that met another run: was that one narrower, it is run after it.

begin;
select plan(21);
select tests.configured();

-- The minute's tick, and the runs that make up for others.
create function pg_temp.minute(at timestamptz default now() + interval '10 seconds') returns text language plpgsql as $$
begin
  perform tests.ticked('scenario-scheduler-dispatch', minute.at);
  return (
    select coalesce(string_agg(concat_ws(' ', status, triggered_by), ', '), 'no retry')
    from scheduler.invocations where retry_of is not null
  );
end;
$$;
-- An operator's run is on when the daily tick comes.
create function pg_temp.met(organisations uuid[] default null, scenarios text[] default null, dry boolean default false) returns uuid language plpgsql as $$
declare
  by_hand uuid;
begin
  delete from scheduler.invocations;
  perform tests.lost();
  by_hand := scheduler.invoke_edge(
    job_name => 'scenario-evaluation', organisation_ids => met.organisations, scenarios => met.scenarios, dry_run => met.dry
  );
  perform tests.taken_on(by_hand);
  perform tests.answered(by_hand, 202);
  perform tests.asked();
  perform tests.ticked_until(now());
  return by_hand;
end;
$$;
create function pg_temp.tick_became() returns text language sql as $$
  select tests.run_became(id) from scheduler.invocations where scheduled_for is not null and retry_of is null;
$$;
select tests.organisation() as organisation \gset

-- Narrower.
select pg_temp.met(organisations => array[:'organisation']::uuid[]) as by_hand \gset
select is(pg_temp.tick_became(), 'skipped: overlap', 'a daily tick that meets a run by hand is skipped');
select is(pg_temp.minute(), 'no retry', 'while that is on');
select public.finish_invocation(invocation_id => :'by_hand', status => 'completed');
select is(pg_temp.minute(), 'requested retry', 'after it, the tick has its run, for the other was of one organisation');
select unnest(array[
  is(organisation_ids, null, 'which is of all organisations'),
  is(scenarios, null, 'and all scenarios'),
  is(scheduled_for, date_trunc('minute', now()), 'for the same moment'),
  is(attempt, 1, 'asked for the first time')
])
from scheduler.invocations where retry_of is not null;
select is((select count(*) from net.http_request_queue), 1::bigint, 'with a request');
select is(pg_temp.minute(now() + interval '2 minutes'), 'requested retry', 'once');
select id as retry from scheduler.invocations where retry_of is not null \gset
select is(tests.taken_on(:'retry'), true, 'it begins');
select tests.answered(:'retry', 202);
select public.finish_invocation(invocation_id => :'retry', status => 'completed');
select is(pg_temp.minute(now() + interval '4 hours'), 'completed retry', 'and that was that');

select pg_temp.met(scenarios => '{expiry}') as by_hand \gset
select public.finish_invocation(invocation_id => :'by_hand', status => 'completed');
select is(pg_temp.minute(), 'requested retry', 'also when the other was of one scenario');

-- Full.
select pg_temp.met() as by_hand \gset
select is(pg_temp.tick_became(), 'skipped: overlap', 'one that meets a full run is skipped');
select is(pg_temp.minute(), 'no retry', 'while that is on');
select public.finish_invocation(invocation_id => :'by_hand', status => 'completed');
select is(pg_temp.minute(), 'no retry', 'and after it, for that did the work');
select is(pg_temp.minute(now() + interval '4 hours'), 'no retry', 'for good');

-- Full, but in vain.
select pg_temp.met() as by_hand \gset
select public.finish_invocation(invocation_id => :'by_hand', status => 'failed', error_type => 'database_error');
select is(pg_temp.minute(), 'requested retry', 'unless that failed');
select pg_temp.met() as by_hand \gset
select tests.time_passed(:'by_hand', '31 seconds');
select is(pg_temp.minute(), 'requested retry', 'or died');

-- None at all.
select pg_temp.met(dry => true) as by_hand \gset
select is(pg_temp.tick_became(), 'requested', 'a dry run is not met');

-- Nobody wants it any more.
select pg_temp.met(organisations => array[:'organisation']::uuid[]) as by_hand \gset
select public.finish_invocation(invocation_id => :'by_hand', status => 'completed');
select scheduler.pause(job_name => 'scenario-evaluation');
select is(pg_temp.minute(), 'no retry', 'a job that was paused since is not run');
select scheduler.resume(job_name => 'scenario-evaluation');
update scheduler.invocations set status_reason = 'duplicate_tick' where status = 'skipped';
select is(pg_temp.minute(), 'no retry', 'nor a tick that was skipped because it had its run');

select * from finish();
rollback;
