begin;
select plan(27);
set local timezone = 'America/New_York';
set local datestyle = 'German';

create function pg_temp.before(schedule text, at text) returns text language sql as $$
  select to_char(scheduler.previous_tick(schedule, (at || ' UTC')::timestamptz) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS');
$$;

select is(pg_temp.before('0 6 * * *', '2026-03-10 06:00:00'), '2026-03-10 06:00:00', 'a tick is its own previous one');
select is(pg_temp.before('0 6 * * *', '2026-03-10 06:00:30'), '2026-03-10 06:00:00', 'seconds after it, it is the last');
select is(pg_temp.before('0 6 * * *', '2026-03-10 05:59:59.999999'), '2026-03-09 06:00:00', 'an instant before it, it is yesterday''s');
select is(pg_temp.before('0 6 * * *', '2026-03-10 23:59:59'), '2026-03-10 06:00:00', 'at the end of the day it is today''s');
select is(pg_temp.before('0 6 * * *', '2026-03-11 00:00:00'), '2026-03-10 06:00:00', 'after midnight it is yesterday''s');
select is(pg_temp.before('0 0 * * *', '2026-03-11 00:00:00'), '2026-03-11 00:00:00', 'midnight belongs to the day that begins');
select is(pg_temp.before('59 23 * * *', '2026-03-11 00:00:00'), '2026-03-10 23:59:00', 'a minute before midnight to the one that ends');
select is(pg_temp.before('* * * * *', '2026-03-11 00:00:59.5'), '2026-03-11 00:00:00', 'every minute: this one');
select is(pg_temp.before('*/15 8-16 * * *', '2026-03-10 12:29'), '2026-03-10 12:15:00', 'the last quarter');
select is(pg_temp.before('*/15 8-16 * * *', '2026-03-10 07:59'), '2026-03-09 16:45:00', 'before work, yesterday''s last');
select is(pg_temp.before('10,50 9,17 * * *', '2026-03-10 17:30'), '2026-03-10 17:10:00', 'the nearest, in whatever order');
select is(pg_temp.before('50,10 17,9 * * *', '2026-03-10 17:00'), '2026-03-10 09:50:00', 'the list is written');

select is(pg_temp.before('0 6 1 * *', '2026-03-01 05:00'), '2026-02-01 06:00:00', 'the first of the month before');
select is(pg_temp.before('0 6 31 * *', '2026-05-01 00:00'), '2026-03-31 06:00:00', 'the 31st leaves out months without');
select is(pg_temp.before('0 6 30 * *', '2026-03-01 00:00'), '2026-01-30 06:00:00', 'the 30th leaves out February');
select is(pg_temp.before('0 0 1 1 *', '2025-12-31 23:59'), '2025-01-01 00:00:00', 'once a year');
select is(pg_temp.before('0 6 29 2 *', '2027-06-01 00:00'), '2024-02-29 06:00:00', 'a leap day, years ago');
select is(pg_temp.before('0 6 29 2 *', '2028-02-29 06:00'), '2028-02-29 06:00:00', 'a leap day, today');
select is(pg_temp.before('0 6 29 2 *', '2104-02-29 05:59'), '2096-02-29 06:00:00', 'a leap day, eight years ago: 2100 is none');
select is(pg_temp.before('0 6 28-31 2 *', '2026-03-05 00:00'), '2026-02-28 06:00:00', 'the end of February, as far as there is one');

select is(pg_temp.before('0 6 * * mon', '2026-03-15 12:00'), '2026-03-09 06:00:00', 'on Sunday, last Monday');
select is(pg_temp.before('0 6 * * 7', '2026-03-15 12:00'), '2026-03-15 06:00:00', 'on Sunday, Sunday');
select is(pg_temp.before('0 6 1 * mon', '2026-04-02 00:00'), '2026-04-01 06:00:00', 'the first of the month or a Monday, what was last: the first');
select is(pg_temp.before('0 6 1 * mon', '2026-04-07 00:00'), '2026-04-06 06:00:00', 'the Monday');

select is(pg_temp.before('0 0 30 2 *', '2026-03-10 06:00'), null, 'the 30th of February never was');
select is(pg_temp.before('0 0 31 4,6,9,11 *', '2026-03-10 06:00'), null, 'nor the 31st of short months');
select throws_ok($$ select scheduler.previous_tick('0 6 * *', now()) $$, '22023', null, 'what can''t be read is refused');

select * from finish();
rollback;
