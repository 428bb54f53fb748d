-- The jobs, what is kept how long, the triggers that hold them together, and the
-- views for psql. The last lines put the jobs on pg_cron's schedule.

set lock_timeout = '5s';

create or replace trigger jobs_are_valid
  before insert or update of kind, target, schedule, cron_name, enabled, scenarios on scheduler.jobs
  for each row execute function scheduler.check_job();

create or replace trigger jobs_are_scheduled
  after insert or delete or update of schedule, cron_name, enabled on scheduler.jobs
  for each statement execute function scheduler.follow_jobs();

create or replace trigger pauses_are_followed
  after insert or update of resumed_at on scheduler.pauses
  for each statement execute function scheduler.follow_jobs();

create or replace trigger organisation_settings_note_pauses
  after insert or delete or update of paused on scheduler.organisation_settings
  for each row execute function scheduler.note_pauses();

insert into scheduler.pauses (organisation_id, paused_by)
select settings.organisation_id, 'paused before this was noted'
from scheduler.organisation_settings as settings
where settings.paused
on conflict do nothing;

-- Only into empty tables: what an operator took away stays away.
insert into scheduler.jobs (job_name, kind, target, schedule, cron_name, enabled, catch_up, notes)
select shipped.job_name, shipped.kind, shipped.target, shipped.schedule, shipped.cron_name, shipped.enabled, shipped.catch_up::interval, shipped.notes
from (
  values
    (
      'scenario-evaluation', 'edge', 'scenario-evaluation', '0 6 * * *', 'scenario-scheduler-daily', true, '12 hours',
      'Evaluates everybody and sends. 06:00 UTC is 07:00 in Norway in winter and 08:00 in summer.'
    ),
    (
      'dispatch-backlog', 'edge', 'dispatch-backlog', '* * * * *', 'scenario-scheduler-dispatch', true, null,
      'Sends what is due: after quiet hours, again after a failure, and what a run left. Asks for nothing where nothing is due.'
    ),
    (
      'certification-expiry', 'sql', 'public.run_certification_expiry', '0 2 * * *', 'nightly-scheduler', false, '12 hours',
      'Pauses mentors whose required certification has run out. 02:00 UTC is 03:00 in Norway in winter and 04:00 in summer.'
    ),
    (
      'hlf-sync', 'edge', 'hlf-sync', '0 2 * * *', 'nightly-scheduler', false, '12 hours',
      'Fetches certifications from the portal of HLF.'
    ),
    (
      'housekeeping', 'sql', 'scheduler.run_housekeeping', '30 3 * * *', 'scenario-scheduler-housekeeping', true, '1 day',
      'Deletes what is older than scheduler.retention keeps, and compares mentor_state with its sources.'
    )
) as shipped (job_name, kind, target, schedule, cron_name, enabled, catch_up, notes)
where not exists (select from scheduler.jobs);

insert into scheduler.retention (kept, keep, notes)
select shipped.kept, shipped.keep::interval, shipped.notes
from (
  values
    ('notifications', '730 days', 'With their windows. What a decision may rest on still is kept longer: reminders of a silence that lasts, milestones.'),
    ('push_attempts', '90 days', 'A device is known to have a push for so long.'),
    ('invocations', '400 days', 'The ledger, with its requests.'),
    ('cron_history', '14 days', 'Rows of cron.job_run_details of this project''s own jobs.')
) as shipped (kept, keep, notes)
where not exists (select from scheduler.retention);

-- Later migrations add columns to it.
drop view if exists scheduler.scheduler_execution_log;
create view scheduler.scheduler_execution_log as
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
  invocation.details
from scheduler.invocations as invocation;
comment on view scheduler.scheduler_execution_log is 'The run ledger: a row from the tick to the end.';

create or replace view scheduler.run_history as
select
  invocation.requested_at::timestamptz(0) as asked_at,
  invocation.job_name || case when invocation.dry_run then ' (dry run)' else '' end as job,
  invocation.status,
  coalesce(invocation.error_message, invocation.error_type, invocation.status_reason) as why,
  invocation.triggered_by,
  invocation.attempt,
  invocation.http_status,
  round(extract(epoch from invocation.finished_at - invocation.started_at)::numeric, 1) as seconds,
  invocation.total_candidates as candidates,
  invocation.total_dispatched as sent,
  invocation.total_suppressed as suppressed,
  invocation.total_errors as errors,
  invocation.remaining_unprocessed_count as remaining,
  invocation.id as invocation_id
from scheduler.invocations as invocation
order by invocation.requested_at desc, invocation.started_at desc;
comment on view scheduler.run_history is 'The run ledger for the eye, newest first.';

create or replace view scheduler.scenario_report as
with clock as materialized (
  select scheduler.usable_timezone(array(
    select settings.timezone from scheduler.organisation_settings as settings where settings.organisation_id is null
  )) as zone
),
decided as (
  select
    notification.scenario_type,
    date_trunc('week', notification.evaluation_date::timestamp)::date as week,
    count(*) as candidates,
    count(*) filter (where notification.status = 'sent') as sent,
    count(distinct notification.user_id) filter (where notification.status = 'sent') as nudged,
    count(distinct notification.user_id) filter (where followed.active_again) as active_again
  from scheduler.notifications as notification
  cross join clock
  cross join lateral (
    select notification.status = 'sent' and exists (
      select from scheduler.activity as activity
      where activity.user_id = notification.user_id
        and activity.activity_date > (notification.sent_at at time zone clock.zone)::date
        and activity.activity_date <= (notification.sent_at at time zone clock.zone)::date + 14
    ) as active_again
  ) as followed
  group by 1, 2
),
held_back as (
  select each_reason.scenario_type, each_reason.week, jsonb_object_agg(each_reason.reason, each_reason.mentors) as suppressed
  from (
    select
      scenario.key as scenario_type,
      date_trunc('week', run.as_of at time zone clock.zone)::date as week,
      reason.key as reason,
      sum(reason.value::bigint) as mentors
    from scheduler.invocations as run
    cross join clock
    cross join lateral jsonb_each(run.suppressed) as scenario
    cross join lateral jsonb_each_text(scenario.value) as reason
    where run.as_of is not null and not run.dry_run
    group by 1, 2, 3
  ) as each_reason
  group by 1, 2
)
select
  coalesce(decided.week, held_back.week) as week,
  coalesce(decided.scenario_type, held_back.scenario_type) as scenario_type,
  coalesce(decided.candidates, 0) as candidates,
  coalesce(decided.sent, 0) as sent,
  coalesce(held_back.suppressed, '{}') as suppressed,
  coalesce(decided.nudged, 0) as nudged,
  coalesce(decided.active_again, 0) as active_again
from decided
full join held_back on held_back.week = decided.week and held_back.scenario_type = decided.scenario_type
order by 1 desc, 2;
comment on view scheduler.scenario_report is 'Per week (from Monday) and scenario: pushes decided on and sent, what each run held back by reason, and how many of the nudged mentors recorded an activity in the 14 days after.';

select scheduler.apply_privileges();
select scheduler.apply_schedules();
