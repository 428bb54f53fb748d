create or replace function scheduler.detect_inactivity(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
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
  -- organisation. What rests is passed by inside the index.
  silent as (
    select scope.*, mentor.user_id, mentor.silent_since
    from scope
    cross join lateral (
      select state.user_id, state.silent_since
      from scheduler.mentor_state as state
      where state.active
        and state.organisation_id = scope.organisation_id
        and state.silent_since <= scope.evaluation_date - scope.threshold_days
        and state.inactivity_rests_until <= scope.evaluation_date
        and state.inactivity_reminders < coalesce(scope.max_reminders, 2147483647)
      offset 0
    ) as mentor
    where user_ids is null

    union all

    select scope.*, state.user_id, state.silent_since
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
    case when reminder.number > silent.max_reminders then 'max_reminders' end,
    jsonb_build_object(
      'silent_since', silent.silent_since,
      'days_silent', silent.evaluation_date - silent.silent_since,
      'threshold_days', silent.threshold_days,
      'reminder', reminder.number,
      'max_reminders', silent.max_reminders
    )
  from silent
  cross join lateral (
    select coalesce(max(substring(sent.occurrence_key from ':([0-9]{1,9})$')::integer), 0) + 1 as number
    from scheduler.notifications as sent
    where sent.user_id = silent.user_id
      and sent.scenario_type = 'inactivity'
      and sent.status <> 'cancelled'
      and sent.occurrence_key like 'inactivity:' || silent.silent_since || ':%'
  ) as reminder;
$$;

comment on function scheduler.detect_inactivity(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors who have been silent for threshold_days or more, with the number of the reminder that is next. Who rests is passed by, and counted by count_resting_mentors.';
