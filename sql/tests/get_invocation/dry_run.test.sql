-- A dry run leaves no row of anybody: only the figures of the whole, which are shown to whom the whole belongs.

begin;
select plan(13);

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
select is(:'figures'::jsonb -> 'total_evaluated', '3', 'an admin of the only organisation is told how many were looked at');
select is(:'figures'::jsonb -> 'total_candidates', '2', 'how many would get a push');
select is(:'figures'::jsonb -> 'total_suppressed', '1', 'how many would not');
select is(:'figures'::jsonb -> 'total_dispatched', '0', 'that none was sent');
select is(:'figures'::jsonb -> 'total_errors', '1', 'what went wrong');
select is(:'figures'::jsonb -> 'errors', '{"database_error": 1}', 'and of what kind');
select is(:'figures'::jsonb -> 'total_active_mentors', null, 'but not how many mentors all organisations have');
select is(pg_temp.figures(:'coordinator', :'run'), '{"total_dispatched": 0}', 'a coordinator, to whom the whole does not belong, only that none was sent');
select throws_ok(format('select pg_temp.figures(%L, %L)', :'their_admin', :'run'), 'P0002', null, 'another organisation nothing');

-- Of several organisations.
select id as shared from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true, organisation_ids => array[:'own', :'theirs']::uuid[]) \gset
select public.finish_invocation(invocation_id => :'shared', status => 'completed', total_candidates => 3);
select is(pg_temp.figures(:'admin', :'shared'), '{"total_dispatched": 0}', 'the figures of several organisations are no one admin''s');
select is(pg_temp.figures(tests.staff('admin', :'theirs', :'admin'), :'shared') -> 'total_candidates', '3', 'but of who administers them all');
delete from public.staff where user_id = :'admin' and organisation_id = :'theirs';
select id as global from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true) \gset
select public.finish_invocation(invocation_id => :'global', status => 'completed', total_candidates => 3);
select is(pg_temp.figures(:'admin', :'global'), '{"total_dispatched": 0}', 'nor are those of everybody');
select is((select total_candidates from scheduler.invocations where id = :'global'), 3, 'which the ledger has');

select * from finish();
rollback;
