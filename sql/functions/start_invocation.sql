create or replace function public.start_invocation(
  job_name text,
  invocation_id uuid default null,
  triggered_by text default null,
  scheduled_for timestamptz default null,
  webhook_id text default null,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false
)
returns table (id uuid, started boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run_id pg_catalog.uuid := coalesce(invocation_id, gen_random_uuid());
  ledger_job pg_catalog.text;
  hindrance pg_catalog.text;
begin
  if job_name is null then
    raise exception 'job_name must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Name the job that runs, scenario-evaluation for example.';
  end if;
  if not exists (
    select from scheduler.jobs as known
    where (known.kind = 'edge' and start_invocation.job_name in (known.job_name, known.target))
      -- The one SQL job that the function can run as well.
      or (known.target = 'public.run_certification_expiry' and start_invocation.job_name = known.job_name)
  ) then
    return query
    select
      scheduler.refuse_job(
        job_name => start_invocation.job_name,
        invocation_id => start_invocation.invocation_id,
        triggered_by => start_invocation.triggered_by,
        webhook_id => start_invocation.webhook_id
      ),
      false;
    return;
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  perform scheduler.check_organisations(organisation_ids);

  -- A run that the database asked for has its row already, under the name of its job there.
  ledger_job := coalesce(
    (select requested.job_name from scheduler.invocations as requested where requested.id = run_id),
    start_invocation.job_name
  );
  perform scheduler.abandon_dead_runs(job_name => ledger_job);

  -- Where another request comes in between, a unique key says so, and the next look which.
  for look in 1..3 loop
    -- A request that comes twice, by its own id or the run's, runs once.
    return query
    select repeated.id, false
    from scheduler.invocations as repeated
    where (repeated.id = run_id and repeated.status <> 'requested')
      or (repeated.webhook_id = start_invocation.webhook_id and repeated.id <> run_id)
    limit 1;
    if found then
      return;
    end if;

    hindrance := case
      when exists (
        select from scheduler.invocations as other
        where not start_invocation.dry_run
          and not other.dry_run
          and other.job_name = ledger_job
          and other.scheduled_for = start_invocation.scheduled_for
          and other.retry_of is null
          and other.status <> 'skipped'
          and other.status_reason is distinct from 'not_configured'
          and other.id <> run_id
          and not exists (select from scheduler.invocations as asked where asked.id = run_id)
      ) then 'duplicate_tick'
      when not start_invocation.dry_run and exists (
        select from scheduler.invocations as other
        where other.job_name = ledger_job and other.status = 'running' and not other.dry_run
      ) then 'overlap'
    end;
    begin
      return query
      insert into scheduler.invocations as invocation (
        id, job_name, status, status_reason, triggered_by, scheduled_for, webhook_id, scenarios, organisation_ids, dry_run,
        started_at, heartbeat_at, finished_at, total_active_mentors
      )
      select
        run_id,
        ledger_job,
        case when hindrance is null then 'running' else 'skipped' end,
        hindrance,
        start_invocation.triggered_by,
        start_invocation.scheduled_for,
        start_invocation.webhook_id,
        start_invocation.scenarios,
        start_invocation.organisation_ids,
        start_invocation.dry_run,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is not null then clock_timestamp() end,
        (select coalesce(sum(organisation.active_mentors), 0) from scheduler.organisation_state as organisation)
      on conflict on constraint invocations_pkey do update set
        status = excluded.status,
        status_reason = excluded.status_reason,
        webhook_id = excluded.webhook_id,
        started_at = excluded.started_at,
        heartbeat_at = excluded.heartbeat_at,
        finished_at = excluded.finished_at,
        total_active_mentors = excluded.total_active_mentors
      where invocation.status = 'requested'
      returning invocation.id, invocation.status = 'running';
      if found then
        if start_invocation.dry_run and start_invocation.job_name = 'scenario-evaluation' then
          perform scheduler.preview_evaluation(
            run_id => run_id,
            scenarios => start_invocation.scenarios,
            organisation_ids => start_invocation.organisation_ids
          );
        end if;
        return;
      end if;
    exception
      when unique_violation then
        continue;
    end;
  end loop;
  raise exception 'the run could not be started: others come in between'
    using errcode = 'serialization_failure', hint = 'Try again.';
end;
$$;

comment on function public.start_invocation(text, uuid, text, timestamptz, text, text[], uuid[], boolean) is
  'Opens a run in the ledger, or begins the one that the database asked for. started is false where the same request, by its invocation_id or webhook_id, ran before: its id is returned; and where the ledger says why there is no run: skipped, because one is on or the tick had one, or failed, because there is no such job.';
