-- What sending needs: the state of a delivery on each notification, a row for
-- every device that was tried, the run ledger's totals, and a login of its own
-- for the dispatcher.

set lock_timeout = '5s';

alter table scheduler.notifications
  add column if not exists attempts integer not null default 0,
  add column if not exists next_attempt_at timestamptz,
  add column if not exists lease_token uuid,
  add column if not exists lease_expires_at timestamptz,
  add column if not exists claimed_by uuid,
  add column if not exists sent_at timestamptz,
  add column if not exists requeued_at timestamptz;

-- One expression for one index: what waits for its time and what was claimed
-- and never recorded are looked for in the same place. The table is rewritten
-- once; it is as young as the project.
alter table scheduler.notifications
  -- squawk-ignore adding-field-with-default
  add column if not exists due_at timestamptz generated always as (
    case status
      when 'pending' then coalesce(next_attempt_at, deliver_after)
      when 'sending' then coalesce(lease_expires_at, deliver_after)
    end
  ) stored;

comment on column scheduler.notifications.attempts is 'How often it was claimed. Counted at the claim, so that a sender that dies counts too.';
comment on column scheduler.notifications.next_attempt_at is 'When a claim may look at it again; null: from deliver_after on.';
comment on column scheduler.notifications.lease_token is 'Of the claim that is sending it. Only who holds it may record what became of it.';
comment on column scheduler.notifications.lease_expires_at is 'From here on nobody knows whether the push left (on_ambiguous).';
comment on column scheduler.notifications.claimed_by is 'The invocation that claimed it last.';
comment on column scheduler.notifications.sent_at is 'When the first device''s provider took it. From then on it is never sent to other devices anew, nor cancelled.';
comment on column scheduler.notifications.requeued_at is 'When an operator last brought it back. Devices that were refused before may be tried again.';
comment on column scheduler.notifications.due_at is 'When a claim looks at it next: the time of the push, of its retry, or the end of the lease. Null: never again.';

create index if not exists notifications_due
  on scheduler.notifications (due_at, id) where due_at is not null;
create index if not exists notifications_parked
  on scheduler.notifications (status, id) where status in ('dead', 'quarantined');
-- squawk-ignore require-concurrent-index-deletion
drop index if exists scheduler.notifications_pending;

create table if not exists scheduler.push_attempts (
  id bigint generated always as identity
    constraint push_attempts_pkey primary key,
  notification_id bigint not null,
  attempt integer not null,
  token_hash bytea not null,
  provider text,
  platform text,
  outcome text not null
    constraint push_outcome_is_known check (
      outcome in ('sent', 'retry', 'unknown', 'failed', 'invalid_token', 'held')
    ),
  error_type text,
  error_code text,
  provider_message_id text,
  invocation_id uuid,
  attempted_at timestamptz not null default now()
);
comment on table scheduler.push_attempts is 'What became of each push at each device. The token only as a hash (SHA-256).';
comment on column scheduler.push_attempts.outcome is 'sent; retry: failed in passing; unknown: may have left; failed: never will; invalid_token: device put away; held: not taken, through no fault of message or device.';
create index if not exists push_attempts_notification on scheduler.push_attempts (notification_id, id);
create index if not exists push_attempts_refused
  on scheduler.push_attempts (attempted_at, notification_id) where outcome = 'invalid_token';

alter table scheduler.invocations
  add column if not exists scheduled_for timestamptz,
  add column if not exists webhook_id text,
  add column if not exists dry_run boolean not null default false,
  add column if not exists total_dispatched integer,
  add column if not exists total_errors integer,
  add column if not exists errors jsonb,
  add column if not exists pages_processed integer,
  add column if not exists remaining_unprocessed_count integer,
  add column if not exists error_type text,
  add column if not exists error_message text;

create unique index if not exists a_webhook_runs_once
  on scheduler.invocations (webhook_id) where webhook_id is not null;

do $$
begin
  if to_regtype('scheduler.claimed_notification') is null then
    create type scheduler.claimed_notification as (
      notification_id bigint,
      lease_token uuid,
      attempt integer,
      user_id uuid,
      organisation_id uuid,
      scenario_type text,
      collapse_key text,
      expires_at timestamptz,
      ttl_seconds integer,
      title text,
      body text,
      data jsonb,
      devices json
    );
  end if;
  comment on type scheduler.claimed_notification is 'A push to be sent now, under a lease: the message and its devices as [{token, platform, provider}].';
end $$;

do $$
begin
  if to_regtype('scheduler.invocation_summary') is null then
    create type scheduler.invocation_summary as (
      invocation_id uuid,
      status text,
      total_active_mentors integer,
      total_evaluated integer,
      total_candidates integer,
      total_dispatched integer,
      total_suppressed integer,
      total_errors integer,
      pages_processed integer,
      remaining_unprocessed_count integer,
      duration_ms integer,
      error_type text
    );
  end if;
  comment on type scheduler.invocation_summary is 'A run in figures, as the dispatcher answers and logs it.';
end $$;

-- The dispatcher's login. It has no password until an operator gives it one.
do $$
begin
  if not exists (select from pg_roles where rolname = 'scheduler_dispatcher') then
    create role scheduler_dispatcher login noinherit;
  end if;
exception
  -- Another database of the same server made it just now.
  when duplicate_object or unique_violation then
    null;
end $$;

do $$
begin
  -- A stuck query must not hold a sender for good.
  alter role scheduler_dispatcher set statement_timeout = '60s';
exception
  when internal_error then
    null; -- the same, at the same time: tuple concurrently updated
end $$;
