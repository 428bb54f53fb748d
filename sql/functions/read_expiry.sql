create or replace function scheduler.read_expiry(said text, zone text)
returns date
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A day as such, or midnight somewhere as a moment.
  if said ~ '^[1-9]\d{3}-\d\d-\d\d$' then
    return said::date;
  end if;
  return (scheduler.read_moment(said) at time zone zone)::date;
exception
  when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
    return null;
end;
$$;

comment on function scheduler.read_expiry(text, text) is
  'The day on which a certification expires, as a portal writes it; null where it is none.';
