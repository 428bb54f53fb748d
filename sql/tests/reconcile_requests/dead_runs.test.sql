begin;
select plan(17);
select tests.configured();

select tests.asked() as run \gset
select tests.taken_on(:'run');
select tests.answered(:'run', 202);
select is(tests.reconciled(now() + interval '20 seconds'), null, 'a run that gave a sign of life lately is left alone');
select tests.time_passed(:'run', '45 seconds');
update scheduler.invocations set heartbeat_at = clock_timestamp() - interval '20 seconds' where id = :'run';
select is(tests.reconciled(clock_timestamp()), null, 'however long ago it began');
update scheduler.invocations set heartbeat_at = now() - interval '31 seconds' where id = :'run';
create temporary table found on commit drop as select * from scheduler.reconcile_requests(at => now());
select results_eq('select job_name, done from found order by done', $$ values ('scenario-evaluation', 'abandoned'), ('scenario-evaluation', 'run again') $$, 'one that gave none is abandoned, and run again');
select is((select found from found where done = 'abandoned') ~ '^no sign of life since [0-9:]{8} UTC', true, 'with when the last was');
select is((select invocation_id from found where done = 'abandoned'), :'run', 'it is that run');
select is(tests.run_became(:'run'), 'abandoned: timeout_error', 'the ledger says so');
select invocation_id as again from found where done = 'run again' \gset
select unnest(array[
  is(status, 'requested', 'the other has a row of its own'),
  is(retry_of, :'run', 'which says what it makes up for'),
  is(triggered_by, 'retry', 'and why it is there'),
  is(attempt, 2, 'and that it is the second time'),
  is(scheduled_for, (select scheduled_for from scheduler.invocations where id = :'run'), 'for the same tick')
])
from scheduler.invocations where id = :'again';
select is(tests.reconciled(), null, 'that is done once');

-- The dead lives.
select is((public.finish_invocation(invocation_id => :'run', status => 'completed', total_dispatched => 3)).status, 'completed', 'one that lives after all ends as it does');
select unnest(array[
  is(status || ' ' || total_dispatched, 'completed 3', 'in the ledger too'),
  is(error_type, null, 'with no error'),
  is(error_message, null, 'nor a word of it')
])
from scheduler.invocations where id = :'run';
select is(tests.taken_on(:'again'), true, 'the other runs all the same: an evaluation finds nothing twice');

select * from finish();
rollback;
