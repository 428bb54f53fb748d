create or replace function scheduler.reconcile_requests(at timestamptz default now())
returns table (job_name text, invocation_id uuid, found text, done text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  dead uuid[];
begin
  perform scheduler.see_responses(at => reconcile_requests.at);

  -- Asked for, and no run began.
  for run in
    select
      stuck.id, stuck.job_name, request.asked_at, request.outcome, request.http_status, request.error,
      case request.outcome
        when 'accepted' then format('answered %s, but no run began: is the url that of the function?', request.http_status)
        when 'refused' then concat_ws(' ', 'answered', request.http_status, request.error)
        when 'timed_out' then 'no answer in time'
        when 'unreachable' then concat_ws(': ', 'not reached', request.error)
        when 'lost' then 'the request was lost before it was made'
        when 'unanswered' then 'the request was not made: does pg_net''s worker run?'
      end as said,
      scheduler.wait_before_asking(stuck.attempt, job.catch_up) as wait,
      coalesce(job.enabled, false)
        and not scheduler.is_paused(stuck.job_name)
        and coalesce(stuck.requested_at > reconcile_requests.at - job.catch_up, true)
        -- What is wrong with the request itself stays wrong.
        and coalesce(request.http_status not in (400, 405, 413, 415), true) as wanted
    from scheduler.invocations as stuck
    left join scheduler.jobs as job on job.job_name = stuck.job_name
    cross join lateral (
      select latest.* from scheduler.requests as latest where latest.invocation_id = stuck.id order by latest.id desc limit 1
    ) as request
    where stuck.status = 'requested' and request.outcome is not null
    order by stuck.requested_at
    for update of stuck skip locked
  loop
    if run.wait is null or not run.wanted then
      update scheduler.invocations as given_up
      set
        status = 'failed',
        finished_at = clock_timestamp(),
        error_type = case
          when run.outcome in ('timed_out', 'unanswered') then 'timeout_error'
          when run.http_status in (401, 403) then 'authentication_error'
          when run.error in ('timeout_error', 'database_error', 'provider_error', 'evaluation_logic_error') then run.error
          when run.outcome = 'refused' and run.http_status < 500 then 'evaluation_logic_error'
          else 'network_error'
        end,
        error_message = run.said
      where given_up.id = run.id;
      return query select run.job_name, run.id, run.said, 'given up';
    elsif run.asked_at + run.wait <= reconcile_requests.at then
      update scheduler.invocations as again set attempt = again.attempt + 1 where again.id = run.id;
      perform scheduler.request_run(run.id);
      return query select run.job_name, run.id, run.said, 'asked again';
    end if;
  end loop;

  dead := array(select scheduler.abandon_dead_runs(at => reconcile_requests.at));
  return query
  select abandoned.job_name, abandoned.id, abandoned.error_message, 'abandoned'
  from scheduler.invocations as abandoned
  where abandoned.id = any (dead);

  return query
  select retried.job_name, retried.invocation_id, retried.found, 'run again'
  from scheduler.retry_runs(at => reconcile_requests.at) as retried;
end;
$$;

comment on function scheduler.reconcile_requests(timestamptz) is
  'Finds requests that were lost, refused, not answered or not made, and runs that died, and has them made again, at most three times. Says what it found and did; the tick of every minute calls it.';
