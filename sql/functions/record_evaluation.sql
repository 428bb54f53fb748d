create or replace function scheduler.record_evaluation(
  run_id uuid,
  started timestamptz,
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  queued_by_config jsonb,
  queued_by_scenario jsonb,
  suppressed_by_reason jsonb,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  is_of_some_mentors boolean default false
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  active integer;
  evaluated integer := scheduler.count_evaluated(scopes);
  candidates integer := (select coalesce(sum(q.value::integer), 0) from jsonb_each_text(queued_by_scenario) as q);
  suppressed integer := (
    select coalesce(sum(reason.value::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
  );
  repeated integer := (
    select coalesce(sum((scenario.value ->> 'already_evaluated')::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario
  );
begin
  select coalesce(sum(o.active_mentors), 0) into active from scheduler.organisation_state as o;
  -- A few mentors are no evaluation of the scenario.
  update scheduler.scenario_config as config
  set
    last_evaluated_at = started,
    last_evaluated_count = covered.mentors,
    last_candidate_count = coalesce((queued_by_config ->> config.id::text)::integer, 0)
  from (
    select scope.config_id, sum(scope.active_mentors) as mentors from unnest(scopes) as scope group by scope.config_id
  ) as covered
  where not is_of_some_mentors
    and config.id = covered.config_id
    -- A row that an operator is just editing goes without: the ledger has the figures too.
    and config.id in (
      select free.id
      from scheduler.scenario_config as free
      where free.id in (select scope.config_id from unnest(scopes) as scope)
      for update skip locked
    );

  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, scenarios, organisation_ids, as_of, started_at, finished_at,
    total_active_mentors, total_evaluated, total_candidates, total_suppressed, suppressed
  )
  values (
    run_id, 'scenario-evaluation', 'completed', session_user, record_evaluation.scenarios,
    -- So that it is no other organisation's run.
    case when is_of_some_mentors
      then array(select distinct scope.organisation_id from unnest(scopes) as scope order by scope.organisation_id)
      else record_evaluation.organisation_ids
    end,
    as_of, started, clock_timestamp(),
    active, evaluated, candidates, suppressed, suppressed_by_reason
  )
  on conflict (id) do update set
    as_of = excluded.as_of,
    total_active_mentors = excluded.total_active_mentors,
    total_evaluated = excluded.total_evaluated,
    total_candidates = coalesce(invocation.total_candidates, 0) + excluded.total_candidates,
    total_suppressed = excluded.total_suppressed,
    suppressed = excluded.suppressed;

  if repeated > 0 then
    raise warning '% occurrences are due again on a day for which they have a notification already; nothing was written for them', repeated;
  end if;
  raise notice '% of % active mentors evaluated: % candidates%, % suppressed%',
    evaluated, active,
    candidates,
    coalesce((select ' (' || string_agg(q.key || ' ' || q.value, ', ' order by q.key) || ')' from jsonb_each_text(queued_by_scenario) as q), ''),
    suppressed,
    coalesce((
      select ' (' || string_agg(format('%s %s %s', scenario.key, reason.key, reason.value), ', ' order by scenario.key, reason.key) || ')'
      from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
    ), '');
end;
$$;

comment on function scheduler.record_evaluation(uuid, timestamptz, timestamptz, scheduler.evaluation_scope[], jsonb, jsonb, jsonb, text[], uuid[], boolean) is
  'Writes what an evaluation found to the ledger and to scenario_config, and says it in a line.';
