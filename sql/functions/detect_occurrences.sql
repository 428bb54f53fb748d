create or replace function scheduler.detect_occurrences(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language plpgsql
stable
rows 10000
set search_path = pg_catalog, pg_temp
as $$
declare
  scenario record;
begin
  for scenario in
    select registered.scenario_type, to_regprocedure(registered.detector || '(scheduler.evaluation_scope[], uuid[], boolean)')::regproc as detector
    from scheduler.scenarios as registered
    where registered.scenario_type in (select scope.scenario_type from unnest(scopes) as scope)
    order by registered.scenario_type
  loop
    return query execute format('select found.* from %s($1, $2, $3) as found', scenario.detector)
    using
      array(select scope from unnest(scopes) as scope where scope.scenario_type = scenario.scenario_type),
      user_ids,
      explaining;
  end loop;
end;
$$;

comment on function scheduler.detect_occurrences(scheduler.evaluation_scope[], uuid[], boolean) is
  'Runs the detector of each scenario in scope. When explaining, also what is not due.';
