create or replace function scheduler.read_secret(secret_name text)
returns text
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if to_regclass('vault.decrypted_secrets') is null then
    return null;
  end if;
  return (select btrim(kept.decrypted_secret, E' \t\r\n') from vault.decrypted_secrets as kept where kept.name = secret_name);
end;
$$;

comment on function scheduler.read_secret(text) is
  'A secret from Vault; null: there is none of that name.';
