-- A statement_timeout cancels the job, and not the tick: else it would be missed, made up for and cancelled every minute.

begin;
select plan(9);

create table public.done (at timestamptz default clock_timestamp());
create function public.sleeping() returns void language sql as $$ insert into public.done default values; select pg_sleep(60); $$;
delete from scheduler.jobs where kind = 'sql';
insert into scheduler.jobs (job_name, kind, target, schedule, catch_up) values ('sleeping', 'sql', 'public.sleeping', '0 4 * * *', '1 day');
select tests.ticked_until('2026-03-10 03:00Z');

set local statement_timeout = '300ms';
select tests.ticked('scenario-scheduler-dispatch', '2026-03-10 04:10Z') as ticked \gset
set local statement_timeout = 0;
select is(:'ticked'::text, 'sleeping failed 03-10 04:00', 'an SQL job that is cancelled by statement_timeout leaves a failed row');
select unnest(array[
  is(error_type, 'database_error', 'with the type of its error'),
  is(error_message, 'the database answered 57014 in public.sleeping; its log says more', 'and its code'),
  is(triggered_by, 'catch_up', 'and what started it'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations where job_name = 'sleeping';
select is_empty('select * from public.done', 'what it did is undone');
select is(last_tick_for, '2026-03-10 04:00Z', 'its tick was dealt with') from scheduler.jobs where job_name = 'sleeping';
select is(tests.ticked('scenario-scheduler-dispatch', '2026-03-10 04:11Z'), null, 'so it is not made up for every minute');
select is((select count(*) from scheduler.invocations where job_name = 'sleeping'), 1::bigint, 'and has one row');

select * from finish();
rollback;
