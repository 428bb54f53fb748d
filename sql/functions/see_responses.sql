create or replace function scheduler.see_responses(at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('net._http_response') is null then
    return;
  end if;
  with seen as (
    update scheduler.requests as request
    set outcome = found.outcome, http_status = found.status_code, error = found.error, seen_at = see_responses.at
    from (
      select
        open.id,
        response.status_code,
        case
          -- pg_net's numbers begin anew when its unlogged tables are lost.
          when exists (
            select from scheduler.requests as newer where newer.request_id = open.request_id and newer.id > open.id
          ) then 'lost'
          when response.timed_out then 'timed_out'
          when response.status_code between 200 and 299 then 'accepted'
          when response.status_code is not null then 'refused'
          when response.id is not null then 'unreachable'
          -- pg_net takes a batch from the queue and writes its answers in one
          -- transaction, so what is in neither was lost; or its answer is gone, after hours.
          when waiting.id is null then case when run.started_at is null then 'lost' else 'accepted' end
          when open.asked_at < see_responses.at - coalesce(job.timeout, interval '0') - interval '2 minutes' then 'unanswered'
        end as outcome,
        case
          when response.status_code is not null then substring(response.content from '"type"\s*:\s*"([a-z_]{1,40})"')
          else left(response.error_msg, 200)
        end as error
      from scheduler.requests as open
      join scheduler.invocations as run on run.id = open.invocation_id
      left join scheduler.jobs as job on job.job_name = run.job_name
      -- created is when the worker's transaction began, which may be just before the request came.
      left join net._http_response as response
        on response.id = open.request_id and response.created >= open.asked_at - interval '1 minute'
      left join net.http_request_queue as waiting on waiting.id = open.request_id
      where open.outcome is null
    ) as found
    where request.id = found.id and found.outcome is not null
    returning request.invocation_id, request.request_id, request.http_status
  )
  update scheduler.invocations as run
  set http_status = seen.http_status
  from seen
  where run.id = seen.invocation_id and run.request_id = seen.request_id;
end;
$$;

comment on function scheduler.see_responses(timestamptz) is
  'Writes to scheduler.requests what became of those that are out, as far as pg_net''s tables say.';
