create or replace function scheduler.note_milestones()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added integer[];
begin
  with noted as (
    insert into scheduler.milestones (milestone)
    select distinct item::integer
    from scheduler.scenario_config as config
    join scheduler.scenarios as scenario on scenario.scenario_type = config.scenario_type
    cross join jsonb_array_elements_text(
      coalesce(config.params -> 'milestones', scenario.default_params -> 'milestones')
    ) as item
    on conflict (milestone) do nothing
    returning milestone
  )
  select array_agg(milestone) into added from noted;
  if added is null then
    return null;
  end if;

  -- Whole-table change: take writers' turn first, instead of meeting them row by row.
  lock table scheduler.mentor_state in share row exclusive mode;
  update scheduler.mentor_state as state
  set
    next_milestone = (select min(m.milestone) from scheduler.milestones as m where m.milestone > state.activity_count),
    milestone_by = case
      when (select max(m.milestone) from scheduler.milestones as m where m.milestone <= state.activity_count) = any (added)
        then state.last_activity_on
      else state.milestone_by
    end
  where state.on_roster
    and (
      state.next_milestone is distinct from
        (select min(m.milestone) from scheduler.milestones as m where m.milestone > state.activity_count)
      or (select max(m.milestone) from scheduler.milestones as m where m.milestone <= state.activity_count) = any (added)
    );
  return null;
end;
$$;

comment on function scheduler.note_milestones() is
  'Keeps scheduler.milestones complete, and has mentors looked at again whose count a new milestone concerns.';
