create or replace function scheduler.own_invocation(invocation_id uuid, organisations uuid[])
returns scheduler.invocations
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => own_invocation.invocation_id,
    organisations => scheduler.require_staff()
  );
begin
  if exists (
    select from unnest(run.organisation_ids) as concerned (organisation_id)
    where concerned.organisation_id <> all (organisations)
  ) or (
    -- Whoever is there now, or was then.
    run.organisation_ids is null and exists (
      select from scheduler.organisation as concerned where concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.organisation_state as concerned where concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.invocation_shares as concerned
      where concerned.invocation_id = run.id and concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.invocation_notes as concerned
      where concerned.invocation_id = run.id and concerned.organisation_id <> all (organisations)
    )
  ) then
    raise exception 'the run % is not yours alone', run.id
      using errcode = 'insufficient_privilege', hint = 'Ask whoever operates the scheduler.';
  end if;
  return run;
end;
$$;

comment on function scheduler.own_invocation(uuid, uuid[]) is
  'A run that concerns nobody but these organisations; an error where it is another''s too.';
