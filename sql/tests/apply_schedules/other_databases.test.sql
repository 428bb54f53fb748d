-- pg_cron runs jobs of other databases too, and a name is one for all of them.

begin;
select plan(5);

select cron.schedule('scenario-scheduler-noon', '0 9 * * *', 'select ''theirs''') as theirs \gset
select cron.alter_job(job_id => :theirs, database => 'another');
create temporary table before on commit drop as select * from cron.job where jobid = :theirs;

select lives_ok(
  $$ insert into scheduler.jobs (job_name, kind, target, schedule) values ('noon', 'edge', 'scenario-evaluation', '0 12 * * *') $$,
  'a job whose name is taken for another database can be written'
);
select results_eq(format('select * from cron.job where jobid = %s', :theirs), 'select * from before', 'the other database''s entry is left as it is');
select scheduler.pause(job_name => 'noon');
select scheduler.resume(job_name => 'noon');
select results_eq(format('select * from cron.job where jobid = %s', :theirs), 'select * from before', 'also after a pause');
select is(tests.status_of('job noon'), 'fail', 'the status says that the job has no entry');
delete from scheduler.jobs where job_name = 'noon';
select results_eq(format('select * from cron.job where jobid = %s', :theirs), 'select * from before', 'and it stays when the job goes');

select * from finish();
rollback;
