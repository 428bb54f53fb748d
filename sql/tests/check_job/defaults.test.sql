begin;
select plan(4);

insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon');
select unnest(array[
  is(catch_up, '12 hours', 'a job''s ticks are made up for within 12 hours when nothing is said'),
  is(enabled, true, 'it is switched on'),
  is(cron_name, 'scenario-scheduler-weekly', 'has an entry of its own')
])
from scheduler.jobs where job_name = 'weekly';
update scheduler.jobs set catch_up = null where job_name = 'weekly';
select is((select catch_up from scheduler.jobs where job_name = 'weekly'), null, 'null stays: the next tick will do');

select * from finish();
rollback;
