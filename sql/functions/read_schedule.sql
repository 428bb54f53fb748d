create or replace function scheduler.read_schedule(schedule text)
returns scheduler.cron_schedule
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  field_names constant text[] := array['minute', 'hour', 'day of the month', 'month', 'day of the week'];
  least_values constant integer[] := array[0, 0, 1, 1, 0];
  most_values constant integer[] := array[59, 23, 31, 12, 7];
  months constant text[] := array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
  weekdays constant text[] := array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  fields text[] := regexp_split_to_array(lower(btrim(schedule, E' \t\r\n')), '\s+');
  field_values integer[];
  names text[];
  read scheduler.cron_schedule;
  item text;
  parts text[];
  low integer;
  high integer;
  step integer;
begin
  if schedule is null or cardinality(fields) <> 5 then
    raise exception 'the schedule % has not five fields', coalesce(quote_literal(schedule), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = 'minute, hour, day of the month, month, day of the week, in UTC: ''0 6 * * *'' is every day at six.';
  end if;

  for place in 1..5 loop
    field_values := '{}';
    names := case place when 4 then months when 5 then weekdays end;
    foreach item in array string_to_array(fields[place], ',') loop
      parts := regexp_match(item, '^(?:(\*)|([a-z]{3}|[0-9]{1,2})(?:-([a-z]{3}|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
      low := case
        when parts[1] is not null then least_values[place]
        when parts[2] ~ '^[0-9]+$' then parts[2]::integer
        else least_values[place] - 1 + array_position(names, parts[2])
      end;
      high := case
        when parts[1] is not null then most_values[place]
        when parts[3] is null then low
        when parts[3] ~ '^[0-9]+$' then parts[3]::integer
        else least_values[place] - 1 + array_position(names, parts[3])
      end;
      step := coalesce(parts[4]::integer, 1);
      if parts is null
        or low is null or high is null
        or low < least_values[place] or high > most_values[place] or low > high
        or step = 0
        or (parts[4] is not null and parts[1] is null and parts[3] is null)
      then
        raise exception 'the schedule % can''t be read: % is no %', quote_literal(schedule), quote_literal(item), field_names[place]
          using
            errcode = 'invalid_parameter_value',
            hint = format('A %s is *, a number from %s to %s, a range like %2$s-%3$s, either with a step like */2, or a list of these.',
              field_names[place], least_values[place], most_values[place]);
      end if;
      field_values := field_values || array(select generate_series(low, high, step));
    end loop;
    case place
      when 1 then read.minutes := field_values;
      when 2 then read.hours := field_values;
      when 3 then read.days := field_values;
      when 4 then read.months := field_values;
      -- Sunday is 0 and 7.
      else read.weekdays := array(select distinct day % 7 from unnest(field_values) as day);
    end case;
  end loop;
  read.either_day := fields[3] not like '*%' and fields[5] not like '*%';
  return read;
end;
$$;

comment on function scheduler.read_schedule(text) is
  'Reads a cron expression as pg_cron does, and refuses what it can''t read with the field at fault.';
