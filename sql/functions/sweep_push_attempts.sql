create or replace function scheduler.sweep_push_attempts(older_than timestamptz, looked_at integer)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- Ids grow with time: the oldest come first, and what is young is not looked at.
  with gone as (
    delete from scheduler.push_attempts as attempt
    where attempt.attempted_at < older_than
      and attempt.id in (select oldest.id from scheduler.push_attempts as oldest order by oldest.id limit looked_at)
      and not exists (
        select from scheduler.notifications as notification
        where notification.id = attempt.notification_id and notification.status in ('pending', 'sending')
      )
    returning attempt.id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_push_attempts(timestamptz, integer) is
  'Deletes old push attempts, at most so many.';
