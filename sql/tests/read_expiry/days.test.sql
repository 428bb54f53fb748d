begin;
select plan(31);
set local timezone = 'America/New_York';
set local datestyle = 'German, DMY';

create function pg_temp.is_read(said text, day date, rule text, zone text default 'Europe/Oslo') returns text language sql as $$
  select is(scheduler.read_expiry(said, zone), day, rule);
$$;
select pg_temp.is_read('2027-05-01', '2027-05-01', 'a day is a day');
select pg_temp.is_read('2027-05-01', '2027-05-01', 'in any zone', 'Pacific/Kiritimati');
select pg_temp.is_read('2028-02-29', '2028-02-29', 'also the one that a leap year has more');
select pg_temp.is_read('9999-12-31', '9999-12-31', 'or the one that many write for never');
select pg_temp.is_read('1999-12-31', '1999-12-31', 'or one that is long past');

-- A moment is the day that it falls on where the organisation is.
select pg_temp.is_read('2027-05-01T00:00:00Z', '2027-05-01', 'midnight in UTC is two o''clock in Oslo, that day');
select pg_temp.is_read('2027-04-30T22:00:00Z', '2027-05-01', 'midnight in Oslo is that day, in summer');
select pg_temp.is_read('2027-04-30T21:59:59Z', '2027-04-30', 'the second before is the day before');
select pg_temp.is_read('2027-01-31T23:00:00Z', '2027-02-01', 'midnight in Oslo is that day, in winter');
select pg_temp.is_read('2027-01-31T22:59:59Z', '2027-01-31', 'and the second before is not');
select pg_temp.is_read('2027-05-01T00:00:00+02:00', '2027-05-01', 'a moment may have an offset');
select pg_temp.is_read('2027-04-30T10:00:00Z', '2027-05-01', 'fourteen hours ahead it is the next day', 'Pacific/Kiritimati');
select pg_temp.is_read('2027-05-01T10:59:00Z', '2027-04-30', 'eleven hours behind the one before', 'Pacific/Pago_Pago');

create function pg_temp.is_none(said text, rule text) returns text language sql as $$
  select is(scheduler.read_expiry(said, 'Europe/Oslo'), null, rule);
$$;
select pg_temp.is_none(null, 'null is none');
select pg_temp.is_none('', 'nor is nothing');
select pg_temp.is_none(said, quote_literal(said) || ' is none')
from unnest(array[
  ' ', 'today', 'infinity', 'never', '01.05.2027', '05/01/2027', '2027-5-1', '20270501', '2027-02-29', '2027-13-01', '2027-00-10', '0001-01-01',
  '2027-05-01T', '2027-05-01T25:00:00Z', '2027-05-01T00:00:00+25:00'
]) as said;
select pg_temp.is_none(E'2027-05-01\n', 'a day with a line''s end is none');

select * from finish();
rollback;
