-- A coordinator's figures are those of the mentors whom she follows up.

begin;
select plan(16);

select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.mentor(joined_on => tests.today() - 40) as assigned \gset
select tests.mentor(joined_on => tests.today() - 40) as by_chapter \gset
select tests.mentor(joined_on => tests.today() - 40) as of_colleague \gset
select tests.mentor(joined_on => tests.today() - 1) as newcomer \gset
select tests.assigned(:'coordinator', :'assigned', :'newcomer'), tests.placed(tests.chapter(:'coordinator'), :'by_chapter', :'assigned');
select tests.assigned(:'colleague', :'of_colleague');
select gen_random_uuid() as run \gset
select public.run_scenario_evaluation(invocation_id => :'run');
insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, error_type, invocation_id)
select id, 1, '', case when user_id = :'by_chapter' then 'retry' else 'sent' end, case when user_id = :'by_chapter' then 'network_error' end, :'run'
from scheduler.notifications;

create function pg_temp.figures(caller uuid, run uuid) returns jsonb language plpgsql as $$
declare
  answer jsonb;
begin
  perform tests.as_caller(caller);
  select to_jsonb((got).figures) into answer from public.get_invocation(run) as got;
  reset role;
  return answer;
end;
$$;
select is((select count(*) from scheduler.notifications), 3::bigint, 'three get a push');
select pg_temp.figures(:'coordinator', :'run') as figures \gset
select is((:'figures'::jsonb ->> 'total_candidates')::integer, 2, 'a coordinator is told of those whom she follows up, each once');
select is((:'figures'::jsonb ->> 'total_dispatched')::integer, 1, 'how many were sent');
select is((:'figures'::jsonb ->> 'total_errors')::integer, 1, 'how often it failed');
select is(:'figures'::jsonb -> 'errors', '{"network_error": 1}', 'and of what');
select is(:'figures'::jsonb -> 'total_active_mentors', 'null', 'not the organisation''s active mentors');
select is(:'figures'::jsonb -> 'total_evaluated', 'null', 'nor how many were evaluated');
select is(:'figures'::jsonb -> 'total_suppressed', 'null', 'nor what was held back of others');
select is(:'figures'::jsonb -> 'suppressed', 'null', 'by any reason');
select is((pg_temp.figures(:'colleague', :'run') ->> 'total_candidates')::integer, 1, 'a colleague is told of hers');
select is(pg_temp.figures(:'colleague', :'run') -> 'errors', '{}', 'with no error, as there was none');
select is((pg_temp.figures(tests.staff(), :'run') ->> 'total_candidates')::integer, 0, 'who follows up nobody of none');

-- One that evaluated nobody, and one that only sends.
select tests.run(job_name => 'dispatch-backlog') as sends \gset
update scheduler.push_attempts set invocation_id = :'sends' where notification_id in (select id from scheduler.notifications where user_id = :'assigned');
select is(pg_temp.figures(:'coordinator', :'sends') -> 'total_candidates', 'null', 'of a run that decides nothing there are no candidates');
select is((pg_temp.figures(:'coordinator', :'sends') ->> 'total_dispatched')::integer, 1, 'but pushes');
select is((pg_temp.figures(:'colleague', :'sends') ->> 'total_dispatched')::integer, 0, 'of her own mentors only');

-- Who comes into reach later.
select tests.assigned(:'coordinator', :'of_colleague');
select is((pg_temp.figures(:'coordinator', :'run') ->> 'total_candidates')::integer, 3, 'the figures are of whom she follows up now');

select * from finish();
rollback;
