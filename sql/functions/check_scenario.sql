create or replace function scheduler.check_scenario()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regprocedure(new.detector || '(scheduler.evaluation_scope[], uuid[], boolean)') is null then
    raise exception 'scenario % names a detector that does not exist: %', new.scenario_type, new.detector
      using
        errcode = 'undefined_function',
        hint = 'Create a function (scheduler.evaluation_scope[], uuid[], boolean) returning setof scheduler.occurrence first, and name it with its schema.';
  end if;
  perform scheduler.check_params(new.scenario_type, new.param_kinds, new.default_params);
  return new;
end;
$$;

comment on function scheduler.check_scenario() is
  'Refuses a scenario whose detector does not exist or whose default parameters are invalid.';
