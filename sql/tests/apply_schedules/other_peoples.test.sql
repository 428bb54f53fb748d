begin;
select plan(16);

select cron.schedule('backup', '0 1 * * *', 'select 1') as backup \gset
select cron.schedule('scenario-scheduler-of-mine', '0 1 * * *', 'select 2') as similar \gset
select cron.schedule('0 4 * * *', 'select scheduler.tick(''scenario-scheduler-daily'')') as nameless \gset
select cron.schedule('spy', '0 4 * * *', 'select scheduler.tick(''scenario-scheduler-daily'')') as other_name \gset
select cron.schedule('more', '0 4 * * *', 'select scheduler.tick(''more''); select 1') as more \gset
create function pg_temp.others() returns setof cron.job language sql as $$
  select * from cron.job where jobname is null or jobname in ('backup', 'scenario-scheduler-of-mine', 'spy', 'more') order by jobid;
$$;
create temporary table others_before on commit drop as select * from pg_temp.others();
insert into cron.job_run_details (jobid, runid, database, username, command, status, start_time, end_time)
values (:backup, 900001, current_database(), current_user, 'select 1', 'succeeded', '2020-01-01', '2020-01-01');

select is((select count(*) from others_before), 5::bigint, 'other people have entries');
select count(*) from scheduler.apply_schedules();
select results_eq('select * from pg_temp.others()', 'select * from others_before', 'applying leaves them alone');
update scheduler.jobs set schedule = '1 6 * * *' where job_name = 'scenario-evaluation';
select results_eq('select * from pg_temp.others()', 'select * from others_before', 'changing a job does');
select scheduler.pause(reason => 'test');
select results_eq('select * from pg_temp.others()', 'select * from others_before', 'pausing everything does');
select scheduler.resume();
delete from scheduler.jobs;
select results_eq('select * from pg_temp.others()', 'select * from others_before', 'taking every job away does');
select is((select count(*) from cron.job), 5::bigint, 'while all of ours go');
select is((select count(*) from cron.job_run_details where runid = 900001), 1::bigint, 'their history stays');

-- An entry of somebody else's with our name.
select cron.schedule('scenario-scheduler-noon', '0 9 * * *', 'select ''mine''') as taken \gset
create temporary table taken_before on commit drop as select * from cron.job where jobid = :taken;
select lives_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule) values ('noon', 'edge', 'scenario-evaluation', '0 12 * * *') $$,
  'a job whose name is taken in pg_cron can be written'
);
select results_eq(format('select * from cron.job where jobid = %s', :taken), 'select * from taken_before', 'the entry is left as it is');
select is((select change from scheduler.apply_schedules() where cron_name = 'scenario-scheduler-noon'), 'taken', 'and is told to be taken');
select is((select count(*) from cron.job where jobname = 'scenario-scheduler-noon'), 1::bigint, 'it is the only one of that name');
select scheduler.pause(job_name => 'noon');
select results_eq(format('select * from cron.job where jobid = %s', :taken), 'select * from taken_before', 'a pause does not touch it');
select scheduler.resume(job_name => 'noon');
delete from scheduler.jobs where job_name = 'noon';
select results_eq(format('select * from cron.job where jobid = %s', :taken), 'select * from taken_before', 'nor does taking the job away');
insert into scheduler.jobs (job_name, kind, target, schedule) values ('noon', 'edge', 'scenario-evaluation', '0 12 * * *');
update scheduler.jobs set cron_name = 'my-noon' where job_name = 'noon';
select is((select schedule from cron.job where jobname = 'my-noon'), '0 12 * * *', 'with a name of its own the job has an entry');
select cron.unschedule(:taken);
update scheduler.jobs set cron_name = 'scenario-scheduler-noon' where job_name = 'noon';
select is((select schedule from cron.job where jobname = 'scenario-scheduler-noon'), '0 12 * * *', 'and under the first one when that is free');
select results_eq('select * from pg_temp.others()', 'select * from others_before', 'the others are as ever');

select * from finish();
rollback;
