create or replace function scheduler.check_condition(source regclass, condition text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('select from %s as recorded where (%s) limit 0', source, condition);
  -- Refuses what is a condition only because of the brackets around it.
  execute format('select case when %s then 1 end from %s as recorded limit 0', condition, source);
exception
  when others then
    raise exception 'the condition on % is not valid: %', source, condition
      using
        errcode = sqlstate,
        detail = sqlerrm,
        hint = 'It must be an SQL condition on the columns of one row, with functions of your own named with their schema.';
end;
$$;

comment on function scheduler.check_condition(regclass, text) is
  'Raises an error that shows the condition when it is not one that can be put to a row of the table.';
