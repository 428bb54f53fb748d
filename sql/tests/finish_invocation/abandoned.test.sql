-- One that was taken for dead, and lived, ends as it did.

begin;
select plan(12);

create function pg_temp.taken_for_dead() returns uuid language plpgsql as $$
declare
  run uuid := (select id from public.start_invocation(job_name => 'scenario-evaluation'));
begin
  perform tests.time_passed(run, '1 minute');
  perform scheduler.abandon_dead_runs();
  return run;
end;
$$;

select pg_temp.taken_for_dead() as run \gset
select id as next from public.start_invocation(job_name => 'scenario-evaluation') \gset
select is((public.finish_invocation(invocation_id => :'run', status => 'partial', total_dispatched => 2)).total_dispatched, 2, 'its totals are written');
select isnt(tests.run_became(:'run'), 'abandoned: timeout_error', 'it is abandoned no more');
select is(tests.run_became(:'next'), 'running', 'the next one is as it was');
select is(
  (public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'database_error')).status, 'completed', 'once it has ended, that stays'
);
select public.finish_invocation(invocation_id => :'next', status => 'completed');

select pg_temp.taken_for_dead() as run \gset
select is((public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'provider_error')).status, 'failed', 'it may end as failed');
select is(tests.run_became(:'run'), 'failed: provider_error', 'with its own error');
select is((select error_message from scheduler.invocations where id = :'run'), null, 'and not that of a dead one');

-- Others stay.
create function pg_temp.ended_as(status text) returns text language plpgsql as $$
declare
  run uuid;
begin
  insert into scheduler.invocations (job_name, status) values ('hlf-sync', ended_as.status) returning id into run;
  return (public.finish_invocation(invocation_id => run, status => 'completed')).status;
end;
$$;
select is(pg_temp.ended_as('skipped'), 'skipped', 'one that was skipped stays so');
select is(pg_temp.ended_as('failed'), 'failed', 'one that failed too');
select is(pg_temp.ended_as('completed'), 'completed', 'and one that completed');
select is(pg_temp.ended_as('partial'), 'partial', 'also in part');
select is(pg_temp.ended_as('requested'), 'requested', 'one that was only asked for has not begun, so it can''t end');

select * from finish();
rollback;
