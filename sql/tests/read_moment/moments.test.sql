begin;
select plan(34);
set local timezone = 'America/New_York';
set local datestyle = 'German, DMY';

create function pg_temp.is_read(said text, moment timestamptz, rule text) returns text language sql as $$
  select is(scheduler.read_moment(said), moment, rule);
$$;
select pg_temp.is_read('2026-03-01T10:00:00Z', '2026-03-01 10:00:00+00', 'a moment in UTC');
select pg_temp.is_read('2026-03-01T10:00Z', '2026-03-01 10:00:00+00', 'without seconds');
select pg_temp.is_read('2026-03-01T10:00:00.123Z', '2026-03-01 10:00:00.123+00', 'with thousandths');
select pg_temp.is_read('2026-03-01T10:00:00.1234567Z', '2026-03-01 10:00:00.123457+00', 'or more digits than are kept');
select pg_temp.is_read('2026-03-01T10:00:00+01:00', '2026-03-01 09:00:00+00', 'east of Greenwich');
select pg_temp.is_read('2026-03-01T10:00:00-05:30', '2026-03-01 15:30:00+00', 'and west of it');
select pg_temp.is_read('2028-02-29T10:00:00Z', '2028-02-29 10:00:00+00', 'the day that a leap year has more');
select pg_temp.is_read('2999-12-31T23:59:59Z', '2999-12-31 23:59:59+00', 'far away');

create function pg_temp.is_none(said text, rule text) returns text language sql as $$
  select is(scheduler.read_moment(said), null, rule);
$$;
select pg_temp.is_none(null, 'null is none');
select pg_temp.is_none('', 'nor is nothing');
select pg_temp.is_none(said, quote_literal(said) || ' is none')
from unnest(array[
  ' ', 'now', 'today', 'tomorrow', 'infinity', '-infinity', 'epoch', '2026-03-01', '2026-03-01 10:00:00Z', '2026-03-01T10:00:00', '01.03.2026 10:00',
  '2026-13-01T10:00:00Z', '2026-02-30T10:00:00Z', '2027-02-29T10:00:00Z', '2026-03-01T25:00:00Z', '2026-03-01T10:61:00Z', '20260301T100000Z',
  '0001-01-01T00:00:00Z', '1772359200', '2026-03-01T10:00:00 Europe/Oslo', '2026-03-01T10:00:00+1', '2026-03-01T10:00:00+25:00',
  '2026-03-01T10:00:00-99:99'
]) as said;
select pg_temp.is_none(E'2026-03-01T10:00:00Z\n', 'a moment with a line''s end is none');

select * from finish();
rollback;
