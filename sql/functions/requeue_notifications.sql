create or replace function scheduler.requeue_notifications(
  notification_ids bigint[] default null,
  statuses text[] default array['dead', 'quarantined'],
  reason text default 'requeued by an operator'
)
returns table (notification_id bigint, user_id uuid, scenario_type text, deliver_after timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  wrong text;
begin
  select coalesce(quote_literal(asked.name), 'null') into wrong
  from unnest(statuses) as asked (name)
  where asked.name is null or asked.name not in ('dead', 'quarantined', 'failed', 'expired')
  limit 1;
  if found or statuses is null or statuses = '{}' then
    raise exception 'notifications that are % can''t be brought back', coalesce(wrong, 'of no status')
      using errcode = 'invalid_parameter_value', hint = 'statuses is a list of dead, quarantined, failed and expired.';
  end if;
  select coalesce(asked.id::text, 'null') || ', which ' || coalesce('is ' || existing.status, 'does not exist') into wrong
  from unnest(notification_ids) as asked (id)
  left join scheduler.notifications as existing on existing.id = asked.id
  where existing.status is null or existing.status <> all (statuses)
  limit 1;
  if found then
    raise exception 'can''t bring back notification %', wrong
      using
        errcode = 'invalid_parameter_value',
        hint = 'Nothing was changed. Only these can be: ' || array_to_string(statuses, ', ') || '; give statuses for others.';
  end if;

  return query
  update scheduler.notifications as notification
  set
    status = 'pending',
    status_reason = reason,
    attempts = 0,
    next_attempt_at = now(),
    requeued_at = clock_timestamp(),
    -- As long to live as it had at first.
    expires_at = greatest(
      notification.expires_at, now() + (notification.expires_at - notification.deliver_after)
    )
  where notification.status = any (statuses)
    and (notification_ids is null or notification.id = any (notification_ids))
  returning notification.id, notification.user_id, notification.scenario_type, notification.next_attempt_at;
end;
$$;

comment on function scheduler.requeue_notifications(bigint[], text[], text) is
  'Brings dead and quarantined notifications back to the outbox, all or the given ones, with new attempts; failed and expired ones when asked for. A device that has a push gets it no second time.';
