create or replace function scheduler.refresh_sources()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  tracked scheduler.tracked_sources;
begin
  for tracked in
    select t.* from scheduler.tracked_sources as t where t.source in (select c.oid from pg_class as c) order by t.id
  loop
    if tracked.kind = 'activity' then
      perform scheduler.create_source_fold(tracked.id);
    else
      perform scheduler.create_source_triggers(source => tracked.source, kind => 'roster', fold => 'scheduler.fold_roster');
    end if;
  end loop;
  perform scheduler.refresh_source_views();
end;
$$;

comment on function scheduler.refresh_sources() is
  'Writes everything anew that tracking generated: triggers, their functions, and the views. Every migration of functions ends with it.';
