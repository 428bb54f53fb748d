create or replace function scheduler.write_certifications(certifications jsonb)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  with said as materialized (
    select item.*
    from jsonb_to_recordset(certifications) as item (
      external_id text, user_id uuid, name text, expires_on date, removed boolean
    )
  ),
  revoked as (
    update public.certifications as held
    set revoked_at = now()
    from said
    where said.removed and held.external_id = said.external_id and held.revoked_at is null
    returning held.id
  ),
  written as (
    insert into public.certifications as held (external_id, user_id, name, expires_on)
    select said.external_id, said.user_id, said.name, said.expires_on
    from said
    where not said.removed
    order by said.external_id
    on conflict (external_id) where external_id is not null do update set
      user_id = excluded.user_id,
      name = excluded.name,
      expires_on = excluded.expires_on,
      revoked_at = null
    where (held.user_id, held.name, held.expires_on, held.revoked_at)
      is distinct from (excluded.user_id, excluded.name, excluded.expires_on, null::timestamptz)
    returning held.id
  )
  select (select count(*) from revoked) + (select count(*) from written);
$$;

comment on function scheduler.write_certifications(jsonb) is
  'Takes over certifications of a portal, [{external_id, user_id, name, expires_on, removed}], and returns how many changed. What was removed there is revoked here. A project with certifications in a table of its own replaces it, as it does the view scheduler.held_certification.';
