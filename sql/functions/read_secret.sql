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
  return (
    select btrim(kept.decrypted_secret, E' \t\r\n') from vault.decrypted_secrets as kept where kept.name = secret_name
  );
exception
  -- After a restore elsewhere Vault has another key: as good as none, until it is set again.
  when others then
    raise warning 'the secret % can''t be read from Vault: %', secret_name, sqlerrm
      using hint = 'Set it again: select scheduler.configure_edge(url => ''…'', secret => ''…'');';
    return null;
end;
$$;

comment on function scheduler.read_secret(text) is
  'A secret from Vault; null: there is none of that name that can be read.';
