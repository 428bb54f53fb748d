create or replace function scheduler.comes_on(plan scheduler.cron_schedule, day date)
returns boolean
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select extract(month from day) = any (plan.months)
    and case
      when plan.either_day then extract(day from day) = any (plan.days) or extract(dow from day) = any (plan.weekdays)
      else extract(day from day) = any (plan.days) and extract(dow from day) = any (plan.weekdays)
    end;
$$;

comment on function scheduler.comes_on(scheduler.cron_schedule, date) is
  'Whether a schedule has ticks on a day. Of two restricted days, as in cron, one is enough.';
