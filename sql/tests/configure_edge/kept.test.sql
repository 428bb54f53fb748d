begin;
select plan(17);

create function pg_temp.kept(which text) returns text language sql as $$
  select decrypted_secret from vault.decrypted_secrets where name = 'scenario_scheduler_' || which;
$$;

select is(
  scheduler.configure_edge(url => 'https://one.supabase.co/functions/v1/scenario-scheduler', secret => tests.secret()),
  'kept in Vault: the url and the secret', 'url and secret are kept in Vault'
);
select is(pg_temp.kept('url'), 'https://one.supabase.co/functions/v1/scenario-scheduler', 'the url as it was given');
select is(pg_temp.kept('secret'), tests.secret(), 'the secret as well');
select is(scheduler.configure_edge(url => 'https://two.supabase.co/'), 'kept in Vault: the url', 'the url may be changed alone');
select is(pg_temp.kept('url'), 'https://two.supabase.co/', 'then it is another');
select is(pg_temp.kept('secret'), tests.secret(), 'and the secret the same');
select is(scheduler.configure_edge(secret => repeat('0f', 32)), 'kept in Vault: the secret', 'the secret may be changed alone');
select is(pg_temp.kept('secret'), repeat('0f', 32), 'then it is another');
select is(pg_temp.kept('url'), 'https://two.supabase.co/', 'and the url the same');
select is((select count(*) from vault.secrets), 2::bigint, 'each has one row');

-- Nothing half done.
create function pg_temp.refused(url text, secret text, problem text, rule text) returns setof text language sql as $$
  select throws_like(format('select scheduler.configure_edge(url => %L, secret => %L)', url, secret), problem, rule);
$$;
select pg_temp.refused('https://three.supabase.co/', 'short', '%not hex%', 'a good url does not help a bad secret');
select pg_temp.refused('http://three.supabase.co/', tests.secret(), '%must be https%', 'nor a good secret a bad url');
select pg_temp.refused(null, null, 'neither %', 'something must be given');
select is(pg_temp.kept('url') || ' ' || pg_temp.kept('secret'), 'https://two.supabase.co/ ' || repeat('0f', 32), 'and all is as it was');

-- Somebody made them by hand, as the platform's documents say.
select vault.create_secret('else', 'something_else');
select scheduler.configure_edge(url => 'https://four.supabase.co/');
select is((select decrypted_secret from vault.decrypted_secrets where name = 'something_else'), 'else', 'other secrets are left alone');

select set_eq(
  $$ select tests.tables_with(repeat('0f', 32)) $$, $$ select null::text where false $$, 'the secret is in no table but Vault''s'
);
select is((select count(*) from scheduler.invocations), 0::bigint, 'and nothing was asked for');

select * from finish();
rollback;
