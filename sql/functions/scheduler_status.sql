create or replace function public.scheduler_status()
returns table (component text, status text, detail text)
language sql
stable
security definer
set search_path = ''
set jit = off
as $$
  with zone as (
    select 'organisation ' || organisation.organisation_id as owner, described.timezone
    from scheduler.organisation_state as organisation
    left join scheduler.organisation as described on described.organisation_id = organisation.organisation_id
    where organisation.active_mentors > 0
      and (coalesce(described.timezone, '') = '' or scheduler.usable_timezone(array[described.timezone]) <> described.timezone)
    union all
    select state.mentors || ' mentors', state.timezone
    from (
      select mentor.timezone, count(*) as mentors
      from scheduler.mentor_state as mentor
      where mentor.active and mentor.timezone is not null
      group by mentor.timezone
    ) as state
    where scheduler.usable_timezone(array[state.timezone]) <> state.timezone
  ),
  outbox as (
    select
      count(*) as pending,
      min(waiting.deliver_after) as oldest,
      count(*) filter (where waiting.due_at < now() - interval '15 minutes') as overdue,
      count(*) filter (where waiting.expires_at < now()) as too_late
    from scheduler.notifications as waiting
    where waiting.status = 'pending'
  ),
  parked as (
    select
      count(*) filter (where stopped.status = 'dead') as dead,
      count(*) filter (where stopped.status = 'quarantined') as quarantined
    from scheduler.notifications as stopped
    where stopped.status in ('dead', 'quarantined')
  ),
  -- Devices that a provider refused for good, and that the application still offers.
  refused as (
    select count(distinct device.token) as devices
    from scheduler.push_attempts as attempt
    join scheduler.notifications as notification on notification.id = attempt.notification_id
    join scheduler.device as device on device.user_id = notification.user_id
    where attempt.outcome = 'invalid_token'
      and attempt.attempted_at > now() - interval '7 days'
      and attempt.token_hash = sha256(convert_to(device.token, 'UTF8'))
  ),
  last_run as (
    select run.started_at, run.total_candidates, run.total_suppressed
    from scheduler.invocations as run
    -- What was asked for some organisations or mentors says nothing of the whole.
    where run.as_of is not null and not run.dry_run and run.organisation_ids is null
    order by run.started_at desc nulls last
    limit 1
  ),
  last_ending as (
    select run.job_name, run.status, run.finished_at, run.error_type
    from scheduler.invocations as run
    where run.finished_at is not null and not run.dry_run and run.status <> 'skipped' and run.organisation_ids is null
      and run.status_reason is distinct from 'unknown_job'
    order by run.requested_at desc
    limit 1
  ),
  unended as (
    select count(*) as runs, min(run.started_at) as oldest
    from scheduler.invocations as run
    where run.status = 'running' and coalesce(run.heartbeat_at, run.started_at) < now() - scheduler.heartbeat_limit()
  )
  select
    'roster',
    case when exists (select from scheduler.tracked_sources as t where t.kind = 'roster') then 'ok' else 'fail' end,
    coalesce(
      (
        select format('%s active mentors in %s organisations, from %s',
          coalesce(sum(o.active_mentors), 0), count(*) filter (where o.active_mentors > 0),
          (select t.source from scheduler.tracked_sources as t where t.kind = 'roster'))
        from scheduler.organisation_state as o
        having exists (select from scheduler.tracked_sources as t where t.kind = 'roster')
      ),
      'no roster is tracked: call scheduler.track_roster'
    )

  union all
  select
    'activity',
    case when count(*) > 0 then 'ok' else 'fail' end,
    coalesce('from ' || string_agg(t.source::pg_catalog.text, ', ' order by t.id), 'no activity is tracked: call scheduler.track_activity')
  from scheduler.tracked_sources as t
  where t.kind = 'activity'

  union all
  select
    'time zones',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      'missing or invalid, the fallback is used: '
        || string_agg(zone.owner || ' ' || coalesce(quote_literal(zone.timezone), 'null'), ', ' order by zone.owner),
      'all valid'
    )
  from zone

  union all
  select
    'scenario ' || scenario.scenario_type,
    case when config.id is null or template.written = 0 then 'warn' else 'ok' end,
    case
      when config.id is null then 'has no default row in scenario_config, so it runs only where an organisation has one'
      when template.written = 0 then 'has no default template in nb or en: mentors without one of their own get no push'
      when not config.enabled then 'switched off by default'
      when config.last_evaluated_at is null then 'not evaluated yet'
      else format('last evaluated at %s: %s mentors, %s candidates',
        config.last_evaluated_at, config.last_evaluated_count, config.last_candidate_count)
    end
  from scheduler.scenarios as scenario
  left join scheduler.scenario_config as config
    on config.scenario_type = scenario.scenario_type and config.organisation_id is null
  cross join lateral (
    select count(*) as written
    from scheduler.scenario_templates as t
    where t.scenario_type = scenario.scenario_type and t.organisation_id is null and t.locale in ('nb', 'en')
  ) as template

  union all
  select
    'paused',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      string_agg(
        format('%s since %s by %s (%s)',
          coalesce(pause.job_name, 'organisation ' || pause.organisation_id, 'everything'),
          pause.paused_at::pg_catalog.timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given')),
        ', ' order by pause.organisation_id nulls first, pause.job_name nulls first
      ),
      'nothing is paused'
    )
  from scheduler.pauses as pause
  where pause.resumed_at is null

  union all
  select
    'last evaluation',
    case when last_run.started_at > now() - interval '26 hours' then 'ok' else 'warn' end,
    case
      when last_run.started_at is null then 'none yet: select run_scenario_evaluation();'
      else format('%s: %s candidates, %s suppressed', last_run.started_at, last_run.total_candidates, last_run.total_suppressed)
    end
  from (select) as one
  left join last_run on true

  union all
  select
    'last run',
    case when last_ending.status = 'failed' then 'warn' else 'ok' end,
    case
      when last_ending.status is null then 'none yet'
      else format('%s ended as %s at %s%s', last_ending.job_name, last_ending.status,
        last_ending.finished_at::pg_catalog.timestamptz(0), ': ' || last_ending.error_type)
    end
  from (select) as one
  left join last_ending on true

  union all
  select
    'unended runs',
    case when unended.runs = 0 then 'ok' else 'warn' end,
    case
      when unended.runs = 0 then 'every run has ended, or began just now'
      else format('%s still running since %s: their function was killed. What they held is taken over when its lease ends',
        unended.runs, unended.oldest::pg_catalog.timestamptz(0))
    end
  from unended

  union all
  select
    'outbox',
    case when outbox.too_late > 0 or outbox.overdue > 0 then 'warn' else 'ok' end,
    case
      when outbox.pending = 0 then 'nothing pending'
      else format('%s pending, the oldest since %s', outbox.pending, outbox.oldest)
    end
      || case when outbox.overdue > 0 then format(', %s due for more than a quarter of an hour: nothing is sending', outbox.overdue) else '' end
      || case when outbox.too_late > 0 then format(', %s past their expiry', outbox.too_late) else '' end
  from outbox

  union all
  select
    'sending',
    case when count(*) = 0 then 'ok' else 'warn' end,
    case
      when count(*) = 0 then 'no lease has run out'
      else format('claimed and never recorded: %s, since %s. A sender was killed or stalled; the next one takes over',
        count(*), min(held.lease_expires_at)::pg_catalog.timestamptz(0))
    end
  from scheduler.notifications as held
  where held.due_at < now() and held.status = 'sending'

  union all
  select
    'given up',
    case when parked.dead + parked.quarantined = 0 then 'ok' else 'warn' end,
    case
      when parked.dead + parked.quarantined = 0 then 'nothing dead or quarantined'
      else format('%s dead, %s quarantined: see scheduler.push_attempts for why, then select * from scheduler.requeue_notifications();',
        parked.dead, parked.quarantined)
    end
  from parked

  union all
  select
    'devices',
    case when refused.devices = 0 then 'ok' else 'warn' end,
    case
      when refused.devices = 0 then 'no refused device is offered any more'
      else format('refused for good in the last week and still in scheduler.device: %s. Let scheduler.disable_devices put them away in a table of your own',
        refused.devices)
    end
  from refused

  union all
  select state.* from scheduler.status_of_state() as state
  union all
  select certification.* from scheduler.status_of_certifications() as certification
  union all
  select platform.* from scheduler.status_of_platform() as platform
  union all
  select job.* from scheduler.status_of_jobs() as job
  union all
  select request.* from scheduler.status_of_requests() as request;
$$;

comment on function public.scheduler_status() is
  'An operator''s first look: each component with ok, warn or fail, and what to do.';
