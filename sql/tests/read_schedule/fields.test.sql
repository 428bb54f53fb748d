begin;
select plan(34);

create function pg_temp.minutes(field text) returns integer[] language sql as $$
  select array(select distinct minute from unnest((scheduler.read_schedule(field || ' * * * *')).minutes) as minute order by 1);
$$;
create function pg_temp.hours(field text) returns integer[] language sql as $$
  select array(select distinct hour from unnest((scheduler.read_schedule('0 ' || field || ' * * *')).hours) as hour order by 1);
$$;
create function pg_temp.days(field text) returns integer[] language sql as $$
  select array(select distinct day from unnest((scheduler.read_schedule('0 0 ' || field || ' * *')).days) as day order by 1);
$$;
create function pg_temp.months(field text) returns integer[] language sql as $$
  select array(select distinct month from unnest((scheduler.read_schedule('0 0 1 ' || field || ' *')).months) as month order by 1);
$$;
create function pg_temp.weekdays(field text) returns integer[] language sql as $$
  select array(select distinct day from unnest((scheduler.read_schedule('0 0 * * ' || field)).weekdays) as day order by 1);
$$;

select is(pg_temp.minutes('*'), array(select generate_series(0, 59)), 'a star is every minute');
select is(pg_temp.minutes('0'), '{0}', 'a number is that minute');
select is(pg_temp.minutes('59'), '{59}', 'the last minute is 59');
select is(pg_temp.minutes('07'), '{7}', 'a zero may lead');
select is(pg_temp.minutes('5,10,55'), '{5,10,55}', 'a list is each of its numbers');
select is(pg_temp.minutes('55,5,5'), '{5,55}', 'in any order, also twice');
select is(pg_temp.minutes('10-13'), '{10,11,12,13}', 'a range is all between, the ends included');
select is(pg_temp.minutes('10-10'), '{10}', 'a range may be of one');
select is(pg_temp.minutes('*/15'), '{0,15,30,45}', 'a step of a star begins at 0');
select is(pg_temp.minutes('*/7'), '{0,7,14,21,28,35,42,49,56}', 'and need not come out even');
select is(pg_temp.minutes('3-20/5'), '{3,8,13,18}', 'a step of a range begins at its beginning');
select is(pg_temp.minutes('0-10/5,30,40-42'), '{0,5,10,30,40,41,42}', 'a list may hold ranges and steps');
select is(pg_temp.minutes('*,5'), array(select generate_series(0, 59)), 'and a star');
select is(pg_temp.minutes('*/60'), '{0}', 'a step past the end leaves the first');

select is(pg_temp.hours('*'), array(select generate_series(0, 23)), 'hours are 0 to 23');
select is(pg_temp.hours('*/6'), '{0,6,12,18}', 'hours have steps');
select is(pg_temp.hours('22-23,0-1'), '{0,1,22,23}', 'a night is two ranges');

select is(pg_temp.days('*'), array(select generate_series(1, 31)), 'days of the month are 1 to 31');
select is(pg_temp.days('*/10'), '{1,11,21,31}', 'a step of a star begins at 1 where there is no 0');
select is(pg_temp.days('1,15,31'), '{1,15,31}', 'days have lists');

select is(pg_temp.months('*'), array(select generate_series(1, 12)), 'months are 1 to 12');
select is(pg_temp.months('jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec'), array(select generate_series(1, 12)), 'months have names');
select is(pg_temp.months('MAR-Jun'), '{3,4,5,6}', 'names may be in capitals, and in ranges');
select is(pg_temp.months('jan-12/6'), '{1,7}', 'and mixed with numbers and steps');

select is(pg_temp.weekdays('*'), '{0,1,2,3,4,5,6}', 'weekdays are 0 to 6');
select is(pg_temp.weekdays('7'), '{0}', '7 is Sunday');
select is(pg_temp.weekdays('0,7'), '{0}', 'as is 0');
select is(pg_temp.weekdays('5-7'), '{0,5,6}', 'a range may end with Sunday');
select is(pg_temp.weekdays('sun,mon,tue,wed,thu,fri,sat'), '{0,1,2,3,4,5,6}', 'weekdays have names');
select is(pg_temp.weekdays('Mon-FRI'), '{1,2,3,4,5}', 'in capitals or not');

select is((scheduler.read_schedule('0 0 13 * 5')).either_day, true, 'of two restricted days either is enough');
select is((scheduler.read_schedule('0 0 13 * *')).either_day, false, 'of one it is that one');
select is((scheduler.read_schedule('0 0 */2 * 5')).either_day, false, 'a field that begins with a star does not count as restricted');
select is(
  scheduler.read_schedule('  30   3 *  * * '), scheduler.read_schedule('30 3 * * *'), 'more blanks than needed do no harm'
);

select * from finish();
rollback;
