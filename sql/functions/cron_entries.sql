create or replace function scheduler.cron_entries()
returns table (jobid bigint, jobname text, schedule text, command text, active boolean, ours boolean)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('cron.job') is null then
    return;
  end if;
  return query
  select
    entry.jobid, entry.jobname::text, entry.schedule::text, entry.command::text, entry.active,
    entry.command = format('select scheduler.tick(%L)', entry.jobname) and entry.database = current_database()
  from cron.job as entry
  -- Those of other databases too: pg_cron knows a name once for each role.
  where entry.username = current_user;
end;
$$;

comment on function scheduler.cron_entries() is
  'pg_cron''s entries of this role; ours: made by apply_schedules in this database. None where pg_cron is missing.';
