create or replace function scheduler.count_state_drift()
returns bigint
language sql
stable
set search_path = pg_catalog, pg_temp
set work_mem = '64MB'
as $$
  with recorded as (
    select activity.user_id, max(activity.activity_date) as last_activity_on, count(*)::integer as activity_count
    from scheduler.activity as activity
    group by activity.user_id
  ),
  expected as (
    select
      coalesce(mentor.user_id, recorded.user_id) as user_id,
      mentor.user_id is not null as on_roster,
      mentor.organisation_id,
      coalesce(mentor.active, false) as active,
      mentor.joined_on,
      mentor.timezone,
      mentor.locale,
      recorded.last_activity_on,
      coalesce(recorded.activity_count, 0) as activity_count
    from scheduler.roster as mentor
    full join recorded on recorded.user_id = mentor.user_id
  )
  select
    (
      select count(*)
      from expected
      full join scheduler.mentor_state as state on state.user_id = expected.user_id
      where expected.user_id is null
        or state.user_id is null
        or (
          expected.on_roster, expected.organisation_id, expected.active, expected.joined_on, expected.timezone,
          expected.locale, expected.last_activity_on, expected.activity_count
        ) is distinct from (
          state.on_roster, state.organisation_id, state.active, state.joined_on, state.timezone,
          state.locale, state.last_activity_on, state.activity_count
        )
        or state.next_milestone is distinct from case when expected.on_roster then (
          select min(m.milestone) from scheduler.milestones as m where m.milestone > expected.activity_count
        ) end
    ) + (
      select count(*)
      from (
        select state.organisation_id, count(*) as mentors
        from scheduler.mentor_state as state
        where state.active
        group by state.organisation_id
      ) as counted
      full join scheduler.organisation_state as kept on kept.organisation_id = counted.organisation_id
      where coalesce(counted.mentors, 0) <> coalesce(kept.active_mentors, 0)
    );
$$;

comment on function scheduler.count_state_drift() is
  'How many rows verify_mentor_state() would show, in a fraction of its time.';
