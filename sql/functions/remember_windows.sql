create or replace function scheduler.remember_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
begin
  -- Hints only, so a mentor whom somebody is writing just now is passed over:
  -- this never waits for an activity, and no activity can deadlock with it.
  with noted as materialized (
    select state.user_id, state.silent_since, state.activity_count, opened.scenario_type, opened.cooldown_until, opened.occurrence_key
    from new_rows as opened
    join scheduler.mentor_state as state on state.user_id = opened.user_id
    where opened.scenario_type in ('inactivity', 'milestone')
    order by state.user_id
    for update of state skip locked
  ),
  hint as (
    select
      noted.user_id,
      max(noted.cooldown_until) filter (where noted.scenario_type = 'inactivity') as rests_until,
      max(split_part(noted.occurrence_key, ':', 3)::integer) filter (
        where noted.scenario_type = 'inactivity'
          and noted.occurrence_key ~ '^inactivity:[0-9-]{10}:[0-9]{1,9}$'
          and split_part(noted.occurrence_key, ':', 2) = noted.silent_since::text
      ) as reminders,
      coalesce(bool_or(
        noted.occurrence_key ~ '^milestone:[0-9]{1,9}$'
        and not exists (
          select from scheduler.milestones as m
          where m.milestone > split_part(noted.occurrence_key, ':', 2)::integer and m.milestone <= noted.activity_count
        )
      ) filter (where noted.scenario_type = 'milestone'), false) as milestones_done
    from noted
    group by noted.user_id
  )
  update scheduler.mentor_state as state
  set
    inactivity_rests_until = greatest(state.inactivity_rests_until, hint.rests_until),
    inactivity_reminders = greatest(state.inactivity_reminders, hint.reminders),
    milestone_by = case when hint.milestones_done then null else state.milestone_by end
  from hint
  where state.user_id = hint.user_id;
  return null;
end;
$$;

comment on function scheduler.remember_windows() is
  'Notes in mentor_state what rests after a new window, so that later runs pass it by in the index.';
