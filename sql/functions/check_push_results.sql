create or replace function scheduler.check_push_results(results jsonb)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  bad jsonb;
begin
  if jsonb_typeof(results) is distinct from 'array' then
    raise exception 'results must be a list, not %', coalesce(jsonb_typeof(results), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = 'Give [{"notification_id": 1, "lease_token": "…", "token": "…", "outcome": "sent"}, …].';
  end if;

  select to_jsonb(result) - 'token' into bad
  from jsonb_to_recordset(results) as result (
    notification_id bigint, lease_token uuid, token text, outcome text, retry_after_seconds numeric
  )
  where result.notification_id is null
    or result.lease_token is null
    or coalesce(result.token, '') = ''
    or coalesce(result.outcome, '') not in ('sent', 'retry', 'unknown', 'failed', 'invalid_token', 'held')
  limit 1;
  if found then
    raise exception 'a result can''t be recorded: %', bad
      using
        errcode = 'invalid_parameter_value',
        hint = 'It needs notification_id and lease_token as claimed, the token of a device, and an outcome of '
          || 'sent, retry, unknown, failed, invalid_token or held; retry_after_seconds is a number.';
  end if;
end;
$$;

comment on function scheduler.check_push_results(jsonb) is
  'Raises an error that names the first result that can''t be recorded.';
