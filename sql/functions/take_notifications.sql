create or replace function scheduler.take_notifications(
  wanted integer,
  looked_at integer,
  lease interval,
  invocation_id uuid
)
returns setof scheduler.claimed_notification
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
-- A page is small, however many the planner takes due_at <= now() for: look
-- everything up by index.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with picked as materialized (
    select
      notification.id, notification.user_id, notification.organisation_id, notification.scenario_type,
      notification.occurrence_key, notification.status, notification.attempts, notification.expires_at,
      notification.sent_at, notification.requeued_at, notification.due_at,
      now() - greatest(notification.created_at, notification.deliver_after) > interval '30 minutes' as late
    from scheduler.notifications as notification
    where notification.due_at <= now()
    order by notification.due_at, notification.id
    limit looked_at
    for update skip locked
  ),
  rule as materialized (
    select
      concerned.organisation_id,
      coalesce(own.paused, false) or coalesce(fallback.paused, false) as paused,
      coalesce(own.on_ambiguous, fallback.on_ambiguous, 'resend') as on_ambiguous,
      coalesce(own.quiet_start, fallback.quiet_start) as quiet_start,
      coalesce(own.quiet_end, fallback.quiet_end) as quiet_end,
      array[described.timezone, fallback.timezone] as timezones
    from (select distinct picked.organisation_id from picked) as concerned
    left join scheduler.organisation_settings as fallback on fallback.organisation_id is null
    left join scheduler.organisation_settings as own on own.organisation_id = concerned.organisation_id
    left join lateral (
      select view.timezone from scheduler.organisation as view where view.organisation_id = concerned.organisation_id limit 1
    ) as described on true
  ),
  -- The world as it is now.
  looked_up as materialized (
    select
      picked.*,
      rule.on_ambiguous,
      mentor.user_id is not null as has_state,
      coalesce(mentor.timezone, '') as timezone,
      receiver.devices,
      case
        when mentor.active is not true then 'mentor_not_active'
        when rule.paused then 'organisation_paused'
        when (
          select not preference.push_enabled
          from scheduler.preference as preference
          where preference.user_id = picked.user_id and preference.scenario_type = picked.scenario_type
          order by preference.push_enabled
          limit 1
        ) then 'opted_out'
        when picked.scenario_type = 'inactivity'
          and mentor.silent_since::text > split_part(picked.occurrence_key, ':', 2) collate "C"
          then 'active_again'
        when picked.scenario_type = 'expiry'
          and (
            select true
            from scheduler.certification as certification
            where certification.user_id = picked.user_id
              and certification.expires_on::text = split_part(picked.occurrence_key, ':', 2)
            limit 1
          ) is null then 'certification_renewed'
        when receiver.devices is null then 'no_device'
      end as no_longer
    from picked
    join rule on rule.organisation_id is not distinct from picked.organisation_id
    left join scheduler.mentor_state as mentor on mentor.user_id = picked.user_id
    -- All enabled devices, until one has it; then only those that failed in passing.
    left join lateral (
      select json_agg(json_build_object('token', device.token, 'platform', device.platform, 'provider', device.provider)) as devices
      from scheduler.device as device
      where device.user_id = picked.user_id
        and (
          (picked.attempts = 0 and picked.requeued_at is null)
          or coalesce(
            (
              select case
                when latest.outcome = 'sent' then false
                when latest.outcome in ('failed', 'invalid_token') then coalesce(latest.attempted_at < picked.requeued_at, false)
                else true
              end
              from scheduler.push_attempts as latest
              where latest.notification_id = picked.id
                and latest.token_hash = sha256(convert_to(device.token, 'UTF8'))
              order by latest.id desc
              limit 1
            ),
            picked.sent_at is null
          )
        )
    ) as receiver on true
  ),
  -- After an outage the backlog must not wake anybody at night.
  clock as materialized (
    select
      late.organisation_id,
      late.timezone,
      scheduler.next_allowed_time(
        wanted => now(),
        zone => scheduler.usable_timezone(late.timezone || rule.timezones),
        quiet_start => rule.quiet_start,
        quiet_end => rule.quiet_end
      ) as allowed_at
    from (
      select distinct looked_up.organisation_id, looked_up.timezone from looked_up where looked_up.late
    ) as late
    join rule on rule.organisation_id is not distinct from late.organisation_id
  ),
  judged as (
    select
      looked_up.*,
      clock.allowed_at,
      case
        when looked_up.status = 'sending' and looked_up.on_ambiguous = 'quarantine' then 'quarantined'
        when looked_up.expires_at <= now() then 'expired'
        when looked_up.no_longer is not null then 'cancelled'
        when looked_up.attempts >= scheduler.attempt_limit() then 'dead'
        when clock.allowed_at > now() then 'postponed'
        else 'sending'
      end as verdict
    from looked_up
    left join clock
      on looked_up.late
      and clock.organisation_id is not distinct from looked_up.organisation_id
      and clock.timezone = looked_up.timezone
  ),
  -- What is still true beyond the page is left as it was.
  ranked as materialized (
    select
      judged.*,
      row_number() over (partition by judged.verdict order by judged.due_at, judged.id) as place
    from judged
  ),
  -- Cancelling writes the mentor's state. One that somebody writes just now, an
  -- import perhaps, is left for later: a claim never waits, so it can't deadlock.
  unlocked as materialized (
    select mentor.user_id
    from scheduler.mentor_state as mentor
    where mentor.user_id in (
      select ranked.user_id from ranked where ranked.verdict = 'cancelled' and ranked.sent_at is null and ranked.has_state
    )
    order by mentor.user_id
    for update skip locked
  ),
  decided as (
    select
      ranked.id,
      ranked.devices,
      case
        when ranked.verdict in ('sending', 'postponed') then ranked.verdict
        when ranked.sent_at is not null then 'sent'
        when ranked.verdict = 'cancelled' and ranked.has_state
          and not (ranked.user_id in (select unlocked.user_id from unlocked)) then 'left'
        else ranked.verdict
      end as verdict,
      case ranked.verdict
        when 'quarantined' then 'outcome_unknown'
        when 'expired' then 'not_sent_in_time'
        when 'cancelled' then ranked.no_longer
        when 'dead' then 'attempts_exhausted'
        when 'postponed' then 'quiet_hours'
      end as reason,
      least(ranked.allowed_at, ranked.expires_at) as allowed_at
    from ranked
    where ranked.verdict <> 'sending' or ranked.place <= wanted
  ),
  lease_of_page as materialized (
    select gen_random_uuid() as token
  ),
  written as (
    update scheduler.notifications as notification
    set
      status = case when decided.verdict in ('postponed', 'left') then 'pending' else decided.verdict end,
      status_reason = decided.reason,
      attempts = notification.attempts + (decided.verdict = 'sending')::integer,
      lease_token = case when decided.verdict = 'sending' then lease_of_page.token end,
      lease_expires_at = case when decided.verdict = 'sending' then now() + lease end,
      claimed_by = case when decided.verdict = 'sending' then take_notifications.invocation_id else notification.claimed_by end,
      next_attempt_at = case decided.verdict
        when 'postponed' then decided.allowed_at
        when 'left' then now() + interval '10 seconds'
      end
    from decided
    cross join lease_of_page
    where notification.id = decided.id
    returning
      notification.id, notification.lease_token, notification.attempts, notification.user_id,
      notification.organisation_id, notification.scenario_type, notification.occurrence_key,
      notification.expires_at, notification.title, notification.body, decided.devices
  )
  select
    written.id,
    written.lease_token,
    written.attempts,
    written.user_id,
    written.organisation_id,
    written.scenario_type,
    -- Of the occurrence, so that one that is decided on anew replaces the first on the device.
    encode(sha256(convert_to(
      written.user_id || ' ' || written.scenario_type || ' ' || written.occurrence_key, 'UTF8'
    )), 'hex'),
    written.expires_at,
    ceil(date_part('epoch', written.expires_at - now()))::integer,
    written.title,
    written.body,
    -- What the app needs to open the right place; the facts stay here.
    jsonb_build_object(
      'notification_id', written.id::text, 'scenario_type', written.scenario_type, 'occurrence_key', written.occurrence_key
    ),
    written.devices
  from written
  where written.lease_token is not null
  order by written.id;
end;
$$;

comment on function scheduler.take_notifications(integer, integer, interval, uuid) is
  'Locks what is due, looks at the world once more, and writes what becomes of each: sent now under a lease, at most so many as wanted, or later, or never. Returns what is to be sent.';
