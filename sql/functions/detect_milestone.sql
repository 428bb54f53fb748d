create or replace function scheduler.detect_milestone(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      array(select item::integer from jsonb_array_elements_text(s.params -> 'milestones') as item) as milestones,
      (s.params ->> 'lookback_days')::integer as lookback_days
    from unnest(scopes) as s
  ),
  mentor as (
    select scope.*, state.user_id, state.activity_count
    from scope
    cross join lateral (
      select near.user_id, near.activity_count
      from scheduler.mentor_state as near
      where near.active
        and near.milestone_by is not null
        and near.organisation_id = scope.organisation_id
        and near.milestone_by > scope.evaluation_date - scope.lookback_days
      offset 0
    ) as state
    where user_ids is null

    union all

    select scope.*, state.user_id, state.activity_count
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    join scheduler.mentor_state as state on state.user_id = asked.user_id
    join scope on scope.organisation_id = state.organisation_id
    where state.active
  ),
  -- Counted from the end of the history, so that only its last days are read.
  counted as materialized (
    select
      mentor.*,
      mentor.activity_count - recent.planned as reached,
      mentor.activity_count - recent.planned - recent.in_window as reached_before
    from mentor
    cross join lateral (
      select
        count(*) filter (where activity.activity_date > mentor.evaluation_date) as planned,
        count(*) filter (where activity.activity_date <= mentor.evaluation_date) as in_window
      from scheduler.activity as activity
      where activity.user_id = mentor.user_id
        and activity.activity_date > mentor.evaluation_date - mentor.lookback_days
    ) as recent
  ),
  reached as materialized (
    select
      counted.*,
      (select max(m) from unnest(counted.milestones) as m where m <= counted.reached and m > counted.reached_before) as milestone,
      (select min(m) from unnest(counted.milestones) as m where m > counted.reached) as next_milestone
    from counted
  ),
  notified as materialized (
    select
      reached.*,
      (
        select max(substring(sent.occurrence_key from '^milestone:([0-9]{1,9})$')::integer)
        from scheduler.notifications as sent
        where sent.user_id = reached.user_id
          and sent.scenario_type = 'milestone'
          and sent.status <> 'cancelled'
      ) as notified
    from reached
    where reached.milestone is not null or explaining
  )
  select
    'milestone',
    notified.user_id,
    notified.organisation_id,
    'milestone:' || notified.milestone,
    (
      select activity.activity_date
      from scheduler.activity as activity
      where activity.user_id = notified.user_id and activity.activity_date <= notified.evaluation_date
      order by activity.activity_date desc
      offset notified.reached - notified.milestone
      limit case when notified.milestone is null then 0 else 1 end
    ),
    notified.milestone is not null and notified.milestone > coalesce(notified.notified, 0),
    null,
    jsonb_build_object(
      'milestone', notified.milestone,
      'activities', notified.reached,
      'notified_before', notified.notified,
      'next_milestone', notified.next_milestone,
      'lookback_days', notified.lookback_days
    )
  from notified
  where explaining or notified.milestone > coalesce(notified.notified, 0);
$$;

comment on function scheduler.detect_milestone(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors whose m-th activity, by date, lies within lookback_days, for the highest such milestone m, unless one as high was notified before.';
