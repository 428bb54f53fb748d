create or replace function public.annotate_invocation(invocation_id uuid, note text)
returns scheduler.invocation_entry
language plpgsql
security definer
set search_path = ''
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => annotate_invocation.invocation_id, organisations => organisations
  );
begin
  if length(annotate_invocation.note) > 1000 then
    raise exception 'note must have 1000 characters at most, not %', length(annotate_invocation.note)
      using errcode = 'invalid_parameter_value', column = 'note', hint = 'Shorten it.';
  end if;
  -- Somebody may be deleting it just now.
  perform from scheduler.invocations as kept where kept.id = run.id for key share;
  if not found then
    perform scheduler.visible_invocation(invocation_id => run.id, organisations => organisations);
  end if;
  delete from scheduler.invocation_notes as written
  where written.invocation_id = run.id and written.organisation_id = any (organisations) and coalesce(annotate_invocation.note, '') !~ '\S';
  insert into scheduler.invocation_notes as written (invocation_id, organisation_id, note, noted_by)
  select run.id, staffed.organisation_id, annotate_invocation.note, (select auth.uid())
  from unnest(organisations) as staffed (organisation_id)
  where annotate_invocation.note ~ '\S'
    and (run.organisation_ids is null or staffed.organisation_id = any (run.organisation_ids))
  order by staffed.organisation_id
  on conflict on constraint invocation_notes_pkey do update set
    note = excluded.note,
    noted_by = excluded.noted_by,
    noted_at = excluded.noted_at;
  return scheduler.describe_invocation(run, organisations);
end;
$$;

comment on function public.annotate_invocation(uuid, text) is
  'Writes a note on a run, for the caller''s own organisations; null or nothing takes it away. For staff.';
