create or replace function scheduler.check_params(scenario_type text, kinds jsonb, params jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  whole constant text := '^[0-9]{1,6}$';
  wrong record;
begin
  if jsonb_typeof(params) is distinct from 'object' then
    raise exception 'params of % must be a JSON object, not %', scenario_type, coalesce(params::text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Write {} for the defaults.';
  end if;

  select given.key, given.value, kinds ->> given.key as kind
  into wrong
  from jsonb_each(params) as given
  where not coalesce(
    case kinds ->> given.key
      when 'count' then jsonb_typeof(given.value) = 'number' and given.value::text ~ whole and given.value <> '0'
      when 'count_or_null' then given.value = 'null'
        or (jsonb_typeof(given.value) = 'number' and given.value::text ~ whole and given.value <> '0')
      when 'counts' then jsonb_typeof(given.value) = 'array' and given.value <> '[]' and not exists (
        select from jsonb_array_elements(given.value) as item
        where jsonb_typeof(item) <> 'number' or item::text !~ whole or item = '0'
      )
      when 'days' then jsonb_typeof(given.value) = 'array' and given.value <> '[]' and not exists (
        select from jsonb_array_elements(given.value) as item
        where jsonb_typeof(item) <> 'number' or item::text !~ whole
      )
    end,
    false
  )
  order by given.key
  limit 1;

  if found and wrong.kind is null then
    raise exception '% has no parameter %', scenario_type, wrong.key
      using
        errcode = 'invalid_parameter_value',
        hint = format('Parameters of %s: %s.', scenario_type,
          (select string_agg(name, ', ' order by name) from jsonb_object_keys(kinds) as name));
  elsif found then
    raise exception 'parameter % of % must be %, not %',
      wrong.key, scenario_type,
      case wrong.kind
        when 'count' then 'a whole number of 1 or more'
        when 'count_or_null' then 'a whole number of 1 or more, or null for no limit'
        when 'counts' then 'a list of whole numbers of 1 or more, and not empty'
        else 'a list of whole numbers of 0 or more, and not empty'
      end,
      wrong.value
      using errcode = 'invalid_parameter_value', hint = format('The default is %s.', (
        select registered.default_params -> wrong.key from scheduler.scenarios as registered
        where registered.scenario_type = check_params.scenario_type
      ));
  end if;
end;
$$;

comment on function scheduler.check_params(text, jsonb, jsonb) is
  'Raises an error that names the first parameter that is unknown or has a value of the wrong kind.';
