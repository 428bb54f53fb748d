begin;
select plan(21);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.mentor(joined_on => tests.today() - 40) from generate_series(1, 3);
select tests.mentor(joined_on => tests.today() - 40) as gone \gset
update public.peer_mentors set status = 'inactive' where id = :'gone';

create temporary table answer on commit drop as
select *
from public.start_invocation(
  job_name => 'scenario-evaluation',
  invocation_id => 'eeeeeeee-0000-4000-8000-000000000001',
  triggered_by => 'pg_cron',
  scheduled_for => '2026-03-10 06:00+00',
  webhook_id => 'msg_1'
);
select results_eq(
  'select * from answer', $$ values ('eeeeeeee-0000-4000-8000-000000000001'::uuid, true) $$, 'a run is started under the id that is given'
);
select unnest(array[
  is(job_name, 'scenario-evaluation', 'the ledger says of which job'),
  is(status, 'running', 'that it is running'),
  is(triggered_by, 'pg_cron', 'what started it'),
  is(scheduled_for, '2026-03-10 06:00+00', 'for when it was meant'),
  is(webhook_id, 'msg_1', 'by which request'),
  is(dry_run, false, 'that it is no dry run'),
  is(total_active_mentors, 3, 'how many active mentors there are'),
  is(total_evaluated, null, 'not yet how many were evaluated'),
  isnt(started_at, null, 'since when'),
  is(finished_at, null, 'and not until when')
])
from scheduler.invocations;

-- An evaluation of that run writes its figures to the same row.
select count(*) from public.run_scenario_evaluation(invocation_id => 'eeeeeeee-0000-4000-8000-000000000001');
select is((select count(*) from scheduler.invocations), 1::bigint, 'a run and its evaluation are one row of the ledger');
select unnest(array[
  is(status, 'running', 'which is running until it is finished'),
  is(total_evaluated, 3, 'and says how many were evaluated'),
  is(total_candidates, 3, 'and how many are candidates'),
  is(triggered_by, 'pg_cron', 'and still what started it')
])
from scheduler.invocations;
select unnest(array[
  is(status, 'running', 'a summary can be had while it runs'),
  is(total_active_mentors || ' ' || total_evaluated || ' ' || total_candidates || ' ' || total_suppressed, '3 3 3 0', 'with the figures as they stand'),
  is(total_dispatched || ' ' || total_errors || ' ' || pages_processed || ' ' || remaining_unprocessed_count, '0 0 0 0', 'and none missing')
])
from public.invocation_summary('eeeeeeee-0000-4000-8000-000000000001');

-- Without anything.
select is((select started from public.start_invocation(job_name => 'dispatch-backlog')), true, 'a run needs nothing but its job');
select is((select count(distinct id) from scheduler.invocations), 2::bigint, 'and has an id of its own');

select * from finish();
rollback;
