create or replace function scheduler.note_mentors(user_ids uuid[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In one order, so that two who note the same mentors don't wait for each other.
  insert into scheduler.certification_checks as waiting (user_id)
  select distinct noted.user_id from unnest(user_ids) as noted (user_id) order by noted.user_id
  on conflict on constraint certification_checks_pkey do update set noted_at = clock_timestamp();
$$;

comment on function scheduler.note_mentors(uuid[]) is
  'Has the next run_certification_expiry look at these mentors.';
