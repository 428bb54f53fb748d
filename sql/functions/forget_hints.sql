create or replace function scheduler.forget_hints(user_ids uuid[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In key order, as every writer of mentor_state locks it.
  update scheduler.mentor_state as state
  set inactivity_rests_until = default, inactivity_reminders = default, milestone_by = state.last_activity_on
  from (
    select forgotten.user_id
    from scheduler.mentor_state as forgotten
    where forgotten.user_id = any (user_ids)
    order by forgotten.user_id
    for update
  ) as locked
  where state.user_id = locked.user_id;
$$;

comment on function scheduler.forget_hints(uuid[]) is
  'Drops what mentor_state remembers of the windows of these mentors, who are looked at in full again.';
