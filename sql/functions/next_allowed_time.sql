create or replace function scheduler.next_allowed_time(
  wanted timestamptz,
  zone text,
  quiet_start time,
  quiet_end time
)
returns timestamptz
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with clock as (
    select (wanted at time zone zone)::date as today, (wanted at time zone zone)::time as now_there
  ),
  next_end as (
    select case
      when quiet_start < quiet_end and now_there >= quiet_start and now_there < quiet_end
        then (today + quiet_end) at time zone zone
      when quiet_start > quiet_end and now_there < quiet_end
        then (today + quiet_end) at time zone zone
      when quiet_start > quiet_end and now_there >= quiet_start
        then (today + 1 + quiet_end) at time zone zone
      else wanted
    end as allowed
    from clock
  )
  -- An end that the clock skips in spring may fall into quiet hours again.
  select case
    when next_end.allowed = wanted then wanted
    else scheduler.next_allowed_time(
      wanted => next_end.allowed, zone => zone, quiet_start => quiet_start, quiet_end => quiet_end
    )
  end
  from next_end;
$$;

comment on function scheduler.next_allowed_time(timestamptz, text, time, time) is
  'The wanted time, or inside quiet hours their next end on the clock of that zone. Equal or missing bounds: no quiet hours.';
