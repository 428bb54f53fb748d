-- What keeps the history of statuses and notes whose certifications changed, on the
-- tables that the first migration made; and who sees the history.

set lock_timeout = '5s';

do $$
begin
  if exists (
    select from pg_policy where polrelid = 'public.peer_mentors'::regclass and polname = 'people see mentors in their reach'
  ) then
    create or replace trigger scenario_scheduler_status
      after update on public.peer_mentors
      referencing old table as old_rows new table as new_rows
      for each statement execute function scheduler.note_status_changes();
  end if;
  if exists (
    select from pg_policy
    where polrelid = 'public.certifications'::regclass and polname = 'people see certifications of mentors in their reach'
  ) then
    create or replace trigger scenario_scheduler_certification_insert
      after insert on public.certifications
      referencing new table as new_rows
      for each statement execute function scheduler.note_certification_changes();
    create or replace trigger scenario_scheduler_certification_update
      after update on public.certifications
      referencing old table as old_rows new table as new_rows
      for each statement execute function scheduler.note_certification_changes();
    create or replace trigger scenario_scheduler_certification_delete
      after delete on public.certifications
      referencing old table as old_rows
      for each statement execute function scheduler.note_certification_changes();
    create or replace trigger scenario_scheduler_certification_truncate
      after truncate on public.certifications
      for each statement execute function scheduler.note_certification_changes();
  end if;
  if not exists (
    select from pg_policy where polrelid = 'public.mentor_status_history'::regclass and polname = 'people see changes of mentors in their reach'
  ) then
    create policy "people see changes of mentors in their reach" on public.mentor_status_history
      for select to authenticated using (
        user_id = (select auth.uid())
        or user_id = any ((select scheduler.mentors_of_caller())::uuid[])
      );
  end if;
end $$;

create or replace trigger requirements_are_followed_insert
  after insert on scheduler.required_certifications
  referencing new table as new_rows
  for each statement execute function scheduler.note_requirement_changes();
create or replace trigger requirements_are_followed_update
  after update on scheduler.required_certifications
  referencing old table as old_rows new table as new_rows
  for each statement execute function scheduler.note_requirement_changes();
create or replace trigger requirements_are_followed_delete
  after delete on scheduler.required_certifications
  referencing old table as old_rows
  for each statement execute function scheduler.note_requirement_changes();

-- Until now both were switched off because they were not there.
do $$
begin
  if not exists (
    select from scheduler.jobs as job
    where job.job_name = 'certification-expiry' and not job.enabled and job.waits_for is null
  ) then
    return;
  end if;
  update scheduler.jobs as job
  set
    enabled = true,
    waits_for = case when job.job_name = 'certification-expiry' then (
      select portal.job_name from scheduler.jobs as portal where portal.job_name = 'hlf-sync'
    ) end
  where job.job_name in ('certification-expiry', 'hlf-sync');

  insert into scheduler.retention (kept, keep, notes)
  values ('certification_rejects', '90 days', 'Certifications of a portal that could not be taken over, since it last named them so.')
  on conflict on constraint retention_pkey do nothing;
end $$;

select scheduler.apply_privileges();
