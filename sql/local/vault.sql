-- What a plain PostgreSQL lacks of Vault 0.3, for databases of play and tests
-- only: a secret is stored as base64, which anybody can read. Run by the
-- superuser, after supabase.sql. Same names and signatures, nothing more.

create schema vault;

create table vault.secrets (
  id uuid primary key default gen_random_uuid(),
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea default uuid_send(gen_random_uuid()),
  created_at timestamptz not null default current_timestamp,
  updated_at timestamptz not null default current_timestamp
);

create unique index on vault.secrets (name) where name is not null;

-- Encoded, so that whoever reads secret instead of decrypted_secret notices here.
create view vault.decrypted_secrets as
select
  secrets.id,
  secrets.name,
  secrets.description,
  secrets.secret,
  convert_from(decode(secrets.secret, 'base64'), 'utf8') as decrypted_secret,
  secrets.key_id,
  secrets.nonce,
  secrets.created_at,
  secrets.updated_at
from vault.secrets;

create function vault.create_secret(
  new_secret text,
  new_name text default null,
  new_description text default '',
  new_key_id uuid default null
) returns uuid
language sql security definer set search_path = ''
as $$
  insert into vault.secrets (secret, name, description)
  values (encode(convert_to(new_secret, 'utf8'), 'base64'), new_name, new_description)
  returning id;
$$;

create function vault.update_secret(
  secret_id uuid,
  new_secret text default null,
  new_name text default null,
  new_description text default null,
  new_key_id uuid default null
) returns void
language sql security definer set search_path = ''
as $$
  update vault.secrets
  set
    secret = coalesce(encode(convert_to(new_secret, 'utf8'), 'base64'), secrets.secret),
    name = coalesce(new_name, secrets.name),
    description = coalesce(new_description, secrets.description),
    updated_at = now()
  where secrets.id = secret_id;
$$;

revoke execute on all functions in schema vault from public;

grant usage on schema vault to postgres with grant option;
grant select, delete, truncate, references on vault.secrets, vault.decrypted_secrets
  to postgres with grant option;
grant execute on all functions in schema vault to postgres with grant option;

grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
grant execute on all functions in schema vault to service_role;
