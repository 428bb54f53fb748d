create or replace function scheduler.check_staff_job(job_name text)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  job scheduler.jobs;
begin
  select known.* into job from scheduler.jobs as known
  where known.job_name = check_staff_job.job_name and known.kind = 'edge' and known.staff_may_start;
  if job.job_name is null then
    raise exception 'there is no job that staff may start with the name %', coalesce(quote_literal(check_staff_job.job_name), 'null')
      using
        errcode = 'invalid_parameter_value',
        column = 'job_name',
        hint = 'Give one of: ' || coalesce((
          select string_agg(known.job_name, ', ' order by known.job_name)
          from scheduler.jobs as known
          where known.kind = 'edge' and known.staff_may_start
        ), '(there is none)') || '.';
  end if;
  if not job.enabled or scheduler.is_paused(job.job_name) then
    raise exception 'the job % is %', job.job_name, case when job.enabled then 'paused' else 'switched off' end
      using errcode = 'object_not_in_prerequisite_state', hint = 'Ask whoever operates the scheduler.';
  end if;
end;
$$;

comment on function scheduler.check_staff_job(text) is
  'Refuses a job that staff may not start, or that nobody may just now.';
