begin;
select plan(4);

-- Three to be sent, one of them in a page whose sender died, and others that are not.
select tests.waiting() as being_sent \gset
select tests.waiting() as lost \gset
select tests.claimed();
select tests.let_time_pass(:lost);
select tests.waiting();
select tests.waiting();
select tests.waiting(due_for => '-1 hour');
select tests.waiting() as to_be_retried \gset
update scheduler.notifications set next_attempt_at = now() + interval '1 minute' where id = :to_be_retried;
select tests.waiting() as sent \gset
update scheduler.notifications set status = 'sent' where id = :sent;

create function pg_temp.left_by(status text) returns integer language plpgsql as $$
declare
  run uuid;
begin
  select id into run from public.start_invocation(job_name => 'scenario-evaluation');
  return (public.finish_invocation(invocation_id => run, status => left_by.status)).remaining_unprocessed_count;
end;
$$;
select is(pg_temp.left_by('partial'), 3, 'a run that stopped on the way says how many are due: not what waits for its time, is being sent or has ended');
select is(pg_temp.left_by('failed'), 3, 'so does a run that failed');
select is(cardinality(tests.claimed()), 3, 'the next claim takes as many');
select is(pg_temp.left_by('partial'), 0, 'and then there is none');

select * from finish();
rollback;
