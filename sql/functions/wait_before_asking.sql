create or replace function scheduler.wait_before_asking(attempt integer, catch_up interval)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when attempt > 3 then null
    when catch_up is null then interval '0'
    else (array[interval '0', least(interval '10 minutes', catch_up / 4), catch_up / 4])[attempt]
  end;
$$;

comment on function scheduler.wait_before_asking(integer, interval) is
  'How long to wait, after the function was asked so many times in vain, before it is asked again; null: no more. A job that has its next tick in a minute does not wait.';
