create or replace function scheduler.check_condition(source regclass, condition text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('select from %s as recorded where (%s) limit 0', source, condition);
  -- Refuses what is a condition only because of the brackets around it.
  execute format('select case when %s then 1 end from %s as recorded limit 0', condition, source);
  -- Rows are looked at when they are written, so the condition may depend on the
  -- row alone, not on the day or on other tables. An index asks the same.
  execute format('create temporary table scenario_scheduler_probe (like %s)', source);
  execute format('create index on pg_temp.scenario_scheduler_probe ((1)) where (%s)', condition);
  execute 'drop table pg_temp.scenario_scheduler_probe';
exception
  when others then
    raise exception 'the condition on % is not valid: %', source, condition
      using
        errcode = sqlstate,
        detail = sqlerrm,
        hint = 'It must be an SQL condition on the columns of one row, with immutable functions only, and your own named with their schema. What depends on the day or on other tables needs a column that is kept up to date.';
end;
$$;

comment on function scheduler.check_condition(regclass, text) is
  'Raises an error that shows the condition when it is not one that can be put to a row of the table.';
