create or replace function public.stop_invocation(invocation_id uuid)
returns scheduler.invocation_entry
language plpgsql
security definer
set search_path = ''
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run scheduler.invocations := scheduler.own_invocation(
    invocation_id => stop_invocation.invocation_id, organisations => organisations
  );
begin
  if run.dry_run or not scheduler.sends_pushes(run.job_name) then
    raise exception 'the run % has no pages to stop at', run.id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;
  update scheduler.invocations as running
  set stop_requested_at = coalesce(running.stop_requested_at, clock_timestamp())
  where running.id = run.id and running.status = 'running'
  returning running.* into run;
  if not found then
    raise exception 'the run % is not running', stop_invocation.invocation_id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Only a run that is on can be stopped; look at its status.';
  end if;
  return scheduler.describe_invocation(run, organisations);
end;
$$;

comment on function public.stop_invocation(uuid) is
  'Asks a running run to claim no further page. What is left is sent by the next minute''s run, unless that is paused. For staff of all the organisations that it concerns.';
