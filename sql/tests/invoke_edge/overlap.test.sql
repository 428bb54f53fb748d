begin;
select plan(24);
select tests.configured();

-- One run a tick.
select tests.asked(scheduled_for => '2026-03-10 06:00Z') as first \gset
select tests.asked(scheduled_for => '2026-03-10 06:00Z') as second \gset
select is(tests.run_became(:'first'), 'requested', 'a tick has its run');
select is(tests.run_became(:'second'), 'skipped: duplicate_tick', 'a second one for the same moment is skipped, and the ledger says why');
select is((select scheduled_for from scheduler.invocations where id = :'second'), '2026-03-10 06:00Z', 'for which tick');
select is((select count(*) from net.http_request_queue), 1::bigint, 'it asks for nothing');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'skipped: duplicate_tick', 'a third as well');
select is(tests.run_became(tests.asked('hlf-sync', scheduled_for => '2026-03-10 06:00Z')), 'requested', 'another job has the same moment for itself');

-- One run at a time.
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-11 06:00Z')), 'skipped: overlap', 'while a run is asked for, the next tick starts none');
select tests.taken_on(:'first');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-12 06:00Z')), 'skipped: overlap', 'nor while it runs');
select is(tests.run_became(scheduler.invoke_edge(job_name => 'scenario-evaluation')), 'skipped: overlap', 'nor does an operator');
select is(tests.run_became(scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true)), 'requested', 'a dry run is in nobody''s way');
select is(tests.run_became(tests.asked('dispatch-backlog')), 'requested', 'nor is another job');
select public.finish_invocation(invocation_id => :'first', status => 'completed');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'skipped: duplicate_tick', 'after its end the tick has had its run');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-13 06:00Z')), 'requested', 'and the next has its own');

-- An operator need not wait for what only was asked for.
select scheduler.invoke_edge(job_name => 'scenario-evaluation') as by_hand \gset
select is(tests.run_became(:'by_hand'), 'requested', 'an operator may ask while another request is out');
select is(tests.taken_on(:'by_hand'), true, 'what is taken on first runs');
select id as waiting from scheduler.invocations where scheduled_for = '2026-03-13 06:00Z' and status = 'requested' \gset
select is(tests.taken_on(:'waiting'), false, 'the other does not');
select is(tests.run_became(:'waiting'), 'skipped: overlap', 'and is skipped');

-- A run that failed had its tick.
select public.finish_invocation(invocation_id => :'by_hand', status => 'failed', error_type => 'database_error');
select tests.asked(scheduled_for => '2026-03-14 06:00Z') as failing \gset
select tests.taken_on(:'failing');
select public.finish_invocation(invocation_id => :'failing', status => 'failed', error_type => 'database_error');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-14 06:00Z')), 'skipped: duplicate_tick', 'a tick whose run failed is retried, not run twice');

-- A dead run is in nobody's way.
select tests.asked(scheduled_for => '2026-03-15 06:00Z') as dead \gset
select tests.taken_on(:'dead');
select tests.time_passed(:'dead', '31 seconds');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-16 06:00Z')), 'requested', 'the next tick runs');
select is(tests.run_became(:'dead'), 'abandoned: timeout_error', 'and the dead one is abandoned');

-- Without a tick there is no limit but what runs.
delete from scheduler.invocations;
select is(tests.run_became(scheduler.invoke_edge(job_name => 'hlf-sync')), 'requested', 'an operator may ask');
select is(tests.run_became(scheduler.invoke_edge(job_name => 'hlf-sync')), 'requested', 'and ask');
select is((select count(*) from scheduler.invocations where scheduled_for is null), 2::bigint, 'for no tick');
select throws_ok(
  $$ update scheduler.invocations set status = 'running' where job_name = 'hlf-sync' $$, '23505', null, 'but two runs of a job there can''t be'
);

select * from finish();
rollback;
