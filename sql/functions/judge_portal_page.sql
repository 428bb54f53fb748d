create or replace function scheduler.judge_portal_page(certifications jsonb)
returns table (accepted jsonb, rejected jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Nothing is known of the lists that it joins.
set enable_nestloop = off
as $$
  with said as materialized (
    select
      item.place,
      jsonb_typeof(item.value) = 'object' as is_object,
      left(case when jsonb_typeof(item.value -> 'external_id') = 'string' then btrim(item.value ->> 'external_id') else '' end, 200) as external_id,
      case when jsonb_typeof(item.value -> 'member_id') = 'string' then btrim(item.value ->> 'member_id') else '' end as member_id,
      case when jsonb_typeof(item.value -> 'name') = 'string' then left(btrim(item.value ->> 'name'), 200) else '' end as name,
      coalesce(jsonb_typeof(item.value -> 'expires_on'), 'null') as kind_of_expiry,
      item.value ->> 'expires_on' as expires_on,
      case when jsonb_typeof(item.value -> 'modified_on') = 'string' then scheduler.read_moment(item.value ->> 'modified_on') end as modified_on,
      case coalesce(jsonb_typeof(item.value -> 'removed'), 'null')
        when 'boolean' then (item.value ->> 'removed')::boolean
        when 'null' then false
      end as removed
    from jsonb_array_elements(certifications) with ordinality as item (value, place)
  ),
  read as materialized (
    select
      said.*,
      member.user_id,
      case when said.kind_of_expiry = 'string' then scheduler.read_expiry(said.expires_on, member.timezone) end as expires
    from said
    left join scheduler.find_portal_members(array(select distinct named.member_id from said as named)) as member
      on member.member_id = said.member_id
  ),
  judged as materialized (
    select
      read.*,
      case
        when not read.is_object then 'no_object'
        when read.external_id = '' then 'no_external_id'
        when read.removed is null then 'malformed_removed'
        when read.modified_on is null then 'malformed_modified_on'
        when read.removed then null
        when read.member_id = '' then 'no_member'
        when read.user_id is null then 'unknown_member'
        when read.name = '' then 'no_name'
        when read.kind_of_expiry <> 'null' and read.expires is null then 'malformed_date'
      end as reason
    from read
  ),
  ranked as materialized (
    select
      judged.*,
      row_number() over (partition by judged.reason is null, judged.external_id order by judged.modified_on desc, judged.place desc) as rank
    from judged
  )
  select
    coalesce(jsonb_agg(jsonb_build_object(
      'external_id', ranked.external_id, 'user_id', ranked.user_id, 'name', ranked.name, 'expires_on', ranked.expires,
      'modified_on', ranked.modified_on, 'removed', ranked.removed
    )) filter (where ranked.reason is null and ranked.rank = 1), '[]'),
    coalesce(jsonb_agg(jsonb_build_object(
      'external_id', ranked.external_id, 'reason', coalesce(ranked.reason, 'duplicate')
    )) filter (where ranked.reason is not null or ranked.rank > 1), '[]')
  from ranked;
$$;

comment on function scheduler.judge_portal_page(jsonb) is
  'Which certifications of a portal''s page can be taken over, and why not the others.';
