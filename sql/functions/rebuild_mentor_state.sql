create or replace function scheduler.rebuild_mentor_state()
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  corrected bigint;
  removed bigint;
begin
  perform set_config('scheduler.refolded', 'on', true); -- as in refold_mentors

  -- Writers of tracked tables wait here, so the sources stand still while they are read.
  lock table scheduler.mentor_state in share row exclusive mode;

  insert into scheduler.mentor_state as state (
    user_id, on_roster, organisation_id, active, joined_on, timezone, locale,
    last_activity_on, activity_count, milestone_by, next_milestone
  )
  select
    derived.user_id, derived.on_roster, derived.organisation_id, derived.active, derived.joined_on,
    derived.timezone, derived.locale, derived.last_activity_on, derived.activity_count,
    derived.milestone_by, derived.next_milestone
  from scheduler.derive_mentor_state() as derived
  left join scheduler.mentor_state as kept on kept.user_id = derived.user_id
  where kept.user_id is null
    or (kept.on_roster, kept.organisation_id, kept.active, kept.joined_on, kept.timezone, kept.locale,
        kept.last_activity_on, kept.activity_count, kept.next_milestone)
      is distinct from
      (derived.on_roster, derived.organisation_id, derived.active, derived.joined_on, derived.timezone, derived.locale,
        derived.last_activity_on, derived.activity_count, derived.next_milestone)
  on conflict (user_id) do update set
    on_roster = excluded.on_roster,
    organisation_id = excluded.organisation_id,
    active = excluded.active,
    joined_on = excluded.joined_on,
    timezone = excluded.timezone,
    locale = excluded.locale,
    last_activity_on = excluded.last_activity_on,
    activity_count = excluded.activity_count,
    inactivity_reminders = case
      when state.silent_since = coalesce(excluded.last_activity_on, excluded.joined_on) then state.inactivity_reminders
      else 0
    end,
    milestone_by = excluded.milestone_by,
    next_milestone = excluded.next_milestone;
  get diagnostics corrected = row_count;

  delete from scheduler.mentor_state as state
  where not exists (select from scheduler.roster as mentor where mentor.user_id = state.user_id)
    and not exists (select from scheduler.activity as activity where activity.user_id = state.user_id);
  get diagnostics removed = row_count;

  delete from scheduler.organisation_state as organisation
  where not exists (
    select from scheduler.mentor_state as state
    where state.active and state.organisation_id = organisation.organisation_id
  );
  insert into scheduler.organisation_state as organisation (organisation_id, active_mentors)
  select state.organisation_id, count(*)
  from scheduler.mentor_state as state
  where state.active
  group by state.organisation_id
  order by state.organisation_id
  on conflict (organisation_id) do update set active_mentors = excluded.active_mentors
  where organisation.active_mentors <> excluded.active_mentors;

  return corrected + removed;
end;
$$;

comment on function scheduler.rebuild_mentor_state() is
  'Derives the whole state from the sources anew, and returns how many rows had to be corrected.';
