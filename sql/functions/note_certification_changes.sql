create or replace function scheduler.note_certification_changes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    perform scheduler.recheck_certifications();
    return null;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    perform scheduler.note_checks(array(select changed.user_id from new_rows as changed));
  end if;
  if tg_op in ('DELETE', 'UPDATE') then
    perform scheduler.note_checks(array(select changed.user_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_certification_changes() is
  'Has the certifications of a mentor looked at again when one changes. For a table with user_id.';
