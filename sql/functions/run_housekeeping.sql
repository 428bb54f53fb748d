create or replace function scheduler.run_housekeeping(looked_at integer default 100000)
returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      jsonb_object_agg(
        rule.kept,
        case rule.kept
          when 'notifications' then scheduler.sweep_notifications(now() - rule.keep, looked_at)
          when 'push_attempts' then scheduler.sweep_push_attempts(now() - rule.keep, looked_at)
          when 'invocations' then scheduler.sweep_invocations(now() - rule.keep, looked_at)
          when 'cron_history' then scheduler.sweep_cron_history(now() - rule.keep, looked_at)
          when 'certification_rejects' then scheduler.sweep_certification_rejects(now() - rule.keep)
        end
      ),
      '{}'
    ) || jsonb_build_object(
      'idempotency_keys', scheduler.sweep_idempotency_keys(), 'state_drift', scheduler.count_state_drift()
    )
  from scheduler.retention as rule;
$$;

comment on function scheduler.run_housekeeping(integer) is
  'Deletes what is older than scheduler.retention keeps, looking at so many rows of each table at most, and counts the mentors whose state differs from the sources.';
