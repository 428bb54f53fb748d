create or replace function scheduler.check_template()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  known text[] := (
    select scenario.placeholders from scheduler.scenarios as scenario
    where scenario.scenario_type = new.scenario_type
  );
  rest text := new.title || E'\n' || new.body;
  placeholder text;
begin
  if known is null then
    return new; -- the foreign key names the unknown scenario
  end if;

  foreach placeholder in array known loop
    rest := replace(rest, '{{' || placeholder || '}}', '');
  end loop;

  if rest ~ '[{}]' then
    raise exception 'the template for % in % has an unknown placeholder: %',
      new.scenario_type, new.locale, coalesce(substring(rest from '\{[^{}]*\{?[^{}]*\}*'), substring(rest from '[{}]+'))
      using
        errcode = 'invalid_parameter_value',
        hint = case
          when cardinality(known) = 0 then 'This scenario has no placeholders.'
          else format('Placeholders of this scenario: {{%s}}.', array_to_string(known, '}}, {{'))
        end;
  end if;
  return new;
end;
$$;

comment on function scheduler.check_template() is
  'Refuses a template that mentions anything but the placeholders of its scenario.';
