create or replace function scheduler.check_pausable(job_name text, organisation_id uuid)
returns text[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  named text[] := array(
    select job.job_name
    from scheduler.jobs as job
    where check_pausable.job_name in (job.job_name, job.cron_name)
    order by job.job_name
  );
begin
  if job_name is not null and organisation_id is not null then
    raise exception 'either a job or an organisation can be paused, not a job of an organisation'
      using errcode = 'invalid_parameter_value', hint = 'Switch scenarios off for one organisation in scheduler.scenario_config.';
  end if;
  if job_name is not null and named = '{}' then
    raise exception 'unknown job %', quote_literal(job_name)
      using errcode = 'invalid_parameter_value', hint = scheduler.known_jobs_hint();
  end if;
  if organisation_id is not null
    and not exists (select from scheduler.organisation as known where known.organisation_id = check_pausable.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = check_pausable.organisation_id)
  then
    raise exception 'there is no organisation %', organisation_id
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation.';
  end if;
  return case when job_name is null then array[null::text] else named end;
end;
$$;

comment on function scheduler.check_pausable(text, uuid) is
  'Refuses what can''t be paused; else the jobs that are meant, or one null for none in particular.';
