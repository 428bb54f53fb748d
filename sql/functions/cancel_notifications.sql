create or replace function scheduler.cancel_notifications(
  notification_ids bigint[] default null,
  organisation_id uuid default null,
  scenario_type text default null,
  reason text default 'cancelled by an operator'
)
returns table (notification_id bigint, user_id uuid, occurrence_key text, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if notification_ids is null and cancel_notifications.organisation_id is null and cancel_notifications.scenario_type is null then
    raise exception 'nothing says which notifications to cancel'
      using
        errcode = 'invalid_parameter_value',
        hint = 'Give notification_ids, organisation_id or scenario_type. To hold everything back: pause, see organisation_settings.';
  end if;

  return query
  update scheduler.notifications as notification
  set
    -- One that a device has already is not tried again at the others, and stays sent.
    status = case when notification.sent_at is null then 'cancelled' else 'sent' end,
    status_reason = reason,
    next_attempt_at = null
  where notification.status = 'pending'
    and (notification_ids is null or notification.id = any (notification_ids))
    and (cancel_notifications.organisation_id is null or notification.organisation_id = cancel_notifications.organisation_id)
    and (cancel_notifications.scenario_type is null or notification.scenario_type = cancel_notifications.scenario_type)
  returning notification.id, notification.user_id, notification.occurrence_key, notification.status;
end;
$$;

comment on function scheduler.cancel_notifications(bigint[], uuid, text, text) is
  'Takes pending notifications back and releases their windows: the given ones, or all of an organisation or scenario. What is being sent or recorded at that moment is not among them, also if it comes back to be tried again.';
