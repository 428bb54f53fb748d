create or replace function scheduler.known_jobs_hint()
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select 'Known jobs: ' || coalesce(string_agg(job.job_name, ', ' order by job.job_name), 'none') || '.'
  from scheduler.jobs as job;
$$;

comment on function scheduler.known_jobs_hint() is
  'The jobs in a sentence, for error messages.';
