create or replace function scheduler.create_source_triggers(source regclass, kind text, fold regproc)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'create or replace trigger %I after insert on %s referencing new table as new_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_insert', source, fold);
  execute format(
    'create or replace trigger %I after update on %s referencing old table as old_rows new table as new_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_update', source, fold);
  execute format(
    'create or replace trigger %I after delete on %s referencing old table as old_rows for each statement execute function %s()',
    'scenario_scheduler_' || kind || '_delete', source, fold);
  execute format(
    'create or replace trigger %I after truncate on %s for each statement execute function scheduler.fold_truncate()',
    'scenario_scheduler_' || kind || '_truncate', source);
end;
$$;

comment on function scheduler.create_source_triggers(regclass, text, regproc) is
  'Puts the four statement-level triggers on a tracked table that keep mentor_state current.';
