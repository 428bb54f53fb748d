create or replace function scheduler.usable_timezone(zones text[])
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  zone text;
begin
  foreach zone in array zones loop
    begin
      -- PostgreSQL also takes rules like Foo7 and abbreviations like CEST. A name
      -- with a slash and no digit can be neither; others are looked up in the list.
      if timezone(zone, now()) is not null
        and (
          zone ~ '^[A-Za-z]+(/[A-Za-z_-]+)+$'
          or zone = 'UTC'
          or exists (select from pg_timezone_names as known where known.name = zone)
        )
      then
        return zone;
      end if;
    exception
      when invalid_parameter_value then
        null; -- not a zone: the next one in the list stands in
    end;
  end loop;
  return 'Europe/Oslo';
end;
$$;

comment on function scheduler.usable_timezone(text[]) is
  'The first of the names that PostgreSQL knows as a time zone; Europe/Oslo where there is none.';
