create or replace function scheduler.is_paused(job_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from scheduler.pauses as open
    where open.resumed_at is null
      and open.organisation_id is null
      and coalesce(open.job_name, is_paused.job_name) = is_paused.job_name
  );
$$;

comment on function scheduler.is_paused(text) is
  'Whether a job is paused, or everything.';
