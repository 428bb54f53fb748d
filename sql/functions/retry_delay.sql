create or replace function scheduler.retry_delay(attempt integer, wished_seconds numeric default null)
returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  -- 1, 3, 9, 27 minutes, 1 h 21 min, 4 h, 12 h: the eight attempts span most of a day.
  select greatest(
    interval '1 minute' * power(3, least(greatest(attempt, 1), 7) - 1) * (0.75 + random() / 2),
    interval '1 second' * least(greatest(coalesce(wished_seconds, 0), 0), 604800)
  );
$$;

comment on function scheduler.retry_delay(integer, numeric) is
  'How long to wait after a failed attempt: three times as long each time, a quarter more or less at random, and never less than the provider wished.';
