create or replace function scheduler.forget_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    perform scheduler.forget_hints(array(
      select state.user_id
      from scheduler.mentor_state as state
      where state.inactivity_rests_until <> '-infinity'
        or state.inactivity_reminders <> 0
        or (state.milestone_by is null and state.activity_count > 0)
    ));
  else
    perform scheduler.forget_hints(array(select changed.user_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.forget_windows() is
  'Drops the hints of mentors whose windows or notifications were changed or removed.';
