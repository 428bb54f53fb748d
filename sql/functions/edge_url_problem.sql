create or replace function scheduler.edge_url_problem(url text)
returns text
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  parts text[] := regexp_match(
    lower(url),
    '^([a-z]+)://(?:([^/?#@]*)@)?(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)\.?(?::(\d{1,5}))?(/[^[:space:][:cntrl:]?#\\]*)?$'
  );
  host text := parts[3];
  address inet;
  loopback boolean;
begin
  if url is null then
    return 'the url of the function is not set';
  elsif parts is null then
    return 'the url of the function is not of the form https://host/path, without ? and #';
  elsif parts[2] is not null then
    return 'the url of the function holds credentials: the secret does that';
  elsif parts[7]::integer not between 1 and 65535 then
    return 'the url of the function names a port that there is not';
  end if;

  if host ~ '^\[' then
    address := btrim(host, '[]')::inet;
    -- An address of the old kind in the new one's clothes.
    address := coalesce(substring(host(address) from '^::ffff:([0-9.]+)$')::inet, address);
  elsif host ~ '^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$' then
    address := host::inet;
  elsif host ~ '(^|\.)(0x[0-9a-f]*|\d+)$' then
    return 'the url of the function names an address in a form that may hide another';
  end if;
  loopback := host = 'localhost' or coalesce(address <<= '127.0.0.0/8' or address = '::1', false);

  if parts[1] <> 'https' and not (parts[1] = 'http' and loopback) then
    return 'the url of the function must be https (http only on loopback)';
  end if;
  if not loopback and (
    address <<= any (array[
      '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16',
      '192.0.2.0/24', '198.18.0.0/15', '224.0.0.0/3', '::/96', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8',
      '64:ff9b::/32', '2001::/32', '2002::/16'
    ]::inet[])
    or (address is null and (host !~ '\.' or host ~ '\.(internal|local|localhost|lan|home|intranet|corp|private|arpa|svc)$'))
  ) then
    return 'the url of the function leads inside: it must be one that the world can reach, or loopback';
  end if;
  return null;
exception
  when invalid_text_representation then
    return 'the url of the function holds an address that is none';
end;
$$;

comment on function scheduler.edge_url_problem(text) is
  'What is wrong with the url of the function, if anything. Does not repeat it.';
