-- What staff may see and do: whose mentors they follow up, each organisation's
-- share of a run, their notes, and a login of its own for the API.

set lock_timeout = '5s';

-- Where the people are ---------------------------------------------------------------

-- Made here only where the mapping has not made them. A project with tables of its
-- own replaces them like the other views of the mapping.
do $$
begin
  if to_regclass('scheduler.mentor') is null then
    create view scheduler.mentor as
    select mentor.id as user_id, mentor.organisation_id, mentor.chapter_id, mentor.status
    from public.peer_mentors as mentor;
  end if;
  if to_regclass('scheduler.staff') is null then
    create view scheduler.staff as
    select staff.user_id, staff.organisation_id, staff.role
    from public.staff as staff;
  end if;
  if to_regclass('scheduler.follow_up') is null then
    create view scheduler.follow_up as
    select assignment.coordinator_id, assignment.peer_mentor_id as user_id
    from public.coordinator_assignments as assignment
    union all
    select coordinator.coordinator_id, mentor.id
    from public.chapter_coordinators as coordinator
    join public.peer_mentors as mentor on mentor.chapter_id = coordinator.chapter_id;
  end if;
  if to_regclass('scheduler.coordinated_chapter') is null then
    create view scheduler.coordinated_chapter as
    select coordinator.coordinator_id, coordinator.chapter_id, chapter.organisation_id
    from public.chapter_coordinators as coordinator
    join public.chapters as chapter on chapter.id = coordinator.chapter_id;
  end if;
exception
  when undefined_column or undefined_table then
    raise exception using
      errcode = sqlstate,
      message = sqlerrm,
      hint = 'Make the views scheduler.mentor, scheduler.staff, scheduler.follow_up and scheduler.coordinated_chapter from your own tables in 20261120100400_mapping.sql: see "Your own tables" in the README.';
end $$;
comment on view scheduler.mentor is 'The roster as staff see it: active, paused or inactive, and in which chapter. user_id and organisation_id must be indexed.';
comment on view scheduler.staff is 'Who is coordinator or admin, and of which organisation. user_id must be indexed.';
comment on view scheduler.follow_up is 'Which mentors a coordinator follows up, directly or through a chapter; a mentor may come twice. coordinator_id must be indexed.';
comment on view scheduler.coordinated_chapter is 'Which chapters a coordinator follows up.';

-- Runs that people look at, and ask for ------------------------------------------------

alter table scheduler.invocations
  add column if not exists requested_by uuid,
  add column if not exists stop_requested_at timestamptz;
comment on column scheduler.invocations.requested_by is 'The member of staff who asked for it through the API.';
comment on column scheduler.invocations.stop_requested_at is 'From here on it claims no further page.';
comment on column scheduler.invocations.status_reason is 'Why it was skipped: duplicate_tick, overlap or missed; failed before it began: not_configured, unknown_job; or ended before all was done: stopped.';

do $$
begin
  if exists (
    select from pg_attribute as a
    where a.attrelid = 'scheduler.jobs'::regclass and a.attname = 'staff_may_start' and not a.attisdropped
  ) then
    return;
  end if;
  alter table scheduler.jobs add column staff_may_start boolean not null default false;
  update scheduler.jobs as job
  set staff_may_start = true
  where job.job_name in ('scenario-evaluation', 'dispatch-backlog') and job.kind = 'edge';
end $$;
comment on column scheduler.jobs.staff_may_start is 'Whether staff may start it through the API, for their own organisations. Of no meaning for SQL jobs.';

create or replace view scheduler.scheduler_execution_log as
select
  invocation.id as invocation_id,
  invocation.job_name,
  invocation.status,
  invocation.status_reason,
  invocation.triggered_by,
  invocation.scheduled_for,
  invocation.requested_at,
  invocation.request_id,
  invocation.http_status,
  invocation.attempt,
  invocation.retry_of,
  invocation.webhook_id,
  invocation.started_at,
  invocation.heartbeat_at,
  invocation.finished_at,
  invocation.dry_run,
  invocation.scenarios,
  invocation.organisation_ids,
  invocation.as_of,
  invocation.total_active_mentors,
  invocation.total_evaluated,
  invocation.total_candidates,
  invocation.total_dispatched,
  invocation.total_suppressed,
  invocation.suppressed,
  invocation.total_errors,
  invocation.errors,
  invocation.pages_processed,
  invocation.remaining_unprocessed_count,
  invocation.error_type,
  invocation.error_message,
  invocation.details,
  invocation.requested_by,
  invocation.stop_requested_at
from scheduler.invocations as invocation;

create table if not exists scheduler.invocation_shares (
  invocation_id uuid
    constraint share_is_of_a_run references scheduler.invocations (id) on delete cascade,
  organisation_id uuid,
  total_active_mentors integer not null,
  total_evaluated integer not null,
  total_candidates integer not null,
  suppressed jsonb not null default '{}',
  constraint invocation_shares_pkey primary key (invocation_id, organisation_id)
);
comment on table scheduler.invocation_shares is 'What an evaluation found in each organisation: nobody is shown the figures of others. Written by run_scenario_evaluation.';

create table if not exists scheduler.invocation_notes (
  invocation_id uuid
    constraint note_is_on_a_run references scheduler.invocations (id) on delete cascade,
  organisation_id uuid,
  note text not null
    constraint note_is_a_thousand_characters_at_most check (length(note) between 1 and 1000),
  noted_by uuid not null,
  noted_at timestamptz not null default now(),
  constraint invocation_notes_pkey primary key (invocation_id, organisation_id)
);
comment on table scheduler.invocation_notes is 'What staff wrote on a run, each organisation for itself.';

create table if not exists scheduler.idempotency_keys (
  user_id uuid,
  idempotency_key text,
  request jsonb not null,
  answer jsonb,
  used_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (user_id, idempotency_key)
);
comment on table scheduler.idempotency_keys is 'Requests for a run, so that one that comes twice in 24 hours gets the same answer and no second run.';
create index if not exists idempotency_keys_used on scheduler.idempotency_keys (used_at);

create index if not exists invocations_newest on scheduler.invocations (requested_at, id);
create index if not exists invocations_of_everybody
  on scheduler.invocations (requested_at, id) where organisation_ids is null;
create index if not exists invocations_of_everybody_with_status
  on scheduler.invocations (status, requested_at, id) where organisation_ids is null;
create index if not exists invocations_of_everybody_of_job
  on scheduler.invocations (job_name, requested_at, id) where organisation_ids is null;
create index if not exists invocations_of_organisations
  on scheduler.invocations using gin (organisation_ids) where organisation_ids is not null;
-- squawk-ignore require-concurrent-index-deletion
drop index if exists scheduler.invocations_requested;
create index if not exists push_attempts_run on scheduler.push_attempts (invocation_id);

do $$
begin
  if to_regtype('scheduler.invocation_entry') is null then
    create type scheduler.invocation_entry as (
      id uuid,
      job_name text,
      status text,
      status_reason text,
      triggered_by text,
      scheduled_for timestamptz,
      requested_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      stop_requested_at timestamptz,
      dry_run boolean,
      scenarios text[],
      all_organisations boolean,
      attempt integer,
      retry_of uuid,
      error_type text,
      error_message text,
      note text
    );
  end if;
  comment on type scheduler.invocation_entry is 'A run as staff see it in a list.';

  if to_regtype('scheduler.invocation_figures') is null then
    create type scheduler.invocation_figures as (
      total_active_mentors integer,
      total_evaluated integer,
      total_candidates integer,
      total_dispatched integer,
      total_suppressed integer,
      total_errors integer,
      suppressed jsonb,
      errors jsonb
    );
  end if;
  comment on type scheduler.invocation_figures is 'What a run did to the mentors in the caller''s reach. Null: not known for them.';

  if to_regtype('scheduler.mentor_status') is null then
    create type scheduler.mentor_status as (
      user_id uuid,
      organisation_id uuid,
      chapter_id uuid,
      status text,
      last_activity_on date,
      days_silent integer,
      next_certification_expiry date,
      last_notification_scenario text,
      last_notification_on date,
      last_notification_status text,
      last_notification_reason text,
      last_notification_sent_at timestamptz
    );
  end if;
  comment on type scheduler.mentor_status is 'A mentor as staff who follow her up see her.';

  if to_regtype('scheduler.batch_evaluation') is null then
    create type scheduler.batch_evaluation as (
      invocation_id uuid,
      evaluated integer,
      candidates jsonb
    );
  end if;
  comment on type scheduler.batch_evaluation is 'An evaluation of given mentors; without invocation_id in a dry run.';
end $$;

-- The API's login. It has no password until an operator gives it one, and becomes
-- authenticated, with the claims of the caller, in each transaction.
do $$
begin
  if not exists (select from pg_roles where rolname = 'scheduler_api') then
    create role scheduler_api login noinherit;
  end if;
exception
  -- Another database of the same server made it just now.
  when duplicate_object or unique_violation then
    null;
end $$;

do $$
begin
  alter role scheduler_api set statement_timeout = '8s';
  grant authenticated to scheduler_api;
exception
  when internal_error then
    null; -- the same, at the same time: tuple concurrently updated
  when insufficient_privilege then
    raise warning 'scheduler_api can''t be made a member of authenticated: %', sqlerrm
      using hint = 'Let a role that may do it run: grant authenticated to scheduler_api; until then the function api needs SUPABASE_DB_URL.';
end $$;
