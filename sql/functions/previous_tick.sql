create or replace function scheduler.previous_tick(schedule text, at timestamptz)
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
  -- The 29th of February may be eight years away.
  for days_back in 0..2922 loop
    continue when not scheduler.comes_on(plan, today - days_back);
    select max(today - days_back + make_time(hour, minute, 0)) into tick
    from unnest(plan.hours) as hour
    cross join unnest(plan.minutes) as minute
    where days_back > 0 or make_time(hour, minute, 0) <= (at at time zone 'UTC')::time;
    if tick is not null then
      return tick at time zone 'UTC';
    end if;
  end loop;
  return null;
end;
$$;

comment on function scheduler.previous_tick(text, timestamptz) is
  'The last moment of a schedule, in UTC, that is not after the given one; null: none in eight years.';
