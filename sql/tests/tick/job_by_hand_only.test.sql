-- A job without a schedule runs when somebody asks for it, and is in no tick's way.

begin;
select plan(5);
select tests.configured();
select tests.ticked_until('2026-03-10 05:00Z');
insert into scheduler.jobs (job_name, kind, target, catch_up) values ('by-hand', 'edge', 'scenario-evaluation', '1 day');

select is(tests.ticked('scenario-scheduler-daily', '2026-03-10 06:00Z'), 'scenario-evaluation requested 03-10 06:00', 'other jobs'' ticks start them');
select is(tests.run_became(scheduler.run_job('by-hand')), 'requested', 'who asks gets a run');
select lives_ok('select * from public.scheduler_status()', 'there is a status');
select is(tests.status_of('job by-hand'), 'ok', 'the job is ok');
select matches(tests.detail_of('job by-hand'), 'only when asked for: select scheduler\.run_job\(''by-hand''\);', 'which says how to ask');

select * from finish();
rollback;
