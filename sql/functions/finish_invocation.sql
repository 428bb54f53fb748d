create or replace function public.finish_invocation(
  invocation_id uuid,
  status text,
  total_candidates integer default null,
  total_dispatched integer default 0,
  pages_processed integer default 0,
  errors jsonb default '{}',
  error_type text default null,
  error_message text default null,
  details jsonb default null
)
returns scheduler.invocation_summary
language plpgsql
security definer
set search_path = ''
as $$
declare
  remaining integer := 0;
  stopped boolean;
  sends boolean;
  concerned pg_catalog.uuid[];
begin
  if status is null or status not in ('completed', 'partial', 'failed') then
    raise exception 'a run ends as completed, partial or failed, not %', coalesce(quote_literal(status), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give one of the three.';
  end if;
  if jsonb_typeof(errors) is distinct from 'object' then
    raise exception 'errors must be an object of counts by type, not %', coalesce(errors::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give {} where there was none, or {"timeout_error": 2} for example.';
  end if;
  if coalesce(jsonb_typeof(details), 'object') <> 'object' then
    raise exception 'details must be an object, not %', details
      using errcode = 'invalid_parameter_value', hint = 'Leave it out where there is nothing to tell.';
  end if;
  select run.stop_requested_at is not null, scheduler.sends_pushes(run.job_name), run.organisation_ids
  into stopped, sends, concerned
  from scheduler.invocations as run
  where run.id = finish_invocation.invocation_id;
  if sends and (status <> 'completed' or stopped or exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id and invocation.dry_run
  )) then
    -- A run for some organisations is judged by what is left of them: nobody learns of others'.
    select count(*) into remaining
    from scheduler.notifications as waiting
    where waiting.due_at <= now() and (concerned is null or waiting.organisation_id = any (concerned));
  end if;
  update scheduler.invocations as invocation
  set
    -- A run that ran out of time when nothing was left to do is complete. One that was
    -- asked to stop was told that nothing is left.
    status = case
      when finish_invocation.status = 'partial' and sends and remaining = 0 then 'completed'
      when finish_invocation.status = 'completed' and stopped and remaining > 0 then 'partial'
      else finish_invocation.status
    end,
    status_reason = case when stopped and remaining > 0 then 'stopped' else invocation.status_reason end,
    finished_at = clock_timestamp(),
    total_candidates = coalesce(invocation.total_candidates, finish_invocation.total_candidates),
    total_dispatched = finish_invocation.total_dispatched,
    pages_processed = finish_invocation.pages_processed,
    errors = finish_invocation.errors,
    total_errors = (select coalesce(sum(by_type.value::integer), 0) from jsonb_each_text(finish_invocation.errors) as by_type),
    error_type = finish_invocation.error_type,
    error_message = finish_invocation.error_message,
    details = case when finish_invocation.details is null then invocation.details
      else coalesce(invocation.details, '{}') || finish_invocation.details end,
    remaining_unprocessed_count = remaining
  -- One that was taken for dead, and lived, ends as it did.
  where invocation.id = finish_invocation.invocation_id and invocation.status in ('running', 'abandoned');
  if not found and not exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id
  ) then
    raise exception 'there is no run %', coalesce(finish_invocation.invocation_id::pg_catalog.text, 'null')
      using errcode = 'no_data_found', hint = 'Open it with start_invocation first.';
  end if;
  return public.invocation_summary(finish_invocation.invocation_id);
end;
$$;

comment on function public.finish_invocation(uuid, text, integer, integer, integer, jsonb, text, text, jsonb) is
  'Closes a run in the ledger with what it did, and returns its figures. One that has ended stays as it ended.';
