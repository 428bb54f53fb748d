create or replace function scheduler.mentors_of_caller(as_role text default null)
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct reached.user_id), '{}')
  from (
    -- An assignment across organisations reaches nobody.
    select mentor.user_id
    from scheduler.follow_up as followed
    join scheduler.mentor as mentor on mentor.user_id = followed.user_id
    where coalesce(as_role, 'coordinator') = 'coordinator'
      and followed.coordinator_id = (select auth.uid())
      and mentor.organisation_id = any ((select scheduler.organisations_of_caller())::uuid[])
    union all
    select mentor.user_id
    from scheduler.mentor as mentor
    where coalesce(as_role, 'admin') = 'admin'
      and mentor.organisation_id = any ((select scheduler.organisations_of_caller('admin'))::uuid[])
  ) as reached;
$$;

comment on function scheduler.mentors_of_caller(text) is
  'The mentors in the caller''s reach: as coordinator those followed up, directly or through a chapter; as admin those of the organisation; or both.';
