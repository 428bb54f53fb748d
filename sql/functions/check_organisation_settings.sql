create or replace function scheduler.check_organisation_settings()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.organisation_id is not null and (new.timezone is not null or new.locale is not null) then
    raise exception 'timezone and locale can only be set in the default settings, not for organisation %', new.organisation_id
      using errcode = 'invalid_parameter_value', hint = 'Those of an organisation come from the view scheduler.organisation.';
  end if;
  if new.timezone is not null and scheduler.usable_timezone(array[new.timezone]) <> new.timezone then
    raise exception 'unknown time zone %', quote_literal(new.timezone)
      using errcode = 'invalid_parameter_value', hint = 'Use a name from pg_timezone_names, like Europe/Oslo.';
  end if;
  return new;
end;
$$;

comment on function scheduler.check_organisation_settings() is
  'Refuses settings with a time zone that does not exist, or with a zone or locale where they do not belong.';
