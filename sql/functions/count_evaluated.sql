create or replace function scheduler.count_evaluated(scopes scheduler.evaluation_scope[])
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(per_organisation.active_mentors), 0)::integer
  from (
    select max(scope.active_mentors) as active_mentors from unnest(scopes) as scope group by scope.organisation_id
  ) as per_organisation;
$$;

comment on function scheduler.count_evaluated(scheduler.evaluation_scope[]) is
  'How many mentors these scopes look at, each once.';
