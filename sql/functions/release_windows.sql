create or replace function scheduler.release_windows()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  cancelled bigint[] := array(
    select updated.id
    from new_rows as updated
    join old_rows as before on before.id = updated.id
    where updated.status = 'cancelled' and before.status <> 'cancelled'
  );
begin
  if cancelled = '{}' then
    return null;
  end if;
  -- A reminder that no longer counts must not be counted on, even where no window is left to release.
  perform scheduler.forget_hints(array(
    select updated.user_id from new_rows as updated where updated.id = any (cancelled)
  ));
  delete from scheduler.scenario_cooldowns as released where released.notification_id = any (cancelled);
  return null;
end;
$$;

comment on function scheduler.release_windows() is
  'Releases the windows of notifications that are cancelled, so that their scenarios are free to be due again.';
