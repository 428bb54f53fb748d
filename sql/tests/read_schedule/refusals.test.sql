begin;
select plan(53);

create function pg_temp.refused(schedule text, rule text) returns text language sql as $$
  select throws_ok(format('select scheduler.read_schedule(%L)', schedule), '22023', null, rule);
$$;

select pg_temp.refused(null, 'no schedule at all is refused');
select pg_temp.refused('', 'an empty one');
select pg_temp.refused('   ', 'a blank one');
select pg_temp.refused('0 6 * *', 'one with four fields');
select pg_temp.refused('0 6 * * * *', 'one with six');
select pg_temp.refused('@daily', 'a nickname');
select pg_temp.refused('30 seconds', 'an interval in seconds, which older pg_cron lacks');
select pg_temp.refused('every day at six', 'words');
select pg_temp.refused('0;6;*;*;*', 'other separators');

select pg_temp.refused('60 * * * *', 'there is no minute 60');
select pg_temp.refused('0 24 * * *', 'there is no hour 24');
select pg_temp.refused('0 0 0 * *', 'there is no day 0');
select pg_temp.refused('0 0 32 * *', 'there is no day 32');
select pg_temp.refused('0 0 * 0 *', 'there is no month 0');
select pg_temp.refused('0 0 * 13 *', 'there is no month 13');
select pg_temp.refused('0 0 * * 8', 'there is no weekday 8');
select pg_temp.refused('-1 * * * *', 'nothing is less than nothing');
select pg_temp.refused('100 * * * *', 'three digits are too many');
select pg_temp.refused('1.5 * * * *', 'there are no fractions');
select pg_temp.refused('1e1 * * * *', 'nor exponents');
select pg_temp.refused('0x1 * * * *', 'nor hex');
select pg_temp.refused('+5 * * * *', 'nor signs');
select pg_temp.refused('٥ * * * *', 'nor digits of another script, which an ICU collation takes for some');
select pg_temp.refused('99999999999999999999 * * * *', 'nor numbers beyond all bounds');

select pg_temp.refused('10-5 * * * *', 'a range runs forward');
select pg_temp.refused('0 22-2 * * *', 'not round midnight');
select pg_temp.refused('0 0 * * fri-sun', 'nor round Saturday');
select pg_temp.refused('50-60 * * * *', 'a range ends inside');
select pg_temp.refused('5- * * * *', 'a range has an end');
select pg_temp.refused('-5 * * * *', 'and a beginning');
select pg_temp.refused('1-2-3 * * * *', 'and no more');
select pg_temp.refused('*-5 * * * *', 'of numbers');

select pg_temp.refused('*/0 * * * *', 'a step of nothing never comes on');
select pg_temp.refused('*/ * * * *', 'a step is a number');
select pg_temp.refused('*/a * * * *', 'and no letter');
select pg_temp.refused('*/-5 * * * *', 'and goes forward');
select pg_temp.refused('*/5/5 * * * *', 'and is one');
select pg_temp.refused('5/10 * * * *', 'a step is of a star or a range, where cron would drop it silently');

select pg_temp.refused(', * * * *', 'a list has items');
select pg_temp.refused('1,,2 * * * *', 'none of them empty');
select pg_temp.refused('1, * * * *', 'the last one neither');
select pg_temp.refused(',1 * * * *', 'nor the first');
select pg_temp.refused('** * * * *', 'one star is enough');
select pg_temp.refused('? * * * *', 'a question mark is another cron''s');
select pg_temp.refused('0 0 L * *', 'as is the last day');
select pg_temp.refused('mon * * * *', 'a minute has no name');
select pg_temp.refused('0 0 * mon *', 'a month has no weekday''s name');
select pg_temp.refused('0 0 * * jan', 'a weekday has no month''s name');
select pg_temp.refused('0 0 * januar *', 'names have three letters');
select pg_temp.refused(E'0 6 1 *\n', 'an end of line is no field');
select pg_temp.refused(E'\n6 * * *', 'nor at the beginning');

select throws_ok(
  $$ select scheduler.read_schedule('0 25 * * *') $$, '22023', 'the schedule ''0 25 * * *'' can''t be read: ''25'' is no hour',
  'the error names the schedule and the field at fault'
);
select is(
  tests.hint_of($$ select scheduler.read_schedule('0 0 * * 1,9') $$),
  'A day of the week is *, a number from 0 to 7, a range like 0-7, either with a step like */2, or a list of these.',
  'the hint says what may stand there'
);

select * from finish();
rollback;
