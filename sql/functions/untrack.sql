create or replace function scheduler.untrack(source regclass)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
begin
  for tracked in
    delete from scheduler.tracked_sources as gone where gone.source = untrack.source returning gone.*
  loop
    perform scheduler.drop_source_triggers(tracked.source, tracked.kind);
    perform scheduler.refresh_source_views();
    if tracked.kind = 'activity' then
      execute format('drop function if exists scheduler.%I()', 'fold_source_' || tracked.id);
    end if;
  end loop;
  if not found then
    raise exception '% is not tracked', source
      using
        errcode = 'undefined_object',
        hint = 'Tracked: ' || coalesce((select string_agg(t.source::text, ', ' order by t.id) from scheduler.tracked_sources as t), 'nothing') || '.';
  end if;
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.untrack(regclass) is
  'Stops tracking a table, as roster or activity, and takes what it contributed out of the state.';
