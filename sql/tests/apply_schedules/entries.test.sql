begin;
select plan(29);

create function pg_temp.entry(name text) returns text language sql as $$
  select concat_ws(' | ', schedule, command, case when active then 'active' else 'not active' end) from cron.job where jobname = name;
$$;
create function pg_temp.applied() returns text language sql as $$
  select string_agg(cron_name || ' ' || change, ', ' order by cron_name) from scheduler.apply_schedules() where change <> 'unchanged';
$$;

-- As installed.
select results_eq(
  'select jobname::text, schedule, active from cron.job order by jobname',
  $$
    values
      ('nightly-scheduler', '0 2 * * *', true),
      ('scenario-scheduler-daily', '0 6 * * *', true),
      ('scenario-scheduler-dispatch', '* * * * *', true),
      ('scenario-scheduler-housekeeping', '30 3 * * *', true)
  $$,
  'the install puts the jobs on pg_cron''s schedule'
);
select is_empty(
  $$ select jobname from cron.job where username <> 'postgres' or database <> current_database() or command <> format('select scheduler.tick(%L)', jobname) $$,
  'as the role that installed, here, with nothing but a tick'
);

-- Twice.
create temporary table before on commit drop as select * from cron.job;
select is((select count(*) from scheduler.apply_schedules()), 4::bigint, 'applying tells of every entry');
select is(pg_temp.applied(), null, 'and changes nothing the second time');
select results_eq('select * from cron.job order by jobid', 'select * from before order by jobid', 'nor do the entries change');

-- Follows the jobs.
update scheduler.jobs set schedule = '0 5 * * *' where job_name = 'scenario-evaluation';
select is(pg_temp.entry('scenario-scheduler-daily'), '0 5 * * * | select scheduler.tick(''scenario-scheduler-daily'') | active', 'another schedule is another schedule at once');
select is(
  (select jobid from cron.job where jobname = 'scenario-scheduler-daily'), (select jobid from before where jobname = 'scenario-scheduler-daily'),
  'of the same entry'
);
select is(pg_temp.applied(), null, 'with nothing left to apply');
insert into scheduler.jobs (job_name, kind, target, schedule, scenarios) values ('milestones', 'edge', 'scenario-evaluation', '0 12 * * *', '{milestone}');
select is(pg_temp.entry('scenario-scheduler-milestones'), '0 12 * * * | select scheduler.tick(''scenario-scheduler-milestones'') | active', 'a new job has a new entry');
update scheduler.jobs set cron_name = 'noon' where job_name = 'milestones';
select is(pg_temp.entry('scenario-scheduler-milestones'), null, 'renaming takes the old entry away');
select is(pg_temp.entry('noon'), '0 12 * * * | select scheduler.tick(''noon'') | active', 'and makes the new');
delete from scheduler.jobs where job_name = 'milestones';
select is(pg_temp.entry('noon'), null, 'a job that is gone has no entry');
delete from scheduler.jobs where job_name = 'hlf-sync';
select isnt(pg_temp.entry('nightly-scheduler'), null, 'an entry stays as long as one job has it');
delete from scheduler.jobs where job_name = 'certification-expiry';
select is(pg_temp.entry('nightly-scheduler'), null, 'and goes with the last');
delete from scheduler.jobs;
select is_empty('select * from cron.job', 'without jobs there are no entries');
select is(pg_temp.applied(), null, 'and nothing to apply');

-- What somebody did to the entries by hand.
insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon');
select cron.alter_job(jobid, schedule => '0 8 * * mon') from cron.job where jobname = 'scenario-scheduler-weekly';
select is(pg_temp.applied(), 'scenario-scheduler-weekly changed', 'a schedule that was changed in pg_cron is set right');
select is(pg_temp.entry('scenario-scheduler-weekly'), '0 7 * * mon | select scheduler.tick(''scenario-scheduler-weekly'') | active', 'as the job says');
select cron.alter_job(jobid, active => false) from cron.job where jobname = 'scenario-scheduler-weekly';
select is(pg_temp.applied(), 'scenario-scheduler-weekly changed', 'one that was switched off in pg_cron is switched on');
select matches(pg_temp.entry('scenario-scheduler-weekly'), '\| active$', 'as nobody paused it');
select cron.unschedule('scenario-scheduler-weekly');
select is(pg_temp.applied(), 'scenario-scheduler-weekly scheduled', 'one that was taken away is made again');
select matches(pg_temp.entry('scenario-scheduler-weekly'), '\| active$', 'and active');
select cron.schedule('left-over', '* * * * *', $$select scheduler.tick('left-over')$$);
select is(pg_temp.applied(), 'left-over removed', 'one of ours without a job is taken away');
select is(pg_temp.entry('left-over'), null, 'and gone');

-- A job with no schedule, and one that is switched off.
update scheduler.jobs set schedule = null where job_name = 'weekly';
select is_empty('select * from cron.job', 'a job without a schedule has no entry');
select is((select job_name from scheduler.jobs), 'weekly', 'and is a job still');

select tests.without('cron');
select is_empty('select * from scheduler.apply_schedules()', 'without pg_cron nothing is applied, and nothing fails');
select lives_ok($$ insert into scheduler.jobs (job_name, kind, target, schedule) values ('monthly', 'edge', 'scenario-evaluation', '0 7 1 * *') $$, 'jobs can be written all the same');
select is_empty('select * from scheduler.cron_entries()', 'there are no entries');

select * from finish();
rollback;
