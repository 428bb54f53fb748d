create or replace function scheduler.detect_inactivity(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = ''
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      (s.params ->> 'threshold_days')::integer as threshold_days,
      (s.params ->> 'max_reminders')::integer as max_reminders
    from unnest(scopes) as s
  ),
  -- For everybody: the range of the index that is due, organisation by
  -- organisation. What rests is told by the index too and goes no further.
  silent as (
    select
      scope.*,
      mentor.user_id,
      mentor.silent_since,
      case
        when mentor.inactivity_rests_until > scope.evaluation_date then 'cooldown'
        when mentor.inactivity_reminders >= scope.max_reminders then 'max_reminders'
      end as rests
    from scope
    cross join lateral (
      select state.user_id, state.silent_since, state.inactivity_rests_until, state.inactivity_reminders
      from scheduler.mentor_state as state
      where state.active
        and state.organisation_id = scope.organisation_id
        and state.silent_since <= scope.evaluation_date - scope.threshold_days
      offset 0
    ) as mentor
    where user_ids is null

    union all

    select scope.*, state.user_id, state.silent_since, null
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    join scheduler.mentor_state as state on state.user_id = asked.user_id
    join scope on scope.organisation_id = state.organisation_id
    where state.active
      and (explaining or state.silent_since <= scope.evaluation_date - scope.threshold_days)
  )
  select
    'inactivity',
    silent.user_id,
    silent.organisation_id,
    'inactivity:' || silent.silent_since || ':' || reminder.number,
    silent.silent_since + silent.threshold_days,
    coalesce(silent.evaluation_date - silent.silent_since >= silent.threshold_days, false),
    coalesce(silent.rests, case when reminder.number > silent.max_reminders then 'max_reminders' end),
    case
      when silent.rests is null then jsonb_build_object(
        'silent_since', silent.silent_since,
        'days_silent', silent.evaluation_date - silent.silent_since,
        'threshold_days', silent.threshold_days,
        'reminder', reminder.number,
        'max_reminders', silent.max_reminders
      )
    end
  from silent
  left join lateral (
    select coalesce(max(split_part(sent.occurrence_key, ':', 3)::integer), 0) + 1 as number
    from scheduler.notifications as sent
    where sent.user_id = silent.user_id
      and sent.scenario_type = 'inactivity'
      and sent.status <> 'cancelled'
      and sent.occurrence_key like 'inactivity:' || silent.silent_since || ':%'
      and silent.rests is null
  ) as reminder on silent.rests is null;
$$;

comment on function scheduler.detect_inactivity(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors who have been silent for threshold_days or more, with the number of the reminder that is next.';
