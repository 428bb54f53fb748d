create or replace function scheduler.abandon_dead_runs(job_name text default null, at timestamptz default now())
returns setof uuid
language sql
set search_path = pg_catalog, pg_temp
as $$
  update scheduler.invocations as dead
  set
    status = 'abandoned',
    finished_at = at,
    error_type = 'timeout_error',
    error_message = 'no sign of life since ' || to_char(coalesce(dead.heartbeat_at, dead.started_at) at time zone 'UTC', 'HH24:MI:SS') || ' UTC: the function was killed or stalled'
  where dead.id in (
    select silent.id
    from scheduler.invocations as silent
    where silent.status = 'running'
      and coalesce(silent.heartbeat_at, silent.started_at) < at - scheduler.heartbeat_limit()
      and (abandon_dead_runs.job_name is null or silent.job_name = abandon_dead_runs.job_name)
    for update skip locked
  )
  returning dead.id;
$$;

comment on function scheduler.abandon_dead_runs(text, timestamptz) is
  'Gives up runs without a sign of life, so that the next one may begin. One that lives after all ends as it will.';
