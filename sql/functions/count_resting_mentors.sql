create or replace function scheduler.count_resting_mentors(scopes scheduler.evaluation_scope[])
returns table (organisation_id uuid, reason text, mentors bigint)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  select
    scope.organisation_id,
    case
      when exists (
        select from scheduler.preference as preference
        where preference.user_id = resting.user_id
          and preference.scenario_type = 'inactivity'
          and not preference.push_enabled
      ) then 'opted_out'
      when not exists (
        select from scheduler.device as device where device.user_id = resting.user_id
      ) then 'no_device'
      when resting.cooling then 'cooldown'
      else 'max_reminders'
    end,
    count(*)
  from unnest(scopes) as scope
  cross join lateral (
    select state.user_id, state.inactivity_rests_until > scope.evaluation_date as cooling
    from scheduler.mentor_state as state
    where state.active
      and state.organisation_id = scope.organisation_id
      and state.silent_since <= scope.evaluation_date - (scope.params ->> 'threshold_days')::integer
      and (
        state.inactivity_rests_until > scope.evaluation_date
        or state.inactivity_reminders >= (scope.params ->> 'max_reminders')::integer
      )
    offset 0
  ) as resting
  where scope.scenario_type = 'inactivity'
  group by 1, 2;
$$;

comment on function scheduler.count_resting_mentors(scheduler.evaluation_scope[]) is
  'How many silent mentors of each organisation detect_inactivity passes by in the index, by the reason that comes first.';
