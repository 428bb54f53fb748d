create or replace function scheduler.check_source_columns(source regclass, wanted jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  wrong record;
begin
  if source is null then
    raise exception 'no table given to track'
      using errcode = 'null_value_not_allowed', hint = 'Name it with its schema, like ''public.activities''.';
  end if;
  if (select c.relkind not in ('r', 'p') from pg_catalog.pg_class as c where c.oid = source) then
    raise exception '% is not a table', source
      using errcode = 'wrong_object_type', hint = 'Triggers keep the state current, so only ordinary and partitioned tables can be tracked.';
  end if;

  select column_.key as name, column_.value as types, a.atttypid::regtype::text as actual, a.attname is not null as present
  into wrong
  from jsonb_each(wanted) as column_
  left join pg_catalog.pg_attribute as a
    on a.attrelid = source and a.attname = column_.key and a.attnum > 0 and not a.attisdropped
  where a.attname is null or not column_.value ? a.atttypid::regtype::text
  order by column_.key
  limit 1;

  if found and not wrong.present then
    raise exception 'column % of % does not exist', quote_ident(wrong.name), source
      using
        errcode = 'undefined_column',
        hint = format('Columns of %s: %s.', source, (
          select string_agg(a.attname, ', ' order by a.attnum) from pg_catalog.pg_attribute as a
          where a.attrelid = source and a.attnum > 0 and not a.attisdropped
        ));
  elsif found then
    raise exception 'column % of % is of type %, which can''t be tracked here', quote_ident(wrong.name), source, wrong.actual
      using
        errcode = 'datatype_mismatch',
        hint = case
          when wrong.actual = 'timestamp with time zone' then format(
            'A moment has no date without a zone. Add one that says which: alter table %s add column %I date generated always as ((%I at time zone ''Europe/Oslo'')::date) stored;',
            source, wrong.name || '_date', wrong.name)
          else format('It must be %s.', (select string_agg(t, ' or ') from jsonb_array_elements_text(wrong.types) as t))
        end;
  end if;
end;
$$;

comment on function scheduler.check_source_columns(regclass, jsonb) is
  'Raises an error that names the first column that a tracked table lacks or has with another type.';
