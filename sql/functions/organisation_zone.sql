create or replace function scheduler.organisation_zone(organisation_id uuid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select scheduler.usable_timezone(array[
    (
      select described.timezone
      from scheduler.organisation as described
      where described.organisation_id = organisation_zone.organisation_id
      limit 1
    ),
    (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
  ]);
$$;

comment on function scheduler.organisation_zone(uuid) is
  'The time zone of an organisation; where it has none that can be used, the default one.';
