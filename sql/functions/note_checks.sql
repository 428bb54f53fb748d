create or replace function scheduler.note_checks(user_ids uuid[])
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In one order, so that two who note the same mentors don't wait for each other.
  with waits as (
    insert into scheduler.certification_checks as waiting (user_id)
    select distinct noted.user_id from unnest(user_ids) as noted (user_id) order by noted.user_id
    on conflict on constraint certification_checks_pkey do update set noted_at = clock_timestamp()
    returning waiting.user_id
  )
  select count(*) from waits;
$$;

comment on function scheduler.note_checks(uuid[]) is
  'Has the next run_certification_expiry look at these mentors, and returns how many they are.';
