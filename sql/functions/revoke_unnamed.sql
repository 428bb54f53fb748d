create or replace function scheduler.revoke_unnamed(source text, started_at timestamptz, most_losses numeric)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  missed bigint;
  known bigint;
  revoked bigint;
begin
  select count(*) filter (where listed.seen_in_round < revoke_unnamed.started_at), count(*)
  into missed, known
  from scheduler.portal_certifications as listed
  where listed.source = revoke_unnamed.source and not listed.removed;
  -- Nothing at all is no answer, however little there was.
  if missed > greatest(10, known * most_losses) or (missed = known and known > 0 and most_losses < 1) then
    raise exception 'the portal named % of the % certifications that it is known to have: that is not believed, and nothing is revoked', known - missed, known
      using errcode = 'data_exception', hint = 'If it is right, raise most_losses in scheduler.portal_syncs for a night.';
  end if;
  with gone as (
    update scheduler.portal_certifications as listed
    set removed = true
    where listed.source = revoke_unnamed.source and not listed.removed and listed.seen_in_round < revoke_unnamed.started_at
    returning listed.external_id, listed.user_id
  )
  select scheduler.write_certifications(coalesce(jsonb_agg(jsonb_build_object(
    'external_id', gone.external_id, 'user_id', gone.user_id, 'removed', true
  )), '[]'))
  into revoked
  from gone;
  return revoked;
end;
$$;

comment on function scheduler.revoke_unnamed(text, timestamptz, numeric) is
  'Revokes what a round for everything did not name, and returns how many; an error where it misses too much to be believed.';
