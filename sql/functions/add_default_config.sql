create or replace function scheduler.add_default_config()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into scheduler.scenario_config (scenario_type, params)
  values (new.scenario_type, new.default_params)
  on conflict on constraint one_config_per_organisation_and_scenario do nothing;
  return null;
end;
$$;

comment on function scheduler.add_default_config() is
  'Gives a new scenario its default configuration, so that one row registers it.';
