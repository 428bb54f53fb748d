-- What runs by itself: the jobs and their schedules, the ledger from the tick to
-- the end, the requests that wake the function, pauses, and how long things are kept.

set lock_timeout = '5s';

-- What this needs of the platform -----------------------------------------------

-- HMAC, for the signature of a request.
create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;

-- Where they can't be enabled, evaluating by hand works all the same, and
-- scheduler_status() says what is missing.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['pg_cron', 'pg_net'] loop
    continue when to_regnamespace(replace(wanted, 'pg_', '')) is not null;
    begin
      execute format('create extension %I', wanted);
    exception
      when others then
        raise warning '% can''t be enabled here: %', wanted, sqlerrm
          using hint = 'Enable it in the dashboard (Database, Extensions), then: select scheduler.apply_schedules();';
    end;
  end loop;
end $$;

-- Jobs -----------------------------------------------------------------------------

create table if not exists scheduler.jobs (
  job_name text
    constraint jobs_pkey primary key
    constraint job_name_is_a_plain_name check (job_name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(job_name) <= 63),
  kind text not null
    constraint job_kind_is_known check (kind in ('edge', 'sql')),
  target text not null,
  schedule text,
  cron_name text
    constraint cron_name_is_a_plain_name check (cron_name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(cron_name) <= 63),
  enabled boolean not null default true,
  catch_up interval default '12 hours'
    constraint catch_up_is_positive check (catch_up > interval '0'),
  timeout interval not null default '10 seconds'
    constraint timeout_is_a_second_to_a_minute check (timeout between interval '1 second' and interval '1 minute'),
  scenarios text[],
  notes text,
  last_tick_for timestamptz not null default now(),
  constraint job_with_a_schedule_has_an_entry check ((schedule is null) = (cron_name is null))
);
comment on table scheduler.jobs is 'What runs by itself, and when. pg_cron''s entries are derived from it by apply_schedules().';
comment on column scheduler.jobs.target is 'Of an edge job: the name by which the function knows it. Of an SQL job: the function that is called, without arguments.';
comment on column scheduler.jobs.schedule is 'As in cron, in UTC. Null: only when somebody asks for it.';
comment on column scheduler.jobs.cron_name is 'The entry of pg_cron that starts it. Jobs of one entry have one schedule.';
comment on column scheduler.jobs.catch_up is 'A tick that was missed is made up for, once, if it is no older than this. Null: the next one will do.';
comment on column scheduler.jobs.timeout is 'How long the database waits for the function to take the run on. Of no meaning for SQL jobs.';
comment on column scheduler.jobs.scenarios is 'Of a job that evaluates: only these. Null: all.';
comment on column scheduler.jobs.last_tick_for is 'The last scheduled moment that was dealt with, or before which none counts.';

create table if not exists scheduler.pauses (
  id bigint generated always as identity
    constraint pauses_pkey primary key,
  job_name text
    constraint pause_is_of_a_job references scheduler.jobs (job_name) on delete cascade,
  organisation_id uuid,
  paused_at timestamptz not null default now(),
  paused_by text not null,
  reason text,
  resumed_at timestamptz,
  resumed_by text,
  constraint pause_is_of_a_job_or_an_organisation check (job_name is null or organisation_id is null)
);
comment on table scheduler.pauses is 'Who paused what, when and why. Without job and organisation: everything. Written by pause and resume.';
create unique index if not exists paused_once
  on scheduler.pauses (job_name, organisation_id) nulls not distinct where resumed_at is null;
create index if not exists pauses_job on scheduler.pauses (job_name);

-- The ledger -----------------------------------------------------------------------

do $$
begin
  if exists (
    select from pg_attribute as a
    where a.attrelid = 'scheduler.invocations'::regclass and a.attname = 'requested_at' and not a.attisdropped
  ) then
    return;
  end if;
  alter table scheduler.invocations
    add column requested_at timestamptz not null default now(),
    add column attempt integer not null default 1,
    add column retry_of uuid,
    add column request_id bigint,
    add column http_status integer,
    add column heartbeat_at timestamptz,
    add column scenarios text[],
    add column organisation_ids uuid[],
    add column status_reason text,
    add column details jsonb;

  -- Of the runs so far none was watched: one that lives ends as it will. A moment
  -- could have several: the first keeps it.
  update scheduler.invocations as before
  set
    requested_at = coalesce(before.started_at, before.requested_at),
    status = case when before.status = 'running' then 'abandoned' else before.status end,
    scheduled_for = case
      when not exists (
        select from scheduler.invocations as first
        where first.job_name = before.job_name
          and first.scheduled_for = before.scheduled_for
          and (first.started_at, first.id) < (before.started_at, before.id)
      ) then before.scheduled_for
    end;
  -- Of several in one transaction the order is to be told.
  alter table scheduler.invocations alter column requested_at set default clock_timestamp();
end $$;

comment on column scheduler.invocations.scheduled_for is 'The tick that it is for; null: somebody asked for it.';
comment on column scheduler.invocations.attempt is 'So many times the function was asked for this, the runs included that this one makes up for.';
comment on column scheduler.invocations.retry_of is 'The run that failed or was abandoned, and that this one makes up for.';
comment on column scheduler.invocations.request_id is 'pg_net''s, of the last request.';
comment on column scheduler.invocations.heartbeat_at is 'The last sign of life of a running one.';
comment on column scheduler.invocations.status_reason is 'Why it was skipped: duplicate_tick, overlap or missed; or failed before it began: not_configured, unknown_job.';
comment on column scheduler.invocations.details is 'What an SQL job returned.';

create unique index if not exists one_run_per_tick
  on scheduler.invocations (job_name, scheduled_for)
  where scheduled_for is not null and retry_of is null and not dry_run and status <> 'skipped'
    and status_reason is distinct from 'not_configured';
create unique index if not exists one_running_run_per_job
  on scheduler.invocations (job_name) where status = 'running' and not dry_run;
create unique index if not exists a_run_is_retried_once
  on scheduler.invocations (retry_of) where retry_of is not null;
create index if not exists invocations_open
  on scheduler.invocations (job_name) where status in ('requested', 'running');
create index if not exists invocations_broken
  on scheduler.invocations (requested_at) where status in ('failed', 'abandoned');
create index if not exists invocations_requested on scheduler.invocations (requested_at);
create index if not exists invocations_of_job on scheduler.invocations (job_name, requested_at);

create table if not exists scheduler.requests (
  id bigint generated always as identity
    constraint requests_pkey primary key,
  invocation_id uuid not null
    constraint request_is_for_a_run references scheduler.invocations (id) on delete cascade,
  attempt integer not null,
  request_id bigint not null,
  webhook_id text not null,
  asked_at timestamptz not null default now(),
  outcome text
    constraint request_outcome_is_known check (
      outcome in ('accepted', 'refused', 'timed_out', 'unreachable', 'lost', 'unanswered')
    ),
  http_status integer,
  error text,
  seen_at timestamptz
);
comment on table scheduler.requests is 'Each time that the function was asked, and what became of it. Written by invoke_edge and reconcile_requests.';
comment on column scheduler.requests.request_id is 'pg_net''s. They begin anew when its unlogged tables are lost.';
comment on column scheduler.requests.outcome is 'Null: not known yet. lost: neither waiting nor answered. unanswered: waiting still, long after it should have been made.';
create index if not exists requests_run on scheduler.requests (invocation_id, id);
create index if not exists requests_open on scheduler.requests (request_id) where outcome is null;

create table if not exists scheduler.retention (
  kept text
    constraint retention_pkey primary key,
  keep interval not null
    constraint retention_is_a_week_or_more check (keep >= interval '7 days'),
  swept_to bigint not null default 0,
  notes text
);
comment on table scheduler.retention is 'How long housekeeping keeps what. Edit keep; a row that is taken away keeps for good.';
comment on column scheduler.retention.swept_to is 'Where the last sweep stopped; it goes round.';

do $$
begin
  if to_regtype('scheduler.cron_schedule') is null then
    create type scheduler.cron_schedule as (
      minutes integer[],
      hours integer[],
      days integer[],
      months integer[],
      weekdays integer[],
      either_day boolean
    );
  end if;
  comment on type scheduler.cron_schedule is 'A cron expression, read. either_day: both days are restricted, and one of them is enough.';

  if to_regtype('scheduler.component_status') is null then
    create type scheduler.component_status as (component text, status text, detail text);
  end if;
  comment on type scheduler.component_status is 'A line of scheduler_status().';
end $$;
