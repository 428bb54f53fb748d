create or replace function scheduler.refold_mentors(user_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  active_before jsonb;
begin
  if coalesce(cardinality(user_ids), 0) = 0 then
    return;
  end if;

  -- For the rest of the transaction: what is read below must not be added again
  -- by a fold of inserted rows that has its turn later.
  perform set_config('scheduler.refolded', 'on', true);

  -- One pass in key order takes the lock of every row, new or not, as the fold
  -- of inserted activities does. Only then are the sources read, by the next
  -- statement: what others wrote before they let go of the rows is in view.
  with locked as (
    insert into scheduler.mentor_state as state (user_id)
    select distinct wanted.user_id
    from unnest(user_ids) as wanted (user_id)
    where wanted.user_id is not null
    order by wanted.user_id
    on conflict (user_id) do update set on_roster = state.on_roster
    returning state.organisation_id, state.active
  )
  select jsonb_object_agg(counted.organisation_id, counted.mentors)
  into active_before
  from (
    select locked.organisation_id, count(*) as mentors from locked where locked.active group by locked.organisation_id
  ) as counted;

  with wanted as (
    select distinct u.user_id from unnest(user_ids) as u (user_id)
  ),
  derived as (
    select
      wanted.user_id,
      mentor.user_id is not null as on_roster,
      mentor.organisation_id,
      coalesce(mentor.active, false) as active,
      mentor.joined_on,
      mentor.timezone,
      mentor.locale,
      recorded.last_activity_on,
      recorded.activity_count,
      reaching.activity_date as milestone_by,
      (
        select min(m.milestone) from scheduler.milestones as m
        where m.milestone > recorded.activity_count and mentor.user_id is not null
      ) as next_milestone
    from wanted
    left join scheduler.roster as mentor on mentor.user_id = wanted.user_id
    cross join lateral (
      select max(activity.activity_date) as last_activity_on, count(*)::integer as activity_count
      from scheduler.activity as activity
      where activity.user_id = wanted.user_id
    ) as recorded
    cross join lateral (
      select max(m.milestone) as milestone from scheduler.milestones as m where m.milestone <= recorded.activity_count
    ) as reached
    left join lateral (
      select activity.activity_date
      from scheduler.activity as activity
      where activity.user_id = wanted.user_id
      order by activity.activity_date
      offset reached.milestone - 1
      limit 1
    ) as reaching on reached.milestone is not null
  ),
  refolded as (
    update scheduler.mentor_state as state
    set
      on_roster = derived.on_roster,
      organisation_id = derived.organisation_id,
      active = derived.active,
      joined_on = derived.joined_on,
      timezone = derived.timezone,
      locale = derived.locale,
      last_activity_on = derived.last_activity_on,
      activity_count = derived.activity_count,
      inactivity_reminders = case
        when state.silent_since = coalesce(derived.last_activity_on, derived.joined_on) then state.inactivity_reminders
        else 0
      end,
      milestone_by = derived.milestone_by,
      next_milestone = derived.next_milestone
    from derived
    where state.user_id = derived.user_id
    returning state.organisation_id, state.active
  ),
  active_change as (
    select changed.organisation_id, sum(changed.mentors)::integer as mentors
    from (
      select refolded.organisation_id, count(*) as mentors from refolded where refolded.active group by refolded.organisation_id
      union all
      select before.key::uuid, -before.value::bigint from jsonb_each_text(active_before) as before
    ) as changed
    group by changed.organisation_id
  )
  insert into scheduler.organisation_state as organisation (organisation_id, active_mentors)
  select active_change.organisation_id, active_change.mentors
  from active_change
  where active_change.mentors <> 0
  order by active_change.organisation_id
  on conflict (organisation_id) do update set
    active_mentors = organisation.active_mentors + excluded.active_mentors;

  delete from scheduler.mentor_state as state
  where state.user_id = any (user_ids) and not state.on_roster and state.activity_count = 0;
end;
$$;

comment on function scheduler.refold_mentors(uuid[]) is
  'Derives the state of these mentors from the sources anew.';
