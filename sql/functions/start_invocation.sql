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
  unknown_place bigint;
begin
  if job_name is null then
    raise exception 'job_name must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Name the job that runs, scenario-evaluation for example.';
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  select asked.place into unknown_place
  from unnest(organisation_ids) with ordinality as asked (organisation_id, place)
  where not exists (select from scheduler.organisation as known where known.organisation_id = asked.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = asked.organisation_id)
  limit 1;
  if found then
    raise exception 'organisation_ids[%] is no organisation', unknown_place - 1
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation, or leave organisation_ids out for all.';
  end if;

  -- A request that comes twice, by its own id or the run's, runs once.
  return query
  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, scheduled_for, webhook_id, dry_run, started_at,
    total_active_mentors, total_evaluated, total_suppressed
  )
  select
    coalesce(start_invocation.invocation_id, gen_random_uuid()),
    start_invocation.job_name,
    'running',
    start_invocation.triggered_by,
    start_invocation.scheduled_for,
    start_invocation.webhook_id,
    start_invocation.dry_run,
    clock_timestamp(),
    (select coalesce(sum(organisation.active_mentors), 0) from scheduler.organisation_state as organisation),
    foreseen.evaluated,
    foreseen.suppressed
  from (select) as one
  left join lateral (
    select evaluation.*
    from scheduler.foresee_evaluation(
      scenarios => start_invocation.scenarios, organisation_ids => start_invocation.organisation_ids
    ) as evaluation
    where start_invocation.dry_run and start_invocation.job_name = 'scenario-evaluation'
  ) as foreseen on true
  on conflict do nothing
  returning invocation.id, true;
  if found then
    return;
  end if;

  return query
  select invocation.id, false
  from scheduler.invocations as invocation
  where invocation.id = start_invocation.invocation_id or invocation.webhook_id = start_invocation.webhook_id
  order by invocation.started_at desc
  limit 1;
end;
$$;

comment on function public.start_invocation(text, uuid, text, timestamptz, text, text[], uuid[], boolean) is
  'Opens a run in the ledger. started is false where the same request, by its invocation_id or webhook_id, ran before: its id is returned.';
