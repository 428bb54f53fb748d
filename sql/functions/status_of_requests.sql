create or replace function scheduler.status_of_requests()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with waiting as (
    select count(*) as requests, min(request.asked_at)::timestamptz(0) as oldest
    from scheduler.requests as request
    where request.outcome is null and request.asked_at < now() - interval '3 minutes'
  ),
  gone_wrong as (
    select
      count(*) as requests,
      string_agg(
        distinct case
          when request.outcome = 'accepted' then format('answered %s, but no run began', request.http_status)
          else concat_ws(' ', request.outcome, request.http_status, request.error)
        end, ', '
      ) as how
    from scheduler.invocations as run
    join scheduler.requests as request on request.invocation_id = run.id
    where run.requested_at > now() - interval '1 day'
      and (
        request.outcome <> 'accepted'
        or request.attempt < run.attempt
        or (run.started_at is null and run.status = 'failed')
      )
  ),
  given_up as (
    select count(*) as runs, string_agg(distinct run.error_message, '; ') as how
    from scheduler.invocations as run
    where run.requested_at > now() - interval '1 day'
      and run.status = 'failed'
      and run.started_at is null
      and not run.dry_run
      and not exists (
        select from scheduler.invocations as later
        where later.job_name = run.job_name and later.requested_at > run.requested_at and later.status in ('completed', 'partial')
      )
  )
  select
    'requests',
    case when waiting.requests > 0 or given_up.runs > 0 then 'fail' when gone_wrong.requests > 0 then 'warn' else 'ok' end,
    case
      when waiting.requests > 0 then format('%s not made since %s: does pg_net''s worker run? select net.worker_restart();', waiting.requests, waiting.oldest)
      when given_up.runs > 0 then format('runs given up in the last day: %s (%s). select * from scheduler.run_history; then select scheduler.run_job(…);',
        given_up.runs, given_up.how)
      when gone_wrong.requests > 0 then format('of the last day %s went wrong and were made again: %s', gone_wrong.requests, gone_wrong.how)
      else 'none of the last day went wrong'
    end
  from waiting, gone_wrong, given_up;
$$;

comment on function scheduler.status_of_requests() is
  'For scheduler_status(): requests that are not made, went wrong or were given up.';
