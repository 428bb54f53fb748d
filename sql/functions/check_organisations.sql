create or replace function scheduler.check_organisations(organisation_ids uuid[])
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown_place bigint;
begin
  select asked.place into unknown_place
  from unnest(organisation_ids) with ordinality as asked (organisation_id, place)
  where not exists (select from scheduler.organisation as known where known.organisation_id = asked.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = asked.organisation_id)
  limit 1;
  if found then
    raise exception 'organisation_ids[%] is no organisation', unknown_place - 1
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation, or leave organisation_ids out for all.';
  end if;
end;
$$;

comment on function scheduler.check_organisations(uuid[]) is
  'Refuses a list with an organisation that does not exist, by its place in the list.';
