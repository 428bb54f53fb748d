create or replace function public.record_push_results(results jsonb, invocation_id uuid default null)
returns table (notification_id bigint, status text, recorded boolean)
language plpgsql
security definer
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
begin
  perform scheduler.check_push_results(results);

  return query
  select written.notification_id, written.status, written.recorded
  from scheduler.write_push_results(results => results, invocation_id => record_push_results.invocation_id) as written;

  if results @? '$[*] ? (@.outcome == "invalid_token")' then
    begin
      -- Only what was recorded just now: a sender that comes too late puts nothing away.
      perform scheduler.disable_devices(array(
        select distinct result.item ->> 'token'
        from jsonb_array_elements(results) as result (item)
        join scheduler.push_attempts as attempt
          on attempt.notification_id = (result.item ->> 'notification_id')::bigint
          and attempt.token_hash = sha256(convert_to(result.item ->> 'token', 'UTF8'))
        where result.item ->> 'outcome' = 'invalid_token'
          and attempt.outcome = 'invalid_token'
          and attempt.attempted_at = now()
      ));
    exception
      -- What was sent stays recorded, whatever a table of the application's says.
      when others then
        raise warning 'refused devices could not be put away: % (%)', sqlerrm, sqlstate
          using hint = 'Replace scheduler.disable_devices for device tables of your own; scheduler_status() counts what is left.';
    end;
  end if;
end;
$$;

comment on function public.record_push_results(jsonb, uuid) is
  'Records what became of a page, from [{notification_id, lease_token, token, outcome, …}], an entry for each device. A notification whose lease is not the caller''s is left untouched, and returned with recorded = false and the status that it had when the call began.';
