create or replace function scheduler.note_status_changes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('scheduler.status_is_noted', true) is distinct from 'yes' then
    insert into public.mentor_status_history (user_id, from_status, to_status, reason, changed_by)
    select changed.id, before.status, changed.status,
      nullif(current_setting('scheduler.status_reason', true), ''),
      -- Who comes through the API is logged in as another than who she is.
      coalesce((select auth.uid())::text, nullif(current_setting('role'), 'none'), session_user)
    from new_rows as changed
    join old_rows as before on before.id = changed.id
    where changed.status is distinct from before.status
      -- Whoever pauses a mentor whom the job has paused, and says why, takes it over.
      or (changed.status = 'paused' and nullif(current_setting('scheduler.status_reason', true), '') is not null)
    order by changed.id;

    perform scheduler.note_checks(array(
      select changed.id
      from new_rows as changed
      join old_rows as before on before.id = changed.id
      where (changed.status, changed.organisation_id) is distinct from (before.status, before.organisation_id)
    ));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_status_changes() is
  'Writes every change of a mentor''s status to its history, and has the certifications looked at again. For a table with id, status and organisation_id.';
