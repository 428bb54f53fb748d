create or replace function scheduler.known_scenarios_hint()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'Known scenarios: ' || string_agg(scenario.scenario_type, ', ' order by scenario.scenario_type) || '.'
  from scheduler.scenarios as scenario;
$$;

comment on function scheduler.known_scenarios_hint() is 'The registered scenarios in a sentence, for error messages.';
