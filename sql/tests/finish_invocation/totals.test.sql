begin;
select plan(23);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.mentor(joined_on => tests.today() - 40) from generate_series(1, 3);
select tests.mentor(joined_on => tests.today() - 40) as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);
select id as run from public.start_invocation(job_name => 'scenario-evaluation') \gset
select count(*) from public.run_scenario_evaluation(invocation_id => :'run');

create temporary table summary on commit drop as
select *
from public.finish_invocation(
  invocation_id => :'run',
  status => 'completed',
  total_candidates => 99,
  total_dispatched => 2,
  pages_processed => 1,
  errors => '{"network_error": 2, "provider_error": 3}'
);
select unnest(array[
  is(invocation_id, :'run', 'the summary is of the run'),
  is(status, 'completed', 'it says how it ended'),
  is(total_active_mentors, 4, 'how many active mentors there are'),
  is(total_evaluated, 4, 'how many were evaluated'),
  is(total_candidates, 3, 'how many candidates the evaluation found, whatever the caller says'),
  is(total_suppressed, 1, 'how many were held back'),
  is(total_dispatched, 2, 'how many were sent'),
  is(total_errors, 5, 'how many errors there were, all types together'),
  is(pages_processed, 1, 'how many pages were made'),
  is(remaining_unprocessed_count, 0, 'that nothing is left')
])
from summary;
select results_eq(
  format($$ select * from public.invocation_summary(%L) $$, :'run'), 'select * from summary', 'it can be asked for again'
);
select unnest(array[
  is(errors, '{"network_error": 2, "provider_error": 3}', 'the ledger counts errors by type'),
  is(error_type, null, 'a run that completed has no error of its own'),
  ok(finished_at >= started_at, 'the ledger says until when it ran'),
  is(suppressed, '{"inactivity": {"opted_out": 1}}', 'and still what was held back')
])
from scheduler.invocations where id = :'run';

-- A dry run, whose candidates only the caller knows.
select id as dry from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true) \gset
select is(
  (public.finish_invocation(invocation_id => :'dry', status => 'completed', total_candidates => 3)).total_candidates, 3,
  'a dry run''s candidates are those that the caller counted'
);

-- A failure.
select id as failing from public.start_invocation(job_name => 'scenario-evaluation') \gset
select is(
  (public.finish_invocation(
    invocation_id => :'failing', status => 'failed', error_type => 'database_error', error_message => 'connection lost'
  )).status, 'failed', 'a run may fail'
);
select unnest(array[
  is(error_type || ': ' || error_message, 'database_error: connection lost', 'the ledger says why'),
  is(total_dispatched, 0, 'with nothing sent'),
  is(total_errors, 0, 'and no error of a mentor'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations where id = :'failing';
select is((select count(*) from scheduler.invocations where status = 'running'), 0::bigint, 'no run is left open');
select is((select count(*) from scheduler.invocations), 3::bigint, 'each run is one row');

select * from finish();
rollback;
