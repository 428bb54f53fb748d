create or replace function scheduler.set_mentor_status(user_ids uuid[], expected text, status text)
returns uuid[]
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  with written as (
    update public.peer_mentors as mentor
    set status = set_mentor_status.status
    from (
      select locked.id
      from public.peer_mentors as locked
      where locked.id = any (user_ids) and locked.status = expected
      order by locked.id
      -- Whoever writes what refers to her goes on.
      for no key update
    ) as wanted
    where mentor.id = wanted.id
    returning mentor.id
  )
  select coalesce(array_agg(written.id), '{}') from written;
$$;

comment on function scheduler.set_mentor_status(uuid[], text, text) is
  'Gives mentors who have the expected status another one, and returns who got it. A project with a roster of its own replaces it, as it does the view scheduler.mentor.';
