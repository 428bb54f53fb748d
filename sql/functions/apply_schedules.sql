create or replace function scheduler.apply_schedules()
returns table (cron_name text, schedule text, active boolean, change text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  entry record;
begin
  select job.cron_name, string_agg(distinct job.job_name || ' ' || quote_literal(job.schedule), ', ') as schedules into entry
  from scheduler.jobs as job
  where job.cron_name is not null
  group by job.cron_name
  having count(distinct job.schedule) > 1
  limit 1;
  if found then
    raise exception 'the jobs of % have several schedules: %', entry.cron_name, entry.schedules
      using errcode = 'invalid_parameter_value', hint = 'Change them in one statement, or give one of them a cron_name of its own.';
  end if;
  if to_regclass('cron.job') is null then
    raise warning 'pg_cron is not enabled: nothing runs by itself'
      using hint = 'create extension pg_cron; select scheduler.apply_schedules();';
    return;
  end if;

  for entry in
    with wanted as (
      select
        job.cron_name,
        min(job.schedule) as schedule,
        -- The entry of every minute looks after the others' requests, whatever is paused.
        bool_or(job.target = 'dispatch-backlog' or not scheduler.is_paused(job.job_name)) as active
      from scheduler.jobs as job
      where job.cron_name is not null
      group by job.cron_name
    )
    select
      coalesce(wanted.cron_name, present.jobname) as cron_name,
      coalesce(wanted.schedule, present.schedule) as schedule,
      coalesce(wanted.active, false) as active,
      present.jobid,
      case
        when wanted.cron_name is null then 'removed'
        when present.jobid is null then 'scheduled'
        when not present.ours then 'taken'
        when present.schedule <> wanted.schedule or present.active <> wanted.active then 'changed'
        else 'unchanged'
      end as change
    from wanted
    full join scheduler.cron_entries() as present on present.jobname = wanted.cron_name
    where wanted.cron_name is not null or present.ours
    order by 1
  loop
    case entry.change
      when 'removed' then
        perform cron.unschedule(entry.jobid);
      when 'scheduled' then
        entry.jobid := cron.schedule(entry.cron_name, entry.schedule, format('select scheduler.tick(%L)', entry.cron_name));
        if not entry.active then
          perform cron.alter_job(job_id => entry.jobid, active => false);
        end if;
      when 'changed' then
        perform cron.alter_job(job_id => entry.jobid, schedule => entry.schedule, active => entry.active);
      when 'taken' then
        raise warning 'pg_cron has an entry named % that is not of this project: it is left as it is', quote_literal(entry.cron_name)
          using hint = 'Give the job another cron_name in scheduler.jobs, or take that entry away.';
      else
        null;
    end case;
    return query select entry.cron_name, entry.schedule, entry.active, entry.change;
  end loop;
end;
$$;

comment on function scheduler.apply_schedules() is
  'Makes pg_cron''s entries what scheduler.jobs and the pauses say, touching no others, and says what it changed. Can be repeated; runs by itself when a job changes.';
