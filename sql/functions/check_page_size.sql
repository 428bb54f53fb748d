create or replace function scheduler.check_page_size(page_size integer)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if page_size is null or page_size not between 1 and 200 then
    raise exception 'page_size must be between 1 and 200, not %', coalesce(page_size::text, 'null')
      using errcode = 'invalid_parameter_value', column = 'page_size', hint = 'Leave it out for 50.';
  end if;
end;
$$;

comment on function scheduler.check_page_size(integer) is
  'Refuses pages that are too large or hold nothing.';
