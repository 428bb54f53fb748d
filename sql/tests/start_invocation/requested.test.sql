-- A run that the database asked for has its row already; the function takes it on.

begin;
select plan(31);
select tests.configured();
select tests.mentor() from generate_series(1, 3);

select tests.asked(scheduled_for => '2026-03-10 06:00Z') as run \gset
create temporary table answer on commit drop as
select * from public.start_invocation(
  job_name => 'scenario-evaluation', invocation_id => :'run', triggered_by => 'pg_cron', scheduled_for => '2026-03-10 06:00Z', webhook_id => format('run_%s_1', :'run')
);
select results_eq('select * from answer', format($$ values (%L::uuid, true) $$, :'run'), 'it is started');
select is((select count(*) from scheduler.invocations), 1::bigint, 'in the row that there is');
select unnest(array[
  is(status, 'running', 'which is running'),
  is(webhook_id, format('run_%s_1', :'run'), 'by that request'),
  isnt(started_at, null, 'since now'),
  isnt(heartbeat_at, null, 'with a sign of life'),
  is(total_active_mentors, 3, 'and as many active mentors as there are'),
  is(request_id, (select request_id from scheduler.requests), 'pg_net''s number is kept'),
  is(scheduled_for, '2026-03-10 06:00Z', 'as is the tick'),
  is(triggered_by, 'pg_cron', 'and who asked')
])
from scheduler.invocations;
select is(tests.taken_on(:'run'), false, 'a second time it is not');
select is((select started from public.start_invocation(job_name => 'scenario-evaluation', invocation_id => :'run', webhook_id => format('run_%s_2', :'run'))), false, 'by another request neither');
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', webhook_id => format('run_%s_1', :'run'))), false, 'nor without its id'
);
select is((select count(*) from scheduler.invocations), 1::bigint, 'and nothing more is in the ledger');

-- A tick that has its run.
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-10 06:00Z')), false, 'a request from elsewhere for the same tick starts none'
);
select is((select count(*) from scheduler.invocations where status = 'skipped' and status_reason = 'duplicate_tick'), 1::bigint, 'and leaves a skipped row');
select is((select started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-11 06:00Z')), false, 'one for another tick none either, while a run is on');
select is((select count(*) from scheduler.invocations where status = 'skipped' and status_reason = 'overlap'), 1::bigint, 'and leaves a skipped row too');
select is((select count(*) from scheduler.invocations where status = 'skipped' and (finished_at is null or started_at is not null)), 0::bigint, 'skipped rows never began, and are over');
select is((select started from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true)), true, 'a dry run goes on beside it');
select is((select started from public.start_invocation(job_name => 'dispatch-backlog')), true, 'another job too');

-- An asked-for run that is too late.
select tests.asked('hlf-sync', scheduled_for => '2026-03-10 02:00Z') as late \gset
update scheduler.invocations set status = 'failed', finished_at = now() where id = :'late';
select is(tests.taken_on(:'late'), false, 'a run that was given up does not begin');
select is((select status from scheduler.invocations where id = :'late'), 'failed', 'and stays as it was');

-- The next one, when a run is dead.
select tests.time_passed(:'run', '31 seconds');
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-12 06:00Z')), true, 'a dead run is in nobody''s way'
);
select is(tests.run_became(:'run'), 'abandoned: timeout_error', 'it is abandoned by the next');
select matches((select error_message from scheduler.invocations where id = :'run'), '^no sign of life since [0-9]{2}:[0-9]{2}:[0-9]{2} UTC', 'with when its last sign of life was');
select is(tests.taken_on(:'run'), false, 'it does not begin again');

-- Runs that ended leave the way free.
select public.finish_invocation(invocation_id => id, status => 'partial') from scheduler.invocations where status = 'running' and not dry_run;
select is((select started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-12 06:00Z')), false, 'a tick has one run, also when that has ended');
select is((select started from public.start_invocation(job_name => 'scenario-evaluation')), true, 'without a tick there may be another');
select is((select count(*) from scheduler.invocations where status = 'running' and not dry_run and job_name = 'scenario-evaluation'), 1::bigint, 'one at a time');
select throws_ok(
  $$ insert into scheduler.invocations (job_name, status) values ('scenario-evaluation', 'running') $$, '23505', null, 'which no writer gets past'
);

select * from finish();
rollback;
