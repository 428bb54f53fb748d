create or replace function scheduler.note_pauses()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'DELETE' and new.paused then
    insert into scheduler.pauses (organisation_id, paused_by) values (new.organisation_id, session_user)
    on conflict do nothing;
  else
    update scheduler.pauses as open
    set resumed_at = now(), resumed_by = session_user
    where open.job_name is null
      and open.organisation_id is not distinct from coalesce(new.organisation_id, old.organisation_id)
      and open.resumed_at is null;
    if found and coalesce(new.organisation_id, old.organisation_id) is null then
      update scheduler.jobs as job set last_tick_for = now();
    end if;
  end if;
  return null;
end;
$$;

comment on function scheduler.note_pauses() is
  'Keeps scheduler.pauses true where somebody writes organisation_settings.paused without pause and resume.';
