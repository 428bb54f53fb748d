create or replace function scheduler.sweep_notifications(older_than timestamptz, looked_at integer)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
declare
  last_looked_at bigint;
  swept bigint;
begin
  with looked as materialized (
    select notification.id, notification.user_id, notification.scenario_type, notification.occurrence_key,
      notification.status, notification.created_at
    from scheduler.notifications as notification
    where notification.id > (select rule.swept_to from scheduler.retention as rule where rule.kept = 'notifications')
    order by notification.id
    limit looked_at
  ),
  outlived as (
    select looked.id
    from looked
    left join scheduler.mentor_state as mentor on mentor.user_id = looked.user_id and mentor.on_roster
    where looked.created_at < older_than
      and looked.status not in ('pending', 'sending', 'dead', 'quarantined')
      and not exists (
        select from scheduler.scenario_cooldowns as cooldown
        where cooldown.notification_id = looked.id and cooldown.cooldown_until >= (now() at time zone 'UTC')::date
      )
      -- What a decision may rest on still is kept: reminders of a silence that lasts, and milestones.
      and (
        mentor.user_id is null
        or (looked.scenario_type = 'inactivity' and split_part(looked.occurrence_key, ':', 2) <> mentor.silent_since::text)
        or (looked.scenario_type = 'expiry' and split_part(looked.occurrence_key, ':', 2) < (older_than at time zone 'UTC')::date::text)
      )
  ),
  window_gone as (
    delete from scheduler.scenario_cooldowns as cooldown
    where cooldown.notification_id in (select outlived.id from outlived)
  ),
  gone as (
    delete from scheduler.notifications as notification
    where notification.id in (select outlived.id from outlived)
    returning notification.id
  )
  select
    (select count(*) from gone),
    case when count(*) = looked_at and min(looked.created_at) < older_than then max(looked.id) else 0 end
  into swept, last_looked_at
  from looked;
  update scheduler.retention as rule set swept_to = last_looked_at where rule.kept = 'notifications';
  return swept;
end;
$$;

comment on function scheduler.sweep_notifications(timestamptz, integer) is
  'Deletes old notifications on which no decision rests any more, with their windows, looking at so many from where the last sweep stopped.';
