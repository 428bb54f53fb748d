begin;
select plan(10);
select tests.configured();
select tests.mentor(joined_on => '2025-01-01');

select tests.asked(scheduled_for => '2026-03-10 06:00Z') as run \gset
select tests.taken_on(:'run');
select count(*) from public.run_scenario_evaluation(invocation_id => :'run');
select tests.answered(:'run', 202);
select tests.reconciled();
select public.finish_invocation(invocation_id => :'run', status => 'partial', total_dispatched => 1, pages_processed => 1, errors => '{"network_error": 2}');

select is((select count(*) from scheduler.scheduler_execution_log), 1::bigint, 'a run is one row, from the tick to the totals');
select unnest(array[
  is(invocation_id, :'run', 'under its id'),
  is(job_name || ' for ' || (scheduled_for at time zone 'UTC')::time, 'scenario-evaluation for 06:00:00', 'of a job, for a tick'),
  is(http_status || ' to request ' || request_id, '202 to request ' || (select request_id from scheduler.requests), 'with what came of its request'),
  ok(requested_at <= started_at and started_at <= heartbeat_at and heartbeat_at <= finished_at, 'when it was asked for, began, last lived and ended'),
  is(total_active_mentors || ' ' || total_evaluated || ' ' || total_candidates || ' ' || total_dispatched || ' ' || total_suppressed || ' ' || total_errors, '1 1 1 1 0 2', 'its totals'),
  is(errors, '{"network_error": 2}', 'errors by type'),
  is(suppressed, '{}', 'what was held back by reason'),
  isnt(remaining_unprocessed_count, null, 'and what is left')
])
from scheduler.scheduler_execution_log;
select is_empty(
  $$
    select attname from pg_attribute
    where attrelid = 'scheduler.invocations'::regclass and attnum > 0 and not attisdropped and attname <> 'id'
    except
    select attname from pg_attribute where attrelid = 'scheduler.scheduler_execution_log'::regclass and attnum > 0
  $$,
  'no column of the ledger is left out'
);

select * from finish();
rollback;
