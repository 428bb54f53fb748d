create or replace function scheduler.note_requirement_changes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op in ('INSERT', 'UPDATE') then
    perform scheduler.recheck_certifications(array(select distinct changed.organisation_id from new_rows as changed));
  end if;
  if tg_op in ('DELETE', 'UPDATE') then
    perform scheduler.recheck_certifications(array(select distinct changed.organisation_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_requirement_changes() is
  'Has the certifications of an organisation''s mentors looked at again when what it requires changes.';
