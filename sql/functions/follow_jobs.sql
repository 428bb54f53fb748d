create or replace function scheduler.follow_jobs()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform scheduler.apply_schedules();
  return null;
end;
$$;

comment on function scheduler.follow_jobs() is
  'Keeps pg_cron''s entries as the jobs and the pauses are.';
