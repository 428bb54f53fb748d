-- A dry run leaves no row of anybody, but each organisation's share of what it saw: told as of any run.

begin;
select plan(21);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) from generate_series(1, 2);
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);
select tests.mentor(organisation_id => :'theirs', joined_on => tests.today() - 40);
select tests.assigned(:'coordinator', :'opted_out');

select id as run from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true, organisation_ids => array[:'own']::uuid[]) \gset
select public.finish_invocation(invocation_id => :'run', status => 'completed', total_candidates => 2, errors => '{"database_error": 1}');

create function pg_temp.figures(caller uuid, run uuid) returns jsonb language plpgsql as $$
declare
  answer jsonb;
begin
  perform tests.as_caller(caller);
  select jsonb_strip_nulls(to_jsonb((got).figures)) into answer from public.get_invocation(run) as got;
  reset role;
  return answer;
end;
$$;
select pg_temp.figures(:'admin', :'run') as figures \gset
select is(:'figures'::jsonb -> 'total_active_mentors', '3', 'an admin is told how many active mentors the organisation has');
select is(:'figures'::jsonb -> 'total_evaluated', '3', 'how many were looked at');
select is(:'figures'::jsonb -> 'total_candidates', '2', 'how many would get a push');
select is(:'figures'::jsonb -> 'total_suppressed', '1', 'how many would not');
select is(:'figures'::jsonb -> 'suppressed', '{"inactivity": {"opted_out": 1}}', 'and why');
select is(:'figures'::jsonb -> 'total_dispatched', '0', 'that none was sent');
select is(:'figures'::jsonb -> 'errors', '{}', 'and none failed');
select is(
  pg_temp.figures(:'coordinator', :'run'), '{"total_dispatched": 0, "total_errors": 0, "errors": {}}',
  'a coordinator only that none was sent, and none failed: a dry run leaves nothing of single mentors'
);
select throws_ok(format('select pg_temp.figures(%L, %L)', :'their_admin', :'run'), 'P0002', null, 'another organisation nothing');

-- Of several organisations, and of everybody.
create function pg_temp.finished(candidates integer, organisations uuid[] default null) returns uuid language plpgsql as $$
declare
  run uuid;
begin
  select id into run from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true, organisation_ids => organisations);
  perform public.finish_invocation(invocation_id => run, status => 'completed', total_candidates => candidates);
  return run;
end;
$$;
select pg_temp.finished(3, array[:'own', :'theirs']::uuid[]) as shared, pg_temp.finished(3) as global \gset
select is(pg_temp.figures(:'admin', run), :'figures'::jsonb, 'of a run of several, or of everybody, an admin is told of the own organisation')
from unnest(array[:'shared', :'global']::uuid[]) as run;
select is(
  pg_temp.figures(:'their_admin', run) - array['total_dispatched', 'total_errors', 'errors'],
  '{"total_active_mentors": 1, "total_evaluated": 1, "total_candidates": 1, "total_suppressed": 0, "suppressed": {}}', 'the others of theirs'
)
from unnest(array[:'shared', :'global']::uuid[]) as run;
select is(
  pg_temp.figures(tests.staff('admin', :'theirs', :'admin'), :'shared') - array['total_dispatched', 'total_errors', 'errors'],
  '{"total_active_mentors": 4, "total_evaluated": 4, "total_candidates": 3, "total_suppressed": 1, "suppressed": {"inactivity": {"opted_out": 1}}}',
  'and who administers them all of all'
);
select is(
  (select concat_ws(' ', total_evaluated, total_candidates, total_suppressed, suppressed) from scheduler.invocations where id = :'global'),
  '4 3 1 {"inactivity": {"opted_out": 1}}', 'the ledger has the whole'
);

-- One that was asked for and not begun, and one that evaluates nothing.
delete from public.staff where user_id = :'admin' and organisation_id = :'theirs';
select tests.run(array[:'own']::uuid[], 'requested') as requested \gset
update scheduler.invocations set dry_run = true where id = :'requested';
select is(pg_temp.figures(:'admin', :'requested'), '{"total_dispatched": 0, "total_errors": 0, "errors": {}}', 'of one that did not begin nothing is known');
select id as sends from public.start_invocation(job_name => 'dispatch-backlog', dry_run => true, organisation_ids => array[:'own']::uuid[]) \gset
select is(pg_temp.figures(:'admin', :'sends'), '{"total_dispatched": 0, "total_errors": 0, "errors": {}}', 'of one that evaluates nothing neither');

-- One of a scenario, for real after the dry run.
select id as again from public.start_invocation(
  job_name => 'scenario-evaluation', dry_run => true, organisation_ids => array[:'own']::uuid[], scenarios => '{milestone}'
) \gset
select is(pg_temp.figures(:'admin', :'again') -> 'total_candidates', '0', 'of one scenario what that would do');
select is_empty('select * from scheduler.notifications', 'the outbox is empty');
select is_empty('select * from scheduler.scenario_cooldowns', 'no window is open');
select gen_random_uuid() as real \gset
select count(*) from public.run_scenario_evaluation(invocation_id => :'real');
select is(
  pg_temp.figures(:'admin', :'real') - 'total_dispatched', :'figures'::jsonb - 'total_dispatched', 'and a run for real does what the dry run told'
);

select * from finish();
rollback;
