create or replace function scheduler.is_waiting(job_name text, scheduled_for timestamptz, at timestamptz default now())
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from scheduler.jobs as job
    join scheduler.jobs as first on first.job_name = job.waits_for and first.enabled and first.schedule is not null
    where job.job_name = is_waiting.job_name
      -- Without it nobody would start it later.
      and job.catch_up is not null
      and is_waiting.at < is_waiting.scheduled_for + interval '1 hour'
      and not scheduler.is_paused(first.job_name)
      -- One that never does anything is not waited for.
      and exists (
        select from scheduler.invocations as useful
        where useful.job_name = first.job_name
          and useful.requested_at > is_waiting.at - interval '7 days'
          and useful.pages_processed > 0
      )
      and (
        first.last_tick_for < is_waiting.scheduled_for
        or exists (
          select from scheduler.invocations as run
          where run.job_name = first.job_name
            and run.requested_at > is_waiting.at - interval '1 hour'
            and (
              run.status in ('requested', 'running')
              -- Or about to be begun again.
              or (
                (run.status = 'partial' or (
                  run.status in ('failed', 'abandoned')
                  and run.started_at is not null
                  and run.scheduled_for is not null
                  and scheduler.wait_before_asking(run.attempt, first.catch_up) = interval '0'
                ))
                and not exists (select from scheduler.invocations as following where following.retry_of = run.id)
              )
            )
        )
      )
  );
$$;

comment on function scheduler.is_waiting(text, timestamptz, timestamptz) is
  'Whether a job''s tick is to wait for another job''s of the same time: an hour at most, and only where that one does something.';
