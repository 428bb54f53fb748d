create or replace function scheduler.usable_timezone(zones text[])
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  zone text;
begin
  foreach zone in array zones loop
    begin
      if pg_catalog.timezone(zone, now()) is not null then
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
