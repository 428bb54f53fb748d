create or replace function scheduler.forget_windows()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'TRUNCATE' then
    update scheduler.mentor_state as state
    set inactivity_rests_until = default, inactivity_reminders = default, milestone_by = state.last_activity_on
    where state.inactivity_rests_until <> '-infinity'
      or state.inactivity_reminders <> 0
      or (state.milestone_by is null and state.activity_count > 0);
    return null;
  end if;

  update scheduler.mentor_state as state
  set inactivity_rests_until = default, inactivity_reminders = default, milestone_by = state.last_activity_on
  from (
    select forgotten.user_id
    from scheduler.mentor_state as forgotten
    where forgotten.user_id in (select changed.user_id from old_rows as changed)
    order by forgotten.user_id
    for update
  ) as locked
  where state.user_id = locked.user_id;
  return null;
end;
$$;

comment on function scheduler.forget_windows() is
  'After windows were changed or released: drops the hints of their mentors, who are looked at in full again.';
