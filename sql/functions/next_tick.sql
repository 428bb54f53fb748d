create or replace function scheduler.next_tick(schedule text, at timestamptz)
returns timestamptz
language plpgsql
immutable
strict
set search_path = pg_catalog, pg_temp
as $$
declare
  plan constant scheduler.cron_schedule := scheduler.read_schedule(schedule);
  today constant date := (at at time zone 'UTC')::date;
  tick timestamp;
begin
  for days_ahead in 0..2922 loop
    continue when not scheduler.comes_on(plan, today + days_ahead);
    select min(today + days_ahead + make_time(hour, minute, 0)) into tick
    from unnest(plan.hours) as hour
    cross join unnest(plan.minutes) as minute
    where days_ahead > 0 or make_time(hour, minute, 0) > (at at time zone 'UTC')::time;
    if tick is not null then
      return tick at time zone 'UTC';
    end if;
  end loop;
  return null;
end;
$$;

comment on function scheduler.next_tick(text, timestamptz) is
  'The first moment of a schedule, in UTC, after the given one; null: none in eight years.';
