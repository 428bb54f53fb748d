create or replace function scheduler.edge_secret_problem(secret text)
returns text
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when secret is null then 'the secret of the function is not set'
    when secret !~ '^([0-9a-fA-F]{2})*$' then 'the secret of the function is not hex: make one with openssl rand -hex 32'
    when length(secret) < 64 then 'the secret of the function is shorter than 256 bits: make one with openssl rand -hex 32'
    when length(secret) > 256 then 'the secret of the function is longer than 1024 bits: make one with openssl rand -hex 32'
  end;
$$;

comment on function scheduler.edge_secret_problem(text) is
  'What is wrong with the secret of the function, if anything. Does not repeat it.';
