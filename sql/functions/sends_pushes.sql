create or replace function scheduler.sends_pushes(job_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from scheduler.jobs as job
    where job.job_name = sends_pushes.job_name and job.target not in ('scenario-evaluation', 'dispatch-backlog')
  );
$$;

comment on function scheduler.sends_pushes(text) is
  'Whether a job takes pushes from the outbox, page by page.';
