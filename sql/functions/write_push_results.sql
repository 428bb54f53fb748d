create or replace function scheduler.write_push_results(results jsonb, invocation_id uuid)
returns table (notification_id bigint, status text, recorded boolean)
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with reported as materialized (
    select result.*, sha256(convert_to(result.token, 'UTF8')) as token_hash
    from jsonb_to_recordset(results) as result (
      notification_id bigint, lease_token uuid, token text, provider text, platform text,
      outcome text, error_type text, error_code text, message_id text, retry_after_seconds numeric
    )
  ),
  lease as materialized (
    select
      reported.notification_id,
      reported.lease_token,
      bool_or(reported.outcome = 'sent') as sent,
      bool_or(reported.outcome = 'unknown') as unknown,
      bool_or(reported.outcome in ('retry', 'unknown')) as failed_in_passing,
      bool_or(reported.outcome = 'held') as held,
      bool_and(reported.outcome = 'held') as untried,
      bool_and(reported.outcome = 'invalid_token') as all_invalid,
      max(reported.retry_after_seconds) as retry_after_seconds,
      min(reported.error_code) filter (where reported.outcome <> 'sent') as error_code
    from reported
    group by reported.notification_id, reported.lease_token
  ),
  -- Whose lease was taken over meanwhile has nothing to say any more.
  owned as materialized (
    select
      lease.*,
      notification.attempts,
      notification.expires_at,
      notification.sent_at,
      lease.sent or notification.sent_at is not null as has_arrived,
      lease.unknown and 'quarantine' = coalesce(
        (select own.on_ambiguous from scheduler.organisation_settings as own where own.organisation_id = notification.organisation_id),
        (select fallback.on_ambiguous from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
      ) as in_doubt
    from lease
    join scheduler.notifications as notification on notification.id = lease.notification_id
    where notification.status = 'sending' and notification.lease_token = lease.lease_token
  ),
  decided as materialized (
    select
      owned.*,
      case
        when owned.in_doubt then case when owned.has_arrived then 'sent' else 'quarantined' end
        when owned.held or owned.failed_in_passing then case
          when owned.failed_in_passing and owned.attempts >= scheduler.attempt_limit() then
            case when owned.has_arrived then 'sent' else 'dead' end
          else 'pending'
        end
        when owned.has_arrived then 'sent'
        else 'failed'
      end as verdict
    from owned
  ),
  written as (
    update scheduler.notifications as notification
    set
      status = decided.verdict,
      status_reason = case decided.verdict
        when 'pending' then coalesce(decided.error_code, 'to_be_tried_again')
        when 'quarantined' then 'outcome_unknown'
        when 'dead' then 'attempts_exhausted'
        when 'failed' then case
          when decided.all_invalid then 'invalid_token' else coalesce(decided.error_code, 'refused')
        end
      end,
      sent_at = case when decided.has_arrived then coalesce(decided.sent_at, now()) end,
      -- What was not even tried doesn't count as an attempt.
      attempts = decided.attempts - decided.untried::integer,
      next_attempt_at = case
        when decided.verdict = 'pending' then least(
          decided.expires_at,
          now() + case
            when decided.failed_in_passing
              then scheduler.retry_delay(attempt => decided.attempts, wished_seconds => decided.retry_after_seconds)
            else interval '1 second' * greatest(10, least(coalesce(decided.retry_after_seconds, 60), 86400))
          end
        )
      end,
      lease_token = null,
      lease_expires_at = null
    from decided
    where notification.id = decided.notification_id
      and notification.status = 'sending'
      and notification.lease_token = decided.lease_token
    returning notification.id, notification.status, decided.lease_token, decided.attempts
  ),
  logged as (
    insert into scheduler.push_attempts as logged (
      notification_id, attempt, token_hash, provider, platform, outcome, error_type, error_code,
      provider_message_id, invocation_id
    )
    select
      written.id, written.attempts, reported.token_hash, reported.provider, reported.platform, reported.outcome,
      reported.error_type, reported.error_code, reported.message_id, write_push_results.invocation_id
    from written
    join reported on reported.notification_id = written.id and reported.lease_token = written.lease_token
  )
  -- What is another's by now is told as it stood before.
  select
    lease.notification_id,
    coalesce(written.status, (
      select current.status from scheduler.notifications as current where current.id = lease.notification_id
    )),
    written.id is not null
  from lease
  left join written on written.id = lease.notification_id and written.lease_token = lease.lease_token
  order by lease.notification_id;
end;
$$;

comment on function scheduler.write_push_results(jsonb, uuid) is
  'The statement that records a page: an entry in push_attempts for each device, and what follows for each notification.';
