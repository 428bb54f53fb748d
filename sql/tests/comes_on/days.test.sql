begin;
select plan(20);

create function pg_temp.on_day(days text, months text, weekdays text, day date) returns boolean language sql as $$
  select scheduler.comes_on(scheduler.read_schedule(format('0 0 %s %s %s', days, months, weekdays)), day);
$$;

-- 2026-03-13 is a Friday.
select is(pg_temp.on_day('*', '*', '*', '2026-03-13'), true, 'three stars are every day');
select is(pg_temp.on_day('13', '*', '*', '2026-03-13'), true, 'a day of the month is that day');
select is(pg_temp.on_day('13', '*', '*', '2026-03-14'), false, 'and no other');
select is(pg_temp.on_day('*', '*', 'fri', '2026-03-13'), true, 'a weekday is that day');
select is(pg_temp.on_day('*', '*', 'fri', '2026-03-14'), false, 'and no other');
select is(pg_temp.on_day('*', '3', '*', '2026-03-13'), true, 'a month is all of its days');
select is(pg_temp.on_day('*', '3', '*', '2026-04-01'), false, 'and no other');

select is(pg_temp.on_day('13', '*', 'fri', '2026-03-13'), true, 'a day that is both comes');
select is(pg_temp.on_day('13', '*', 'mon', '2026-03-13'), true, 'of two restricted days the day of the month is enough');
select is(pg_temp.on_day('1', '*', 'fri', '2026-03-13'), true, 'or the day of the week');
select is(pg_temp.on_day('1', '*', 'mon', '2026-03-13'), false, 'but one it must be');
select is(pg_temp.on_day('13', '4', 'fri', '2026-03-13'), false, 'and the month in any case');
select is(pg_temp.on_day('*/2', '*', 'fri', '2026-03-13'), true, 'with a step of a star both must be: the 13th is odd, and a Friday');
select is(pg_temp.on_day('*/2', '*', 'fri', '2026-03-20'), false, 'the 20th is a Friday, and not odd');
select is(pg_temp.on_day('*/2', '*', 'fri', '2026-03-15'), false, 'the 15th is odd, and no Friday');

select is(pg_temp.on_day('*', '*', '0', '2026-03-15'), true, 'Sunday is 0');
select is(pg_temp.on_day('*', '*', '7', '2026-03-15'), true, 'and 7');
select is(pg_temp.on_day('29', '2', '*', '2028-02-29'), true, 'a leap day is a day');
select is(pg_temp.on_day('31', '*', '*', '2026-04-30'), false, 'the last day of a short month is not the 31st');
select is(
  array(select day::date from generate_series('2026-03-01', '2026-03-31', interval '1 day') as day where pg_temp.on_day('1,15', '*', '1-5', day::date) is not true),
  array['2026-03-07', '2026-03-08', '2026-03-14', '2026-03-21', '2026-03-22', '2026-03-28', '2026-03-29']::date[],
  'a whole month of either: all but the week-ends, the 1st and the 15th'
);

select * from finish();
rollback;
