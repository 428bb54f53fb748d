create or replace function scheduler.foresee_evaluation(scenarios text[], organisation_ids uuid[])
returns table (evaluated integer, suppressed integer)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  scopes scheduler.evaluation_scope[] := array(
    select scope
    from scheduler.evaluation_scopes(
      scenarios => foresee_evaluation.scenarios,
      as_of => now(),
      organisation_ids => foresee_evaluation.organisation_ids,
      user_ids => null
    ) as scope
  );
begin
  return query
  select
    scheduler.count_evaluated(scopes),
    (
      select count(*)::integer
      from scheduler.judge_occurrences(as_of => now(), scopes => scopes, user_ids => null, explaining => false) as verdict
      where verdict.due and verdict.reason is not null
    ) + (
      select coalesce(sum(resting.mentors), 0)::integer from scheduler.count_resting_mentors(scopes) as resting
    );
end;
$$;

comment on function scheduler.foresee_evaluation(text[], uuid[]) is
  'How many mentors an evaluation would look at now, and how many pushes it would hold back. Writes nothing.';
