create or replace function scheduler.visible_invocation(invocation_id uuid, organisations uuid[])
returns scheduler.invocations
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  run scheduler.invocations;
begin
  select seen.* into run
  from scheduler.invocations as seen
  where seen.id = visible_invocation.invocation_id
    and (seen.organisation_ids is null or seen.organisation_ids && organisations);
  -- Others' runs are told from none by nothing.
  if run.id is null then
    raise exception 'there is no run %', coalesce(invocation_id::text, 'null')
      using errcode = 'no_data_found', hint = 'Look for its id in the list of runs.';
  end if;
  return run;
end;
$$;

comment on function scheduler.visible_invocation(uuid, uuid[]) is
  'A run that concerns one of these organisations; an error where there is none.';
