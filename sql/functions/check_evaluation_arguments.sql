create or replace function scheduler.check_evaluation_arguments(scenarios text[], as_of timestamptz, dry_run boolean)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
begin
  if as_of is null or not isfinite(as_of) then
    raise exception 'as_of must be a moment, not %', coalesce(as_of::text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Leave it out for now, or give one like ''2026-03-01 06:00+00''.';
  end if;
  if dry_run is null then
    raise exception 'dry_run must be true or false, not null'
      using errcode = 'null_value_not_allowed', column = 'dry_run', hint = 'Leave it out to write candidates, or give true to only look.';
  end if;

  select coalesce(quote_literal(wanted.name), 'null') into unknown
  from unnest(scenarios) as wanted (name)
  where not exists (select from scheduler.scenarios as scenario where scenario.scenario_type = wanted.name)
  limit 1;
  if found then
    raise exception 'unknown scenario %', unknown
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = scheduler.known_scenarios_hint();
  end if;
end;
$$;

comment on function scheduler.check_evaluation_arguments(text[], timestamptz, boolean) is
  'Raises an error that names the argument of an evaluation that can''t be used.';
