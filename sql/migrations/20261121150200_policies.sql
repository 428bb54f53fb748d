-- Row level security for people: mentors see themselves, coordinators the mentors
-- whom they follow up, admins those of their organisation. What is asked for once a
-- statement stands in (select …), so that no function is called for each row.

set lock_timeout = '5s';

-- Only where the first migration made the table: other tables have policies of their own.
do $$
begin
  if exists (select from pg_policy where polrelid = 'public.organisations'::regclass and polname = 'mentors see their organisation') then
    drop policy "mentors see their organisation" on public.organisations;
    create policy "people see their organisation" on public.organisations
      for select to authenticated using (
        id = any ((select scheduler.organisations_of_caller())::uuid[])
        or id = any (array(select mentor.organisation_id from public.peer_mentors as mentor where mentor.id = (select auth.uid())))
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.chapters'::regclass and polname = 'mentors see their chapter') then
    drop policy "mentors see their chapter" on public.chapters;
    create policy "people see chapters in their reach" on public.chapters
      for select to authenticated using (
        id = any (array(select distinct mentor.chapter_id from public.peer_mentors as mentor))
        or id = any ((select scheduler.chapters_of_caller())::uuid[])
        or organisation_id = any ((select scheduler.organisations_of_caller('admin'))::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.peer_mentors'::regclass and polname = 'mentors see themselves') then
    drop policy "mentors see themselves" on public.peer_mentors;
    create policy "people see mentors in their reach" on public.peer_mentors
      for select to authenticated using (
        id = (select auth.uid())
        or id = any ((select scheduler.mentors_of_caller())::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.activities'::regclass and polname = 'mentors see their own activities') then
    drop policy "mentors see their own activities" on public.activities;
    create policy "people see activities of mentors in their reach" on public.activities
      for select to authenticated using (
        user_id = (select auth.uid())
        or user_id = any ((select scheduler.mentors_of_caller())::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.certifications'::regclass and polname = 'mentors see their own certifications') then
    drop policy "mentors see their own certifications" on public.certifications;
    create policy "people see certifications of mentors in their reach" on public.certifications
      for select to authenticated using (
        user_id = (select auth.uid())
        or user_id = any ((select scheduler.mentors_of_caller())::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.staff'::regclass and polname = 'staff see their own role') then
    drop policy "staff see their own role" on public.staff;
    create policy "staff see their own role, admins their organisation's" on public.staff
      for select to authenticated using (
        user_id = (select auth.uid())
        or organisation_id = any ((select scheduler.organisations_of_caller('admin'))::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.coordinator_assignments'::regclass and polname = 'mentors see who follows them up') then
    drop policy "mentors see who follows them up" on public.coordinator_assignments;
    -- A coordinator's own assignments, and not who else follows the same mentors up.
    create policy "people see assignments in their reach" on public.coordinator_assignments
      for select to authenticated using (
        peer_mentor_id = (select auth.uid())
        or (
          coordinator_id = (select auth.uid())
          and peer_mentor_id = any ((select scheduler.mentors_of_caller('coordinator'))::uuid[])
        )
        or peer_mentor_id = any ((select scheduler.mentors_of_caller('admin'))::uuid[])
      );
  end if;

  if exists (select from pg_policy where polrelid = 'public.chapter_coordinators'::regclass and polname = 'coordinators see their own chapters') then
    drop policy "coordinators see their own chapters" on public.chapter_coordinators;
    create policy "coordinators see their chapters, admins their organisation's" on public.chapter_coordinators
      for select to authenticated using (
        (
          coordinator_id = (select auth.uid())
          and chapter_id = any ((select scheduler.chapters_of_caller())::uuid[])
        )
        or chapter_id = any (array(
          select chapter.id
          from public.chapters as chapter
          where chapter.organisation_id = any ((select scheduler.organisations_of_caller('admin'))::uuid[])
        ))
      );
  end if;
end $$;

select scheduler.apply_privileges();
