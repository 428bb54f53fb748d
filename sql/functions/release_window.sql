create or replace function scheduler.release_window()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' then
    delete from scheduler.scenario_cooldowns as released where released.notification_id = old.id;
  end if;
  -- A reminder that no longer counts must not be counted on, even where no window was left to release.
  update scheduler.mentor_state as state
  set inactivity_reminders = default, milestone_by = state.last_activity_on
  where state.user_id = old.user_id;
  return null;
end;
$$;

comment on function scheduler.release_window() is
  'Releases the window of a notification that is cancelled, so that the scenario is free to be due again.';
