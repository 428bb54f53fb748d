begin;
select plan(25);

-- Not set up.
select is(tests.status_of('vault'), 'fail', 'a url and a secret that are not set are a failure');
select matches(tests.detail_of('vault'), '^the url of the function is not set; the secret of the function is not set: select scheduler\.configure_edge\(', 'with what to do');
select scheduler.configure_edge(secret => tests.secret());
select matches(tests.detail_of('vault'), '^the url of the function is not set: select', 'what is missing is named');
select scheduler.configure_edge(url => 'https://project.supabase.co/functions/v1/scenario-scheduler');
select is(tests.status_of('vault'), 'ok', 'when both are set it is ok');
select is(tests.detail_of('vault'), 'url and secret of the function are set', 'and says so, and no more');

-- Written past configure_edge.
create function pg_temp.vault_with(name text, value text) returns text language plpgsql as $$
begin
  perform tests.configured();
  perform vault.update_secret(id, new_secret => value) from vault.secrets as kept where kept.name = 'scenario_scheduler_' || vault_with.name;
  return (select status || ': ' || detail from public.scheduler_status() where component = 'vault');
end;
$$;
select matches(pg_temp.vault_with('url', 'http://example.no/a'), '^fail: .*must be https', 'a url with http in Vault is a failure');
select matches(pg_temp.vault_with('url', 'https://user:hunter2@example.no/a'), '^fail: .*credentials', 'one with credentials');
select unalike(pg_temp.vault_with('url', 'https://user:hunter2@example.no/a'), '%hunter2%', 'is not repeated');
select matches(pg_temp.vault_with('url', 'https://10.0.0.1/a'), '^fail: .*inside', 'one inside is one');
select matches(pg_temp.vault_with('secret', 'hunter2'), '^fail: .*not hex', 'a secret that is no hex');
select matches(pg_temp.vault_with('secret', repeat('0f', 16)), '^fail: .*shorter', 'or too short');
select unalike(pg_temp.vault_with('secret', 'hunter2'), '%hunter2%', 'is not repeated');

-- What is enabled.
select is(tests.status_of('pg_cron'), 'ok', 'pg_cron is ok');
select is(tests.detail_of('pg_cron'), '4 entries of this project, in UTC', 'with as many entries as it has of this project');
select cron.schedule('backup', '0 1 * * *', 'select 1');
select is(tests.detail_of('pg_cron'), '4 entries of this project, in UTC', 'other people''s are not counted');
select is(tests.status_of('pg_net'), 'ok', 'pg_net is ok');
select is(tests.status_of('extensions'), 'ok', 'the extensions are told');
select matches(tests.detail_of('extensions'), 'pgcrypto 1\.', 'with their versions');

select set_config('cron.timezone', 'Europe/Oslo', true);
select is(tests.status_of('pg_cron'), 'fail', 'a pg_cron whose clock is not UTC is a failure');
select matches(tests.detail_of('pg_cron'), 'Europe/Oslo.*set cron\.timezone to GMT', 'with what to do');
select set_config('cron.timezone', 'GMT', true);
select is(tests.status_of('pg_cron'), 'ok', 'GMT is UTC');

select tests.without('net');
select is(tests.status_of('pg_net') || ': ' || tests.detail_of('pg_net'), 'fail: not enabled, so nothing is sent: create extension pg_net;', 'without pg_net nothing is sent');
select tests.without('vault');
select is(tests.status_of('vault') || ': ' || tests.detail_of('vault'), 'fail: there is no Vault: create extension supabase_vault;', 'without Vault there is no secret');
select tests.without('cron');
select is(tests.status_of('pg_cron'), 'fail', 'without pg_cron nothing runs');
select is((select count(*) from public.scheduler_status() where component is null or status is null or detail is null), 0::bigint, 'whatever is missing, every line says something');

select * from finish();
rollback;
