-- Every clock change from 2024 to 2033, a day before and after it in steps of a quarter of an hour.
begin;
select plan(16);

create temporary table clock_change on commit drop as
select zone.name as zone, day::timestamptz as around
from unnest(array['Europe/Oslo', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Cairo']) as zone (name)
cross join generate_series(timestamptz '2024-01-01 12:00+00', '2033-12-31 12:00+00', interval '1 day') as day
where (day at time zone zone.name) - ((day - interval '1 day') at time zone zone.name) <> interval '1 day';

create temporary table moved on commit drop as
select
  clock_change.zone,
  quiet.starts,
  quiet.ends,
  wanted,
  scheduler.next_allowed_time(
    wanted => wanted, zone => clock_change.zone, quiet_start => quiet.starts, quiet_end => quiet.ends
  ) as allowed
from clock_change
cross join (
  values
    (time '21:00', time '08:00'), ('01:00', '02:30'), ('02:30', '05:00'), ('02:00', '03:00'),
    ('23:30', '02:15'), ('22:00', '00:00'), ('00:00', '01:00')
) as quiet (starts, ends)
cross join generate_series(around - interval '48 hours', around + interval '24 hours', interval '15 minutes') as wanted;

create function pg_temp.is_quiet(moment timestamptz, zone text, starts time, ends time) returns boolean language sql as $$
  select case
    when starts < ends then clock >= starts and clock < ends
    else clock >= starts or clock < ends
  end
  from (select (moment at time zone zone)::time as clock) as there;
$$;

select is(
  (select count(*) from clock_change where zone = 'Europe/Oslo'), 20::bigint,
  'Oslo changes its clocks twice a year'
);
select is_empty(
  format($$ select * from moved where zone = %L and pg_temp.is_quiet(allowed, zone, starts, ends) $$, zone.name),
  'in ' || zone.name || ' nothing is delivered inside quiet hours on the local clock'
)
from unnest(array['Europe/Oslo', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Cairo']) as zone (name);
select is_empty(
  format($$
    select * from moved where zone = %L and allowed <> wanted and not pg_temp.is_quiet(wanted, zone, starts, ends)
  $$, zone.name),
  'in ' || zone.name || ' nothing waits outside quiet hours'
)
from unnest(array['Europe/Oslo', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Cairo']) as zone (name);
select is_empty(
  format($$
    select * from moved
    where zone = %L
      and not (
        allowed >= wanted
        and allowed - wanted <= case when starts < ends then ends - starts else interval '24 hours' + (ends - starts) end + interval '1 hour'
      )
  $$, zone.name),
  'in ' || zone.name || ' nothing waits longer than one night, of an hour more where the clock goes back'
)
from unnest(array['Europe/Oslo', 'America/New_York', 'America/Santiago', 'Australia/Lord_Howe', 'Africa/Cairo']) as zone (name);

select * from finish();
rollback;
