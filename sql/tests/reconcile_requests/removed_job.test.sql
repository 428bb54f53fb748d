-- A job is taken away while a request for it is out.

begin;
select plan(6);
select tests.configured();
insert into scheduler.jobs (job_name, kind, target, schedule) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon');
select tests.asked('weekly') as run \gset
delete from scheduler.jobs where job_name = 'weekly';

select lives_ok($$ select tests.reconciled(now() + interval '10 minutes') $$, 'looking after requests goes on');
select isnt((select outcome from scheduler.requests where invocation_id = :'run'), null, 'what became of the request is seen');
select is((select status from scheduler.invocations where id = :'run'), 'failed', 'the run does not stay open for ever');
select is((select count(*) from net.http_request_queue), 1::bigint, 'and is not asked for again');
select tests.time_passed(:'run', '10 minutes');
select unalike(tests.detail_of('requests'), '%not made since%', 'the status does not complain of it for ever');
update scheduler.invocations set requested_at = now() - interval '500 days';
select scheduler.run_housekeeping();
select is_empty('select * from scheduler.invocations', 'and housekeeping can take it away in its time');

select * from finish();
rollback;
