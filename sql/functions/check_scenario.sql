create or replace function scheduler.check_scenario()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from pg_proc as p
    where p.oid = to_regprocedure(new.detector || '(scheduler.evaluation_scope[], uuid[], boolean)')
      and p.prorettype = 'scheduler.occurrence'::regtype
      and p.proretset
  ) then
    raise exception 'scenario % names a detector that does not exist: %', new.scenario_type, new.detector
      using
        errcode = 'undefined_function',
        hint = 'Create a function (scheduler.evaluation_scope[], uuid[], boolean) returning setof scheduler.occurrence first, and name it with its schema.';
  end if;
  perform scheduler.check_params(
    scenario_type => new.scenario_type, kinds => new.param_kinds, params => new.default_params
  );
  return new;
end;
$$;

comment on function scheduler.check_scenario() is
  'Refuses a scenario whose detector does not exist or whose default parameters are invalid.';
