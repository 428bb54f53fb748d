create or replace function scheduler.sign_webhook(webhook_id text, asked_at timestamptz, body text, secret text)
returns jsonb
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  stamp constant text := floor(extract(epoch from asked_at))::bigint::text;
  signature bytea;
begin
  -- In schema extensions on the platform; elsewhere in projects that had pgcrypto before.
  execute format(
    'select %s.hmac($1, $2, ''sha256'')',
    (select e.extnamespace::regnamespace from pg_catalog.pg_extension as e where e.extname = 'pgcrypto')
  )
  into signature
  using convert_to(webhook_id || '.' || stamp || '.' || body, 'UTF8'), decode(secret, 'hex');
  return jsonb_build_object(
    'webhook-id', webhook_id,
    'webhook-timestamp', stamp,
    'webhook-signature', 'v1,' || encode(signature, 'base64')
  );
end;
$$;

comment on function scheduler.sign_webhook(text, timestamptz, text, text) is
  'The headers of a signed request, as Standard Webhooks says. The secret, in hex, is not among them.';
