create or replace function scheduler.check_scenario_config()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  scenario scheduler.scenarios;
begin
  select registered.* into scenario
  from scheduler.scenarios as registered
  where registered.scenario_type = new.scenario_type;
  if not found then
    raise exception 'unknown scenario %', coalesce(quote_literal(new.scenario_type), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = scheduler.known_scenarios_hint();
  end if;

  perform scheduler.check_params(
    scenario_type => new.scenario_type, kinds => scenario.param_kinds, params => new.params
  );
  new.cooldown_days := coalesce(new.cooldown_days, scenario.default_cooldown_days);
  new.priority := coalesce(new.priority, scenario.default_priority);
  new.ttl_hours := coalesce(new.ttl_hours, scenario.default_ttl_hours);
  return new;
end;
$$;

comment on function scheduler.check_scenario_config() is
  'Refuses parameters of the wrong kind when a configuration is written, and fills what it leaves out from the scenario.';
