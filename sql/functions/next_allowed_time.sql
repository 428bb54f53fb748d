create or replace function scheduler.next_allowed_time(
  wanted timestamptz,
  zone text,
  quiet_start time,
  quiet_end time
)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  with clock as (
    select (wanted at time zone zone)::date as today, (wanted at time zone zone)::time as now_there
  )
  select case
    when quiet_start < quiet_end and now_there >= quiet_start and now_there < quiet_end
      then (today + quiet_end) at time zone zone
    when quiet_start > quiet_end and now_there < quiet_end
      then (today + quiet_end) at time zone zone
    when quiet_start > quiet_end and now_there >= quiet_start
      then (today + 1 + quiet_end) at time zone zone
    else wanted
  end
  from clock;
$$;

comment on function scheduler.next_allowed_time(timestamptz, text, time, time) is
  'The wanted time, or inside quiet hours their next end on the clock of that zone. Equal or missing bounds: no quiet hours.';
