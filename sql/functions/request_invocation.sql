create or replace function public.request_invocation(
  job_name text default 'scenario-evaluation',
  scenarios text[] default null,
  dry_run boolean default false,
  idempotency_key text default null
)
returns table (answer jsonb, replayed boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  caller constant pg_catalog.uuid := auth.uid();
  request constant pg_catalog.jsonb := jsonb_build_object(
    'job_name', request_invocation.job_name, 'scenarios', request_invocation.scenarios, 'dry_run', request_invocation.dry_run
  );
  used scheduler.idempotency_keys;
  run scheduler.invocations;
begin
  if idempotency_key is not null then
    if idempotency_key !~ '^[!-~]{1,255}$' then
      raise exception 'the idempotency key must be 1 to 255 visible characters of ASCII'
        using errcode = 'invalid_parameter_value', column = 'idempotency_key', hint = 'A random UUID is a good one.';
    end if;
    delete from scheduler.idempotency_keys as expired
    where expired.user_id = caller
      and expired.idempotency_key = request_invocation.idempotency_key
      and expired.used_at < now() - interval '24 hours';
    -- Waits for a request with the same key that is being dealt with just now.
    insert into scheduler.idempotency_keys (user_id, idempotency_key, request)
    values (caller, request_invocation.idempotency_key, request)
    on conflict on constraint idempotency_keys_pkey do nothing;
    if not found then
      select earlier.* into strict used
      from scheduler.idempotency_keys as earlier
      where earlier.user_id = caller and earlier.idempotency_key = request_invocation.idempotency_key;
      if used.request <> request then
        raise exception 'the idempotency key was used for another request in the last 24 hours'
          using errcode = 'object_not_in_prerequisite_state', column = 'idempotency_key', hint = 'A new request needs a new key.';
      end if;
      return query select used.answer, true;
      return;
    end if;
  end if;

  perform scheduler.check_staff_job(request_invocation.job_name);
  perform scheduler.check_evaluation_arguments(
    scenarios => request_invocation.scenarios, as_of => now(), dry_run => request_invocation.dry_run
  );
  if scenarios = '{}' then
    raise exception 'scenarios must name one at least'
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = 'Leave it out for all.';
  end if;
  perform scheduler.abandon_dead_runs(job_name => request_invocation.job_name);
  -- Of two who ask at once, the second sees what the first asked for.
  perform from scheduler.jobs as job where job.job_name = request_invocation.job_name for no key update;
  if exists (
    select from scheduler.invocations as other
    where other.job_name = request_invocation.job_name
      and other.status in ('requested', 'running')
      and other.dry_run = request_invocation.dry_run
  ) then
    raise exception 'a run of % is on or asked for already', request_invocation.job_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;

  run.id := scheduler.invoke_edge(
    job_name => request_invocation.job_name,
    scenarios => request_invocation.scenarios,
    organisation_ids => organisations,
    dry_run => request_invocation.dry_run,
    triggered_by => 'api'
  );
  update scheduler.invocations as requested
  set requested_by = caller
  where requested.id = run.id
  returning requested.* into run;
  if run.status_reason = 'not_configured' then
    raise exception 'the function that does this is not connected'
      using errcode = 'config_file_error', hint = 'Whoever operates the scheduler sees why in scheduler_status().';
  elsif run.status <> 'requested' then
    raise exception 'a run of % came in between', request_invocation.job_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;

  answer := to_jsonb(scheduler.describe_invocation(run, organisations));
  replayed := false;
  update scheduler.idempotency_keys as used_now
  set answer = request_invocation.answer
  where used_now.user_id = caller and used_now.idempotency_key = request_invocation.idempotency_key;
  return next;
end;
$$;

comment on function public.request_invocation(text, text[], boolean, text) is
  'Asks for a run now, for the caller''s organisations. The same idempotency_key within 24 hours gets the same answer and no second run. For staff.';
