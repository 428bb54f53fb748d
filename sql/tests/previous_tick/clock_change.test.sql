-- Schedules are UTC: no clock of a country moves them.

begin;
select plan(6);
set local timezone = 'Europe/Oslo';

create function pg_temp.ticks(schedule text, first timestamptz, last timestamptz) returns timestamptz[] language sql as $$
  select array(
    select distinct scheduler.previous_tick(schedule, at) from generate_series(first, last, interval '20 minutes') as at order by 1
  );
$$;

-- Spring: 02:00 in Oslo becomes 03:00 at 01:00 UTC on the 29th of March.
select is(
  pg_temp.ticks('0 6 * * *', '2026-03-28 06:00Z', '2026-03-30 06:00Z'),
  array['2026-03-28 06:00Z', '2026-03-29 06:00Z', '2026-03-30 06:00Z']::timestamptz[], 'a day is 24 hours also when Oslo''s has 23'
);
select is(
  cardinality(pg_temp.ticks('30 * * * *', '2026-03-29 00:30Z', '2026-03-29 04:30Z')), 5, 'no hour is left out'
);
select is(
  scheduler.previous_tick('30 2 * * *', '2026-03-29 12:00Z'), '2026-03-29 02:30Z', 'half past two comes, in UTC, on the day when Oslo has none'
);

-- Autumn: 03:00 in Oslo becomes 02:00 at 01:00 UTC on the 25th of October.
select is(
  pg_temp.ticks('0 6 * * *', '2026-10-24 06:00Z', '2026-10-26 06:00Z'),
  array['2026-10-24 06:00Z', '2026-10-25 06:00Z', '2026-10-26 06:00Z']::timestamptz[], 'a day is 24 hours also when Oslo''s has 25'
);
select is(
  cardinality(pg_temp.ticks('30 * * * *', '2026-10-24 23:30Z', '2026-10-25 03:30Z')), 5, 'no hour comes twice'
);
select is(
  pg_temp.ticks('30 2 * * *', '2026-10-25 00:00Z', '2026-10-25 23:00Z'),
  array['2026-10-24 02:30Z', '2026-10-25 02:30Z']::timestamptz[], 'half past two comes once on the day when Oslo has two'
);

select * from finish();
rollback;
