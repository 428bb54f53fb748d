begin;
select plan(19);
set local timezone = 'Asia/Tokyo';
set local datestyle = 'SQL, DMY';

create function pg_temp.after(schedule text, at text) returns text language sql as $$
  select to_char(scheduler.next_tick(schedule, (at || ' UTC')::timestamptz) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS');
$$;

select is(pg_temp.after('0 6 * * *', '2026-03-10 05:59:59'), '2026-03-10 06:00:00', 'before a tick, it is the next');
select is(pg_temp.after('0 6 * * *', '2026-03-10 06:00:00'), '2026-03-11 06:00:00', 'at a tick, the next is another');
select is(pg_temp.after('0 6 * * *', '2026-03-10 23:59:59.9'), '2026-03-11 06:00:00', 'before midnight it is tomorrow''s');
select is(pg_temp.after('0 0 * * *', '2026-03-10 23:59:59.9'), '2026-03-11 00:00:00', 'or midnight');
select is(pg_temp.after('0 0 * * *', '2026-03-11 00:00:00'), '2026-03-12 00:00:00', 'at midnight, the next one');
select is(pg_temp.after('* * * * *', '2026-03-10 06:00:00'), '2026-03-10 06:01:00', 'every minute: the next');
select is(pg_temp.after('*/25 * * * *', '2026-03-10 06:50'), '2026-03-10 07:00:00', 'steps begin anew with the hour');
select is(pg_temp.after('0 6 31 * *', '2026-03-31 06:00'), '2026-05-31 06:00:00', 'the 31st leaves out months without');
select is(pg_temp.after('0 6 1 * *', '2026-12-01 06:00'), '2027-01-01 06:00:00', 'the year ends');
select is(pg_temp.after('0 6 29 2 *', '2026-03-01 00:00'), '2028-02-29 06:00:00', 'a leap day is years away');
select is(pg_temp.after('0 6 29 2 *', '2096-02-29 06:00'), '2104-02-29 06:00:00', 'or eight: 2100 has none');
select is(pg_temp.after('0 6 * * sun', '2026-03-15 06:00'), '2026-03-22 06:00:00', 'a week has seven days');
select is(pg_temp.after('0 6 1 * mon', '2026-03-30 06:00'), '2026-04-01 06:00:00', 'the first of the month or a Monday, what is first');
select is(pg_temp.after('0 6 1 * mon', '2026-04-01 06:00'), '2026-04-06 06:00:00', 'then the Monday');
select is(pg_temp.after('0 0 31 2 *', '2026-03-10 06:00'), null, 'the 31st of February never comes');

select is(pg_temp.after('0 6 * * *', '2026-03-28 12:00'), '2026-03-29 06:00:00', 'when Oslo''s clock goes forward, the schedule stays');
select is(pg_temp.after('0 6 * * *', '2026-10-24 12:00'), '2026-10-25 06:00:00', 'and when it goes back');
select is_empty(
  $$
    select schedule, at
    from unnest(array['0 6 * * *', '* * * * *', '*/7 3,14 1-7 * mon', '30 2 31 * *', '59 23 28-31 2,12 *']) as schedule
    cross join generate_series('2026-02-20 00:00Z'::timestamptz, '2026-03-05 00:00Z', interval '7 hours 13 minutes') as at
    where scheduler.previous_tick(schedule, scheduler.next_tick(schedule, at)) is distinct from scheduler.next_tick(schedule, at)
      or scheduler.previous_tick(schedule, scheduler.next_tick(schedule, at) - interval '1 microsecond')
        is distinct from scheduler.previous_tick(schedule, at)
  $$,
  'between a tick and the next there is none'
);
select throws_ok($$ select scheduler.next_tick('rubbish', now()) $$, '22023', null, 'what can''t be read is refused');

select * from finish();
rollback;
