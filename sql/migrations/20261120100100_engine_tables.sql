-- The engine's own schema. Private: no role but the owner is granted anything here.

set lock_timeout = '5s';

create schema if not exists scheduler;
comment on schema scheduler is 'Decides who gets a push, exactly once, at a decent hour. Private: never exposed through the API.';
revoke all on schema scheduler from public, anon, authenticated;

-- What is tracked -----------------------------------------------------------

create table if not exists scheduler.tracked_sources (
  id bigint generated always as identity
    constraint tracked_sources_pkey primary key,
  kind text not null
    constraint tracked_source_kind_is_known check (kind in ('roster', 'activity')),
  source regclass not null,
  user_column name not null,
  date_column name,
  organisation_column name,
  timezone_column name,
  locale_column name,
  condition text,
  constraint a_source_is_tracked_once_per_kind unique (source, kind)
);
comment on table scheduler.tracked_sources is 'The application tables that mentor_state is folded from. Written by track_roster and track_activity only.';
create unique index if not exists there_is_one_roster on scheduler.tracked_sources (kind) where kind = 'roster';

-- fillfactor leaves room for updates that touch no indexed column to stay on their page.
create table if not exists scheduler.mentor_state (
  user_id uuid
    constraint mentor_state_pkey primary key,
  organisation_id uuid,
  active boolean not null default false,
  on_roster boolean not null default false,
  joined_on date,
  last_activity_on date,
  activity_count integer not null default 0,
  silent_since date generated always as (coalesce(last_activity_on, joined_on)) stored,
  timezone text,
  locale text,
  inactivity_rests_until date not null default '-infinity',
  inactivity_reminders integer not null default 0,
  next_milestone integer,
  milestone_by date
) with (fillfactor = 80);
comment on table scheduler.mentor_state is 'Each mentor in one narrow row, kept current by triggers on the tracked sources.';
comment on column scheduler.mentor_state.on_roster is 'False for somebody with recorded activity whom the roster does not list (yet, or any more).';
comment on column scheduler.mentor_state.activity_count is 'All activities that count, planned ones included.';
comment on column scheduler.mentor_state.inactivity_rests_until is 'Hint: no inactivity push before this date. May be too early, never too late.';
comment on column scheduler.mentor_state.inactivity_reminders is 'Hint: reminders sent in the present silence. May be too low, never too high.';
comment on column scheduler.mentor_state.next_milestone is 'The smallest configured milestone above activity_count; null: none.';
comment on column scheduler.mentor_state.milestone_by is 'Hint: the last milestone was reached on this date at the latest; null: none is waiting.';

-- The whole inactivity scan is answered by this index: the due range and what rests in it.
create index if not exists mentor_state_silence
  on scheduler.mentor_state (organisation_id, silent_since, inactivity_rests_until, inactivity_reminders)
  include (user_id) where active;
create index if not exists mentor_state_milestone
  on scheduler.mentor_state (organisation_id, milestone_by)
  where active and milestone_by is not null;

create table if not exists scheduler.organisation_state (
  organisation_id uuid
    constraint organisation_state_pkey primary key,
  active_mentors integer not null default 0
);
comment on table scheduler.organisation_state is 'Active mentors per organisation: kept, so that no run has to count them.';

create table if not exists scheduler.milestones (
  milestone integer
    constraint milestones_pkey primary key
    constraint milestone_is_positive check (milestone >= 1)
);
comment on table scheduler.milestones is 'Every milestone that any configuration has named; tells the fold of activities when to look closer.';

-- Scenarios and their settings ------------------------------------------------

create table if not exists scheduler.scenarios (
  scenario_type text
    constraint scenarios_pkey primary key
    constraint scenario_type_is_a_plain_name check (scenario_type ~ '^[a-z][a-z0-9_]*$'),
  detector text not null,
  description text not null,
  param_kinds jsonb not null default '{}',
  default_params jsonb not null default '{}',
  default_cooldown_days integer not null
    constraint default_cooldown_is_a_day_to_a_century check (default_cooldown_days between 1 and 36500),
  default_priority integer not null,
  default_ttl_hours integer not null default 72
    constraint default_ttl_is_an_hour_to_a_year check (default_ttl_hours between 1 and 8760),
  placeholders text[] not null default '{}'
    constraint placeholders_are_plain_names check (array_to_string(placeholders, ' ', '?') ~ '^[a-z0-9_ ]*$'),
  last_turn_at timestamptz
);
comment on table scheduler.scenarios is 'The registry: a scenario is one detector function and one row here.';
comment on column scheduler.scenarios.detector is 'A function (scheduler.evaluation_scope[], uuid[], boolean) returning setof scheduler.occurrence.';
comment on column scheduler.scenarios.param_kinds is 'For each parameter: count, count_or_null, counts or days, as check_params reads them.';
comment on column scheduler.scenarios.placeholders is 'The facts that a template of this scenario may mention.';
comment on column scheduler.scenarios.last_turn_at is 'When an evaluation last took its turn; the write makes stale snapshots fail cleanly.';

create table if not exists scheduler.scenario_config (
  id bigint generated always as identity
    constraint scenario_config_pkey primary key,
  organisation_id uuid,
  scenario_type text not null
    constraint scenario_config_is_of_a_scenario references scheduler.scenarios (scenario_type),
  enabled boolean not null default true,
  params jsonb not null default '{}',
  cooldown_days integer not null
    constraint cooldown_is_a_day_to_a_century check (cooldown_days between 1 and 36500),
  priority integer not null,
  ttl_hours integer not null
    constraint ttl_is_an_hour_to_a_year check (ttl_hours between 1 and 8760),
  last_evaluated_at timestamptz,
  last_evaluated_count integer,
  last_candidate_count integer,
  constraint one_config_per_organisation_and_scenario unique nulls not distinct (organisation_id, scenario_type)
);
comment on table scheduler.scenario_config is 'How a scenario runs. The row of an organisation replaces the default row (organisation_id null) whole; what it leaves out comes from scheduler.scenarios.';
create index if not exists scenario_config_scenario on scheduler.scenario_config (scenario_type);

create table if not exists scheduler.organisation_settings (
  id bigint generated always as identity
    constraint organisation_settings_pkey primary key,
  organisation_id uuid,
  paused boolean not null default false,
  daily_cap integer
    constraint daily_cap_is_not_negative check (daily_cap >= 0),
  weekly_cap integer
    constraint weekly_cap_is_not_negative check (weekly_cap >= 0),
  quiet_start time
    constraint quiet_start_is_on_the_clock check (quiet_start < '24:00'),
  quiet_end time
    constraint quiet_end_is_on_the_clock check (quiet_end < '24:00'),
  on_ambiguous text
    constraint on_ambiguous_is_known check (on_ambiguous in ('resend', 'quarantine')),
  timezone text,
  locale text,
  constraint one_settings_row_per_organisation unique nulls not distinct (organisation_id)
);
comment on table scheduler.organisation_settings is 'What holds for all scenarios of an organisation. Null in an organisation''s row: as in the default row (organisation_id null). Null there: no limit.';
comment on column scheduler.organisation_settings.paused is 'In the default row: everything is paused.';
comment on column scheduler.organisation_settings.timezone is 'Of the default row: where the zone of an organisation is missing or invalid.';
comment on column scheduler.organisation_settings.locale is 'Of the default row: where an organisation names none.';

create table if not exists scheduler.scenario_templates (
  id bigint generated always as identity
    constraint scenario_templates_pkey primary key,
  organisation_id uuid,
  scenario_type text not null
    constraint scenario_template_is_of_a_scenario references scheduler.scenarios (scenario_type),
  locale text not null
    constraint template_locale_is_a_language check (locale ~ '^[a-z]{2,3}$'),
  title text not null
    constraint template_title_is_not_blank check (title ~ '\S'),
  body text not null
    constraint template_body_is_not_blank check (body ~ '\S'),
  constraint one_template_per_organisation_scenario_locale unique nulls not distinct (organisation_id, scenario_type, locale)
);
comment on table scheduler.scenario_templates is 'The texts of pushes. They light up locked screens: no diagnosis, no names of people or certifications.';
create index if not exists scenario_templates_scenario on scheduler.scenario_templates (scenario_type);

-- What was decided ------------------------------------------------------------

create table if not exists scheduler.scenario_cooldowns (
  id bigint generated always as identity
    constraint scenario_cooldowns_pkey primary key,
  user_id uuid not null,
  scenario_type text not null,
  cooldown_window_start date not null,
  cooldown_until date not null,
  occurrence_key text,
  notification_id bigint,
  constraint one_window_per_mentor_scenario_start unique (user_id, scenario_type, cooldown_window_start),
  constraint cooldown_window_is_not_reversed check (cooldown_until >= cooldown_window_start)
);
comment on table scheduler.scenario_cooldowns is 'A window per notification, in which the same scenario leaves the mentor alone. Windows of one mentor and scenario never overlap.';
create index if not exists scenario_cooldowns_notification on scheduler.scenario_cooldowns (notification_id);

create table if not exists scheduler.notifications (
  id bigint generated by default as identity
    constraint notifications_pkey primary key,
  user_id uuid not null,
  organisation_id uuid,
  scenario_type text not null,
  occurrence_key text not null,
  cooldown_window_start date,
  evaluation_date date not null,
  status text not null default 'pending'
    constraint notification_status_is_known check (
      status in ('pending', 'sending', 'sent', 'failed', 'dead', 'expired', 'cancelled', 'quarantined')
    ),
  status_reason text,
  deliver_after timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '72 hours',
  title text not null,
  body text not null,
  data jsonb not null default '{}',
  invocation_id uuid,
  created_at timestamptz not null default now(),
  constraint one_notification_per_mentor_scenario_day unique (user_id, scenario_type, evaluation_date),
  constraint notification_expires_after_delivery check (expires_at > deliver_after)
);
comment on table scheduler.notifications is 'The outbox: a row per push that was decided, and the truth about what became of it.';
create unique index if not exists one_notification_per_occurrence
  on scheduler.notifications (user_id, scenario_type, occurrence_key) where status <> 'cancelled';
create index if not exists notifications_pending
  on scheduler.notifications (deliver_after, id) where status = 'pending';

create table if not exists scheduler.invocations (
  id uuid default gen_random_uuid()
    constraint invocations_pkey primary key,
  job_name text not null,
  status text not null
    constraint invocation_status_is_known check (
      status in ('requested', 'running', 'completed', 'partial', 'failed', 'skipped', 'abandoned')
    ),
  triggered_by text,
  as_of timestamptz,
  started_at timestamptz,
  finished_at timestamptz,
  total_active_mentors integer,
  total_evaluated integer,
  total_candidates integer,
  total_suppressed integer,
  suppressed jsonb
);
comment on table scheduler.invocations is 'The run ledger: a row per run, with what it found and what it held back, by scenario and reason.';
create index if not exists invocations_started on scheduler.invocations (started_at desc);

-- Types that functions pass on --------------------------------------------------

do $$
begin
  if to_regtype('scheduler.candidate') is null then
    create type scheduler.candidate as (
      notification_id bigint,
      user_id uuid,
      organisation_id uuid,
      scenario_type text,
      occurrence_key text,
      cooldown_window_start date,
      evaluation_date date,
      deliver_after timestamptz,
      title text,
      body text,
      data jsonb
    );
  end if;
  comment on type scheduler.candidate is 'A push that an evaluation decided on; in a dry run without notification_id.';

  if to_regtype('scheduler.evaluation_scope') is null then
    create type scheduler.evaluation_scope as (
      organisation_id uuid,
      scenario_type text,
      config_id bigint,
      evaluation_date date,
      params jsonb,
      cooldown_days integer,
      priority integer,
      ttl_hours integer,
      timezone text,
      locale text,
      daily_cap integer,
      weekly_cap integer,
      quiet_start time,
      quiet_end time,
      active_mentors integer
    );
  end if;
  comment on type scheduler.evaluation_scope is 'One scenario in one organisation, with the settings that hold there and its evaluation date.';

  if to_regtype('scheduler.occurrence') is null then
    create type scheduler.occurrence as (
      scenario_type text,
      user_id uuid,
      organisation_id uuid,
      occurrence_key text,
      anchor date,
      due boolean,
      rests text,
      facts jsonb
    );
  end if;
  comment on type scheduler.occurrence is 'What a detector finds, at most one for a mentor. rests: the scenario''s own reason to hold it back, after those that hold for all.';

  if to_regtype('scheduler.verdict') is null then
    create type scheduler.verdict as (
      scenario_type text,
      user_id uuid,
      organisation_id uuid,
      config_id bigint,
      evaluation_date date,
      occurrence_key text,
      due boolean,
      reason text,
      facts jsonb,
      cooldown_window_start date,
      cooldown_until date,
      deliver_after timestamptz,
      expires_at timestamptz,
      title text,
      body text,
      data jsonb
    );
  end if;
  comment on type scheduler.verdict is 'An occurrence judged: reason null means a push.';
end $$;

-- What the application's data looks like to the engine --------------------------------

-- Empty until the mapping replaces them; PostgreSQL then holds it to these names and types.
do $$
begin
  if to_regclass('scheduler.organisation') is null then
    create view scheduler.organisation as
    select null::uuid as organisation_id, null::text as timezone, null::text as locale where false;
  end if;
  if to_regclass('scheduler.certification') is null then
    create view scheduler.certification as
    select null::uuid as user_id, null::date as expires_on where false;
  end if;
  if to_regclass('scheduler.device') is null then
    create view scheduler.device as
    select null::uuid as user_id, null::text as token, null::text as platform, null::text as provider where false;
  end if;
  if to_regclass('scheduler.preference') is null then
    create view scheduler.preference as
    select null::uuid as user_id, null::text as scenario_type, null::boolean as push_enabled where false;
  end if;
end $$;
