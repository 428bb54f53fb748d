create or replace function scheduler.status_of_platform()
returns setof scheduler.component_status
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  url constant text := scheduler.read_secret('scenario_scheduler_url');
  secret constant text := scheduler.read_secret('scenario_scheduler_secret');
  problems constant text[] := array_remove(array[scheduler.edge_url_problem(url), scheduler.edge_secret_problem(secret)], null);
begin
  return query
  select
    'pg_cron',
    case
      when to_regclass('cron.job') is null then 'fail'
      when coalesce(current_setting('cron.timezone', true), 'GMT') not in ('GMT', 'UTC', 'Etc/UTC') then 'fail'
      else 'ok'
    end,
    case
      when to_regclass('cron.job') is null then 'not enabled, so nothing runs by itself: create extension pg_cron; select * from scheduler.apply_schedules();'
      when coalesce(current_setting('cron.timezone', true), 'GMT') not in ('GMT', 'UTC', 'Etc/UTC')
        then format('its clock is %s, and schedules are meant in UTC: set cron.timezone to GMT', current_setting('cron.timezone', true))
      else (select count(*) || ' entries of this project, in UTC' from scheduler.cron_entries() as entry where entry.ours)
    end

  union all
  select
    'pg_net',
    case when to_regclass('net.http_request_queue') is null then 'fail' else 'ok' end,
    case
      when to_regclass('net.http_request_queue') is null then 'not enabled, so nothing is sent: create extension pg_net;'
      else 'enabled'
    end

  union all
  select
    'vault',
    case when problems = '{}' then 'ok' else 'fail' end,
    case
      when to_regclass('vault.secrets') is null then 'there is no Vault: create extension supabase_vault;'
      when problems = '{}' then 'url and secret of the function are set'
      else array_to_string(problems, '; ') || ': select scheduler.configure_edge(url => ''…'', secret => ''…'');'
    end

  union all
  select
    'extensions',
    case when bool_or(installed.extname = 'pgcrypto') then 'ok' else 'fail' end,
    string_agg(wanted.name || ' ' || coalesce(installed.extversion, 'is not one here'), ', ' order by wanted.name)
      || case when bool_or(installed.extname = 'pgcrypto') then '' else ': requests can''t be signed: create extension pgcrypto with schema extensions;' end
  from (values ('pg_cron'), ('pg_net'), ('supabase_vault'), ('pgcrypto')) as wanted (name)
  left join pg_catalog.pg_extension as installed on installed.extname = wanted.name;
end;
$$;

comment on function scheduler.status_of_platform() is
  'For scheduler_status(): what is needed of the platform, and whether it is there.';
