begin;
select plan(11);

create temporary table before on commit drop as select * from cron.job;

select throws_ok(
  $$ update scheduler.jobs set schedule = '0 3 * * *' where job_name = 'hlf-sync' $$, '22023',
  'the jobs of nightly-scheduler have several schedules: certification-expiry ''0 2 * * *'', hlf-sync ''0 3 * * *''',
  'jobs that share an entry share its schedule'
);
select matches(
  tests.hint_of($$ update scheduler.jobs set schedule = '0 3 * * *' where job_name = 'hlf-sync' $$), 'one statement, or .* cron_name of its own',
  'the hint says what to do'
);
select throws_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule, cron_name) values ('early', 'edge', 'scenario-evaluation', '0 1 * * *', 'nightly-scheduler') $$,
  '22023', null, 'a new job does too'
);
select throws_ok(
  $$ update scheduler.jobs set cron_name = 'nightly-scheduler' where job_name = 'scenario-evaluation' $$, '22023', null, 'and one that moves in'
);
select is((select count(distinct schedule) from scheduler.jobs where cron_name = 'nightly-scheduler'), 1::bigint, 'nothing was changed');
select results_eq('select * from cron.job order by jobid', 'select * from before order by jobid', 'in pg_cron neither');

select lives_ok(
  $$ update scheduler.jobs set schedule = '0 3 * * *' where cron_name = 'nightly-scheduler' $$, 'in one statement they change together'
);
select is((select schedule from cron.job where jobname = 'nightly-scheduler'), '0 3 * * *', 'the entry with them');
select lives_ok(
  $$ update scheduler.jobs set schedule = '0 4 * * *', cron_name = 'early' where job_name = 'hlf-sync' $$, 'or one takes an entry of its own'
);
select is((select schedule from cron.job where jobname = 'early'), '0 4 * * *', 'with its schedule');
select is((select schedule from cron.job where jobname = 'nightly-scheduler'), '0 3 * * *', 'the other keeps its own');

select * from finish();
rollback;
