create or replace function scheduler.request_run(invocation_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  run scheduler.invocations;
  job scheduler.jobs;
  url constant text := scheduler.read_secret('scenario_scheduler_url');
  secret constant text := scheduler.read_secret('scenario_scheduler_secret');
  body jsonb;
  webhook_id text;
  request bigint;
  problem text;
begin
  select opened.* into strict run from scheduler.invocations as opened where opened.id = request_run.invocation_id;
  select known.* into strict job from scheduler.jobs as known where known.job_name = run.job_name;
  webhook_id := format('run_%s_%s', run.id, run.attempt);
  body := jsonb_strip_nulls(jsonb_build_object(
    'job_name', job.target,
    'invocation_id', run.id,
    'scheduled_for', run.scheduled_for,
    'triggered_by', run.triggered_by,
    'scenarios', run.scenarios,
    'organisation_ids', run.organisation_ids,
    'dry_run', run.dry_run
  ));

  problem := coalesce(scheduler.edge_url_problem(url), scheduler.edge_secret_problem(secret));
  if problem is null then
    begin
      request := net.http_post(
        url => url,
        body => body,
        headers => jsonb_build_object('Content-Type', 'application/json', 'Prefer', 'respond-async')
          -- pg_net sends the text of the jsonb, so that is what is signed.
          || scheduler.sign_webhook(webhook_id => webhook_id, asked_at => clock_timestamp(), body => body::text, secret => secret),
        timeout_milliseconds => (1000 * extract(epoch from job.timeout))::integer
      );
    exception
      when others then
        problem := case
          when sqlstate in ('42883', '3F000', '42501') then 'pg_net can''t be called: is it enabled, and may this role use it?'
          else format('pg_net does not take the request (%s); the log of the database says more', sqlstate)
        end;
    end;
  end if;

  if problem is not null then
    update scheduler.invocations as failed
    set
      status = 'failed',
      status_reason = 'not_configured',
      finished_at = clock_timestamp(),
      error_type = case when scheduler.edge_url_problem(url) is null and scheduler.edge_secret_problem(secret) is not null
        then 'authentication_error' else 'network_error' end,
      error_message = problem
    where failed.id = run.id;
    raise warning 'job % was not started: %', run.job_name, problem
      using hint = 'select * from scheduler_status(); says what is set up and what is not.';
    return false;
  end if;

  insert into scheduler.requests (invocation_id, attempt, request_id, webhook_id)
  values (run.id, run.attempt, request, webhook_id);
  update scheduler.invocations as requested
  set request_id = request, http_status = null
  where requested.id = run.id;
  return true;
end;
$$;

comment on function scheduler.request_run(uuid) is
  'Sends the request for a run that is in the ledger, signed, or fails the run with what is not set up.';
