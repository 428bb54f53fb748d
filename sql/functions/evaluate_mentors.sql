create or replace function public.evaluate_mentors(
  user_ids uuid[],
  dry_run boolean default true,
  scenarios text[] default null
)
returns scheduler.batch_evaluation
language plpgsql
security definer
set search_path = ''
as $$
declare
  reach constant pg_catalog.uuid[] := scheduler.mentors_of_caller();
  began constant pg_catalog.timestamptz := clock_timestamp();
  unknown_place bigint;
  concerned pg_catalog.uuid[];
  result scheduler.batch_evaluation;
begin
  perform scheduler.require_staff();
  if coalesce(cardinality(user_ids), 0) not between 1 and 1000 then
    raise exception 'user_ids must be 1 to 1000 ids, not %', coalesce(cardinality(user_ids)::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', column = 'user_ids', hint = 'Ask in several batches.';
  end if;
  if not dry_run then
    perform scheduler.check_staff_job('scenario-evaluation');
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  if scenarios = '{}' then
    raise exception 'scenarios must name one at least'
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = 'Leave it out for all.';
  end if;
  -- Others' mentors are told from nobody by nothing.
  select asked.place - 1 into unknown_place
  from unnest(user_ids) with ordinality as asked (user_id, place)
  left join unnest(reach) as reached (user_id) on reached.user_id = asked.user_id
  where reached.user_id is null
  order by asked.place
  limit 1;
  if found then
    raise exception 'user_ids[%] is no mentor in your reach', unknown_place
      using errcode = 'invalid_parameter_value', column = 'user_ids/' || unknown_place, hint = 'Take it out; nothing was evaluated.';
  end if;

  select coalesce(array_agg(distinct state.organisation_id), '{}'), count(*) filter (where state.active)
  into concerned, result.evaluated
  from scheduler.mentor_state as state
  where state.user_id = any (user_ids);
  if not dry_run then
    result.invocation_id := gen_random_uuid();
    insert into scheduler.invocations (
      id, job_name, status, triggered_by, organisation_ids, scenarios, requested_by, requested_at, started_at, finished_at
    )
    values (
      result.invocation_id, 'scenario-evaluation', 'completed', 'api', concerned, evaluate_mentors.scenarios,
      auth.uid(), began, began, began
    );
  end if;
  select coalesce(jsonb_agg(to_jsonb(candidate) - 'data' order by candidate.user_id, candidate.scenario_type), '[]')
  into result.candidates
  from public.run_scenario_evaluation(
    scenarios => evaluate_mentors.scenarios,
    user_ids => evaluate_mentors.user_ids,
    dry_run => evaluate_mentors.dry_run,
    invocation_id => result.invocation_id
  ) as candidate;
  update scheduler.invocations as run set finished_at = clock_timestamp() where run.id = result.invocation_id;
  return result;
end;
$$;

comment on function public.evaluate_mentors(uuid[], boolean, text[]) is
  'Evaluates given mentors in the caller''s reach now: which of them would get a push, or, with dry_run => false, do. For staff.';
