create or replace function public.explain_scenario_evaluation(
  user_id uuid,
  as_of timestamptz default now()
)
returns table (scenario_type text, due boolean, decision text, reason text, explanation text, facts jsonb)
language plpgsql
stable
security definer
set search_path = ''
set datestyle = 'ISO'
set jit = off
as $$
#variable_conflict use_column
declare
  mentor scheduler.mentor_state;
  scopes scheduler.evaluation_scope[];
  out_of_scope pg_catalog.text;
begin
  perform scheduler.check_evaluation_arguments(scenarios => null, as_of => as_of, dry_run => false);
  if explain_scenario_evaluation.user_id is null then
    raise exception 'user_id must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Give the id of a mentor, as in the roster.';
  end if;
  select state.* into mentor
  from scheduler.mentor_state as state
  where state.user_id = explain_scenario_evaluation.user_id and state.on_roster;
  if not found then
    raise exception 'no mentor % on the roster', explain_scenario_evaluation.user_id
      using
        errcode = 'no_data_found',
        hint = 'Look for the id in ' || coalesce(
          (select tracked.source::pg_catalog.text from scheduler.tracked_sources as tracked where tracked.kind = 'roster'),
          'a roster; none is tracked yet, see scheduler.track_roster'
        ) || '.';
  end if;

  select coalesce(array_agg(scope), '{}') into scopes
  from scheduler.evaluation_scopes(
    scenarios => null, as_of => as_of, organisation_ids => null, user_ids => array[mentor.user_id]
  ) as scope;

  out_of_scope := case
    when not mentor.active then 'mentor_not_active'
    when exists (
      select from scheduler.organisation_settings as settings
      where settings.paused and (settings.organisation_id = mentor.organisation_id or settings.organisation_id is null)
    ) then 'organisation_paused'
  end;

  return query
  select
    scenario.scenario_type,
    coalesce(verdict.due, false),
    judged.decision,
    judged.reason,
    scheduler.explain_verdict(
      scenario_type => scenario.scenario_type,
      reason => judged.reason,
      deliver_after => verdict.deliver_after,
      facts => judged.facts
    ),
    judged.facts
  from scheduler.scenarios as scenario
  left join scheduler.judge_occurrences(
    as_of => as_of, scopes => scopes, user_ids => array[mentor.user_id], explaining => true
  ) as verdict on verdict.scenario_type = scenario.scenario_type
  left join unnest(scopes) as scope on scope.scenario_type = scenario.scenario_type
  left join lateral (
    select jsonb_build_object(
      'id', latest.id, 'status', latest.status, 'status_reason', latest.status_reason,
      'sent_at', latest.sent_at, 'due_at', latest.due_at, 'attempts', latest.attempts
    ) as told
    from scheduler.notifications as latest
    where latest.user_id = mentor.user_id and latest.scenario_type = scenario.scenario_type
    -- In the order of the index that finds them.
    order by latest.evaluation_date desc
    limit 1
  ) as last_notification on true
  cross join lateral (
    select
      case
        when out_of_scope is not null or scope.config_id is null then 'out_of_scope'
        when not coalesce(verdict.due, false) then 'not_due'
        when verdict.reason is null then 'candidate'
        else 'suppressed'
      end as decision,
      case
        when out_of_scope is not null then out_of_scope
        when scope.config_id is null then 'scenario_disabled'
        when verdict.user_id is null then 'not_due'
        else verdict.reason
      end as reason,
      jsonb_strip_nulls(jsonb_build_object(
        'evaluation_date', verdict.evaluation_date,
        'occurrence_key', verdict.occurrence_key,
        'cooldown_window_start', verdict.cooldown_window_start,
        'window_cooldown_until', verdict.cooldown_until,
        'deliver_after', verdict.deliver_after,
        'last_notification', last_notification.told,
        'pause', case when out_of_scope = 'organisation_paused' then (
          select format('%s since %s by %s (%s)',
            case when pause.organisation_id is null then 'everything' else 'the organisation' end,
            pause.paused_at::pg_catalog.timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given'))
          from scheduler.pauses as pause
          where pause.resumed_at is null
            and pause.job_name is null
            and coalesce(pause.organisation_id, mentor.organisation_id) = mentor.organisation_id
          order by pause.organisation_id nulls first
          limit 1
        ) end
      ) || coalesce(verdict.facts, '{}')) as facts
  ) as judged
  order by coalesce(scope.priority, scenario.default_priority), scenario.scenario_type;
end;
$$;

comment on function public.explain_scenario_evaluation(uuid, timestamptz) is
  'Why a mentor gets a push or doesn''t, a row per scenario. Writes nothing.';
