create or replace function scheduler.find_portal_members(member_ids text[])
returns table (member_id text, user_id uuid, timezone text)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select distinct on (known.member_id)
    known.member_id,
    known.user_id,
    scheduler.organisation_zone(mentor.organisation_id)
  from scheduler.portal_member as known
  join scheduler.mentor as mentor on mentor.user_id = known.user_id
  where known.member_id = any (find_portal_members.member_ids)
  order by known.member_id, known.user_id;
$$;

comment on function scheduler.find_portal_members(text[]) is
  'Who these members of a portal are here, and in which zone their certifications expire. Unknown ones are left out.';
