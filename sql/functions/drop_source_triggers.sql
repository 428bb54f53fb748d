create or replace function scheduler.drop_source_triggers(source regclass, kind text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  event text;
begin
  if not exists (select from pg_catalog.pg_class as c where c.oid = source) then
    return; -- dropped, and its triggers with it
  end if;
  foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
    execute format('drop trigger if exists %I on %s', 'scenario_scheduler_' || kind || '_' || event, source);
  end loop;
end;
$$;

comment on function scheduler.drop_source_triggers(regclass, text) is
  'Takes the triggers of a tracked table away again.';
