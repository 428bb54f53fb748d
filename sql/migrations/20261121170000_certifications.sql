-- Certifications that expire: which ones an organisation requires, what became of
-- mentors who lack one, and whom the next night has to look at.

set lock_timeout = '5s';

do $$
begin
  if to_regclass('public.mentor_status_history') is not null and not exists (
    select from pg_attribute where attrelid = to_regclass('public.mentor_status_history') and attname = 'certifications'
  ) then
    raise exception 'there is a table public.mentor_status_history that is not this project''s'
      using errcode = 'duplicate_table', hint = 'Rename it, then apply this migration again: the name is where the changes of mentors'' statuses are kept.';
  end if;
end $$;

create table if not exists public.mentor_status_history (
  id bigint generated always as identity
    constraint mentor_status_history_pkey primary key,
  user_id uuid not null,
  from_status text,
  to_status text not null,
  reason text,
  certifications text[],
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp()
);
comment on table public.mentor_status_history is 'Every change of a mentor''s status: who or what changed it, when, why, from what to what.';
comment on column public.mentor_status_history.certifications is 'Which required ones she lacked, where the job paused her.';
comment on column public.mentor_status_history.changed_by is 'A job, a user''s id, or the database role.';
create index if not exists mentor_status_history_mentor on public.mentor_status_history (user_id, id);
-- squawk-ignore prefer-robust-stmts
alter table public.mentor_status_history enable row level security;
revoke all on table public.mentor_status_history from anon, authenticated;
grant select on table public.mentor_status_history to authenticated;
grant all on table public.mentor_status_history to service_role;
revoke all on sequence public.mentor_status_history_id_seq from anon, authenticated;
grant all on sequence public.mentor_status_history_id_seq to service_role;

create table if not exists scheduler.required_certifications (
  organisation_id uuid,
  name text
    constraint required_certification_has_a_name check (name ~ '\S'),
  constraint required_certifications_pkey primary key (organisation_id, name)
);
comment on table scheduler.required_certifications is 'Without which certifications a mentor of an organisation must not be matched. Names are compared without regard to case.';

create table if not exists scheduler.certification_checks (
  user_id uuid
    constraint certification_checks_pkey primary key,
  noted_at timestamptz not null default clock_timestamp()
);
comment on table scheduler.certification_checks is 'Mentors whose certifications, status or organisation changed since run_certification_expiry last looked.';

create table if not exists scheduler.certification_watermarks (
  organisation_id uuid
    constraint certification_watermarks_pkey primary key,
  checked_until date not null
);
comment on table scheduler.certification_watermarks is 'What expired before this date has been looked at.';

-- It tells more of a run.
drop function if exists public.finish_invocation(uuid, text, integer, integer, integer, jsonb, text, text);

alter table scheduler.jobs
  add column if not exists waits_for text
    -- A table of a few rows.
    -- squawk-ignore adding-foreign-key-constraint
    constraint job_waits_for_a_job references scheduler.jobs (job_name) on delete set null
    constraint job_does_not_wait_for_itself check (waits_for <> job_name);
comment on column scheduler.jobs.waits_for is 'The tick of this job begins when that job''s of the same time is over, in an hour at the latest; at once where that one has done nothing for a week.';
create index if not exists jobs_waits_for on scheduler.jobs (waits_for);

do $$
begin
  if to_regtype('scheduler.status_change') is null then
    create type scheduler.status_change as (
      user_id uuid,
      organisation_id uuid,
      from_status text,
      to_status text,
      reason text,
      certifications text[]
    );
  end if;
  comment on type scheduler.status_change is 'A mentor whom run_certification_expiry pauses or resumes.';

  -- Made here only where the mapping has not made it.
  if to_regclass('scheduler.held_certification') is null then
    create view scheduler.held_certification as
    select certification.user_id, certification.name, certification.expires_on, certification.revoked_at
    from public.certifications as certification;
  end if;
  comment on view scheduler.held_certification is 'All certifications of mentors: expired, unlimited (without expires_on) and revoked ones too. Index (expires_on, user_id) where revoked_at is null, and user_id.';
exception
  when undefined_column then
    raise exception using
      errcode = sqlstate,
      message = sqlerrm,
      hint = 'Make the view scheduler.held_certification from your own table in 20261120100400_mapping.sql: see "Your own tables" in the README.';
end $$;
