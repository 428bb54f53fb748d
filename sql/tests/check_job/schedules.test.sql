begin;
select plan(31);

create function pg_temp.refused(change text, problem text, rule text) returns setof text language sql as $$
  select throws_like(change, problem, rule);
$$;
create temporary table before on commit drop as select * from scheduler.jobs;
create temporary table entries_before on commit drop as select * from cron.job;

-- Refused when set, with the reason, and nothing half done.
select pg_temp.refused(
  $$ update scheduler.jobs set schedule = '0 25 * * *' where job_name = 'scenario-evaluation' $$,
  '%''0 25 * * *'' can''t be read: ''25'' is no hour', 'an hour that is none is refused'
);
select matches(
  tests.hint_of($$ update scheduler.jobs set schedule = '0 25 * * *' where job_name = 'scenario-evaluation' $$), 'A hour is .* from 0 to 23|An hour is .* from 0 to 23',
  'with what an hour is'
);
select throws_ok(
  $$ update scheduler.jobs set schedule = 'every day' where job_name = 'scenario-evaluation' $$, '22023', 'the schedule ''every day'' has not five fields',
  'words are refused'
);
select throws_ok(
  $$ update scheduler.jobs set schedule = '' where job_name = 'scenario-evaluation' $$, '22023', null, 'an empty schedule is none'
);
select throws_ok(
  $$ update scheduler.jobs set schedule = '30 seconds' where job_name = 'dispatch-backlog' $$, '22023', null, 'seconds are not for every pg_cron'
);
select throws_ok(
  $$ update scheduler.jobs set schedule = '0 6 31 2 *' where job_name = 'scenario-evaluation' $$, '22023',
  'the schedule ''0 6 31 2 *'' of job scenario-evaluation never comes', 'a day that never comes is refused'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', '0 6 * *') $$, '22023', null,
  'with a new job too'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', E'0 6 1 *\n') $$, '22023',
  null, 'an end of line is no fifth field'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target) values ('Weekly Run', 'edge', 'scenario-evaluation') $$, '23514', null, 'a name is plain'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target) values ('weekly''; drop table x', 'edge', 'scenario-evaluation') $$, '23514', null, 'very plain'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule, cron_name) values ('weekly', 'edge', 'scenario-evaluation', '0 6 * * 1', 'a''b') $$,
  '23514', null, 'as is that of an entry'
);
select throws_ok(
  $$ update scheduler.jobs set catch_up = '-1 hour' where job_name = 'scenario-evaluation' $$, '23514', null, 'a catch-up goes back, not ahead'
);
select throws_ok(
  $$ update scheduler.jobs set timeout = '0.5 seconds' where job_name = 'scenario-evaluation' $$, '23514', null, 'a timeout is a second'
);
select throws_ok(
  $$ update scheduler.jobs set timeout = '61 seconds' where job_name = 'scenario-evaluation' $$, '23514', null, 'to a minute'
);
select results_eq('select * from scheduler.jobs order by job_name', 'select * from before order by job_name', 'every job is as it was');
select results_eq('select * from cron.job order by jobid', 'select * from entries_before order by jobid', 'and every entry of pg_cron');

-- Names of entries.
insert into scheduler.jobs (job_name, kind, target, schedule, scenarios) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon', '{milestone}');
select is((select cron_name from scheduler.jobs where job_name = 'weekly'), 'scenario-scheduler-weekly', 'a job with a schedule gets an entry''s name');
select is((select schedule from cron.job where jobname = 'scenario-scheduler-weekly'), '0 7 * * mon', 'and an entry');
update scheduler.jobs set schedule = null where job_name = 'weekly';
select is((select cron_name from scheduler.jobs where job_name = 'weekly'), null, 'one without a schedule has neither');
select is_empty($$ select * from cron.job where jobname = 'scenario-scheduler-weekly' $$, 'its entry is gone');
insert into scheduler.jobs (job_name, kind, target, cron_name) values ('by-hand', 'edge', 'scenario-evaluation', 'unneeded');
select is((select cron_name from scheduler.jobs where job_name = 'by-hand'), null, 'even if it was named');

-- The first moment that counts.
select tests.ticked_until('2026-01-01');
update scheduler.jobs set notes = 'changed', timeout = '5 seconds' where job_name = 'scenario-evaluation';
select is((select last_tick_for from scheduler.jobs where job_name = 'scenario-evaluation'), '2026-01-01', 'other changes leave the ticks that are to be made up for');
update scheduler.jobs set schedule = '0 5 * * *' where job_name = 'scenario-evaluation';
select is((select last_tick_for from scheduler.jobs where job_name = 'scenario-evaluation'), now(), 'of a new schedule nothing before it counts');
select is((select last_tick_for from scheduler.jobs where job_name = 'housekeeping'), '2026-01-01', 'of another job it does');
update scheduler.jobs set enabled = false where job_name = 'housekeeping';
select tests.ticked_until('2026-01-01');
update scheduler.jobs set enabled = true where job_name = 'housekeeping';
select is((select last_tick_for from scheduler.jobs where job_name = 'housekeeping'), now(), 'nor before a job was switched on');
insert into scheduler.jobs (job_name, kind, target, schedule, last_tick_for) values ('monthly', 'edge', 'scenario-evaluation', '0 7 1 * *', '2020-01-01');
select is((select last_tick_for from scheduler.jobs where job_name = 'monthly'), now(), 'nor before it was there');

-- Schedules that come seldom are schedules.
select lives_ok($$ update scheduler.jobs set schedule = '0 6 29 2 *' where job_name = 'monthly' $$, 'every four years is a schedule');
select lives_ok($$ update scheduler.jobs set schedule = '0 6 31 12 *' where job_name = 'monthly' $$, 'so is every year');
select lives_ok($$ update scheduler.jobs set schedule = '0 6 31 * mon' where job_name = 'monthly' $$, 'so is either of two days');
select lives_ok($$ update scheduler.jobs set schedule = '0 6 30 2 mon' where job_name = 'monthly' $$, 'of which one never comes');
select throws_ok($$ update scheduler.jobs set schedule = '0 6 30 2 */3' where job_name = 'monthly' $$, '22023', null, 'unless both must');

select * from finish();
rollback;
