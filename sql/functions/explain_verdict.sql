create or replace function scheduler.explain_verdict(
  scenario_type text,
  reason text,
  deliver_after timestamptz,
  facts jsonb
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
  select case
    when reason = 'mentor_not_active' then 'The mentor is not active on the roster.'
    when reason = 'organisation_paused' then 'Paused: ' || coalesce(facts ->> 'pause', 'the organisation or everything, in organisation_settings') || '.'
    when reason = 'scenario_disabled' then 'The scenario is switched off in scenario_config.'
    else concat_ws(' ',
      case
        when scenario_type = 'inactivity' and (facts ->> 'days_silent')::integer < 0 then format(
          'The next activity is planned on %s.', facts ->> 'silent_since')
        when scenario_type = 'inactivity' and facts ->> 'silent_since' is null then
          'There is neither an activity nor a joining date.'
        when scenario_type = 'inactivity' then format(
          'Silent for %s days, since %s; reminders start at %s days, on %s.',
          facts ->> 'days_silent', facts ->> 'silent_since', facts ->> 'threshold_days',
          (facts ->> 'silent_since')::date + (facts ->> 'threshold_days')::integer)
        when scenario_type = 'milestone' and facts ? 'milestone' then format(
          'Activities: %s. Reached milestone %s in the last %s days%s.',
          facts ->> 'activities', facts ->> 'milestone', facts ->> 'lookback_days',
          '; was told of milestone ' || (facts ->> 'notified_before') || ' before')
        when scenario_type = 'milestone' and facts ? 'activities' then format(
          'Activities: %s. Reached no milestone in the last %s days%s.',
          facts ->> 'activities', facts ->> 'lookback_days', '; the next is ' || (facts ->> 'next_milestone'))
        when scenario_type = 'expiry' and facts ? 'lead_days' then format(
          'A certification expires in %s days, on %s, which is within the lead of %s days.',
          facts ->> 'days_left', facts ->> 'expires_on', facts ->> 'lead_days')
        when scenario_type = 'expiry' and facts ? 'expires_on' then format(
          'The next certification expires on %s, in %s days; the first word is %s days before.',
          facts ->> 'expires_on', facts ->> 'days_left', facts ->> 'longest_lead')
        when scenario_type = 'expiry' then 'No certification expires from today on.'
      end,
      case
        when reason is null then format('A push goes out after %s.', deliver_after)
        when reason = 'not_due' then 'Not due.'
        when reason = 'already_notified' then 'A notification for this is in the outbox already: ' || (facts ->> 'occurrence_key') || '.'
        when reason = 'opted_out' then 'Held back: the mentor has switched these pushes off.'
        when reason = 'no_device' then 'Held back: the mentor has no enabled device.'
        when reason = 'cooldown' then format('Held back: left alone until %s after the last push of this scenario.', facts ->> 'cooldown_until')
        when reason = 'max_reminders' then format('Held back: has had all %s reminders of this silence.', facts ->> 'max_reminders')
        when reason = 'frequency_cap' then format(
          'Held back: %s notifications that day (cap %s) and %s in 7 days (cap %s), with %s more of this run going first.',
          facts ->> 'notified_today', coalesce(facts ->> 'daily_cap', 'none'),
          facts ->> 'notified_in_7_days', coalesce(facts ->> 'weekly_cap', 'none'), facts ->> 'before_it_in_this_run')
        when reason = 'already_evaluated' then 'Held back: this scenario has a notification for this day already.'
        when reason = 'no_template' then 'Held back: there is no template in the mentor''s language, nb or en.'
        else 'Held back: ' || reason || '.'
      end,
      'The last notification of this scenario (' || (facts #>> '{last_notification,id}') || ') ' || case
        when facts #>> '{last_notification,status}' = 'sent' then 'was sent at ' || (facts #>> '{last_notification,sent_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' and facts #>> '{last_notification,sent_at}' is not null
          then 'has arrived at one device, and is tried at the others after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' then 'goes out after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'sending' then 'is being sent'
        else 'is ' || (facts #>> '{last_notification,status}')
      end || coalesce(' (' || (facts #>> '{last_notification,status_reason}') || ')', '') || '.'
    )
  end;
$$;

comment on function scheduler.explain_verdict(text, text, timestamptz, jsonb) is
  'A verdict and its facts as a sentence for an operator.';
