-- What a plain PostgreSQL lacks of pg_cron 1.6: the jobs, their runs and the
-- functions that schedule. scripts/cron_worker.ts runs the jobs. Run by the
-- superuser, after supabase.sql. Same names and signatures, nothing more; of the
-- schedules only those of five fields, which every version takes.

create schema cron;

create sequence cron.jobid_seq;

create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default inet_server_port(),
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);

alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create sequence cron.runid_seq;

create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);

alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details
  using (username = current_user);

create function cron._check_schedule(schedule text) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  if schedule !~* '^\s*([0-9a-z*,/-]+\s+){4}[0-9a-z*,/-]+\s*$' then
    raise exception 'invalid schedule: %', schedule using errcode = 'invalid_parameter_value';
  end if;
end;
$$;

-- The real functions write as the superuser, for the role that calls. A security
-- definer can't see who calls, so these three are told.

create function cron._schedule(caller name, job_name text, schedule text, command text)
returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  scheduled bigint;
begin
  perform cron._check_schedule(_schedule.schedule);
  insert into cron.job (schedule, command, nodeport, username, jobname)
  values (
    _schedule.schedule,
    _schedule.command,
    current_setting('port')::integer,
    _schedule.caller,
    _schedule.job_name
  )
  on conflict on constraint jobname_username_uniq do update
    set schedule = excluded.schedule, command = excluded.command, database = excluded.database
  returning jobid into scheduled;
  return scheduled;
end;
$$;

create function cron._unschedule(caller name, job_id bigint) returns boolean
language plpgsql security definer set search_path = ''
as $$
declare
  owner name := (select job.username from cron.job where job.jobid = job_id);
begin
  if owner is null then
    raise exception 'could not find valid entry for job %', job_id using errcode = 'internal_error';
  end if;
  if owner <> caller and not has_table_privilege(caller, 'cron.job', 'delete') then
    raise exception 'permission denied for table job' using errcode = 'insufficient_privilege';
  end if;
  delete from cron.job where job.jobid = job_id;
  return true;
end;
$$;

create function cron._alter_job(
  caller name,
  job_id bigint,
  schedule text,
  command text,
  database text,
  username text,
  active boolean
) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  is_superuser constant boolean := (
    select role.rolsuper from pg_catalog.pg_roles role where role.rolname = _alter_job.caller
  );
begin
  if _alter_job.username is not null and not is_superuser then
    raise exception 'must be superuser to alter username' using errcode = 'internal_error';
  end if;
  if num_nonnulls(schedule, command, database, username, active) = 0 then
    raise exception 'no updates specified' using
      errcode = 'internal_error',
      hint = 'You must specify at least one job attribute to change when calling alter_job';
  end if;
  perform cron._check_schedule(_alter_job.schedule);
  update cron.job
  set
    schedule = coalesce(_alter_job.schedule, job.schedule),
    command = coalesce(_alter_job.command, job.command),
    database = coalesce(_alter_job.database, job.database),
    username = coalesce(_alter_job.username, job.username),
    active = coalesce(_alter_job.active, job.active)
  where job.jobid = _alter_job.job_id and (is_superuser or job.username = _alter_job.caller);
  if not found then
    raise exception 'Job % does not exist or you don''t own it', job_id
      using errcode = 'internal_error';
  end if;
end;
$$;

create function cron.schedule(schedule text, command text) returns bigint
language sql strict set search_path = ''
as $$
  select cron._schedule(
    caller => current_user, job_name => null, schedule => schedule, command => command
  );
$$;

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language plpgsql set search_path = ''
as $$
begin
  if job_name is null then
    raise exception 'job_name can not be NULL' using errcode = 'internal_error';
  end if;
  return cron._schedule(
    caller => current_user, job_name => job_name, schedule => schedule, command => command
  );
end;
$$;

create function cron.unschedule(job_id bigint) returns boolean
language sql strict set search_path = ''
as $$
  select cron._unschedule(caller => current_user, job_id => job_id);
$$;

create function cron.unschedule(job_name text) returns boolean
language plpgsql strict set search_path = ''
as $$
declare
  named constant bigint := (
    select job.jobid from cron.job where job.jobname = job_name and job.username = current_user
  );
begin
  if named is null then
    raise exception 'could not find valid entry for job ''%''', job_name
      using errcode = 'internal_error';
  end if;
  return cron._unschedule(caller => current_user, job_id => named);
end;
$$;

create function cron.alter_job(
  job_id bigint,
  schedule text default null,
  command text default null,
  database text default null,
  username text default null,
  active boolean default null
) returns void
language sql set search_path = ''
as $$
  select cron._alter_job(
    caller => current_user,
    job_id => job_id,
    schedule => schedule,
    command => command,
    database => database,
    username => username,
    active => active
  );
$$;

revoke execute on function cron.alter_job from public;

grant select on cron.job to public;
grant select, delete on cron.job_run_details to public;
grant select on all sequences in schema cron to public;

grant usage on schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
grant all on all sequences in schema cron to postgres with grant option;
grant execute on all functions in schema cron to postgres with grant option;
