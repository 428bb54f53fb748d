begin;
select plan(23);

create function pg_temp.said(what text) returns text language sql as $$ select scheduler.run_housekeeping() ->> what $$;

select is(
  scheduler.run_housekeeping(), '{"notifications": 0, "push_attempts": 0, "invocations": 0, "cron_history": 0, "certification_rejects": 0, "idempotency_keys": 0, "state_drift": 0}', 'housekeeping tells of each table how much went'
);

-- Each by its own rule.
insert into scheduler.invocations (job_name, status, requested_at) values ('hlf-sync', 'completed', now() - interval '401 days'), ('hlf-sync', 'completed', now() - interval '399 days');
insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, attempted_at)
values (0, 1, '', 'sent', now() - interval '91 days'), (0, 1, '', 'sent', now() - interval '89 days');
insert into cron.job_run_details (jobid, runid, database, username, command, status, start_time)
select 1, days, current_database(), current_user, $$select scheduler.tick('scenario-scheduler-daily')$$, 'succeeded', now() - make_interval(days => days) from unnest(array[15, 13]) as days;
insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, created_at, status, title, body)
select gen_random_uuid(), 'milestone', 'milestone:1', tests.today(), now() - make_interval(days => days), 'sent', 'title', 'body' from unnest(array[731, 729]) as days;
insert into scheduler.certification_rejects (source, external_id, reason, first_seen_at, last_seen_at)
values ('hlf', 'gone', 'no_name', now() - interval '2 years', now() - interval '91 days'), ('hlf', 'still there', 'no_name', now() - interval '2 years', now() - interval '89 days');
select is(
  scheduler.run_housekeeping(), '{"notifications": 1, "push_attempts": 1, "invocations": 1, "cron_history": 1, "certification_rejects": 1, "idempotency_keys": 0, "state_drift": 0}', 'what is older than is kept goes'
);
select is(
  scheduler.run_housekeeping(), '{"notifications": 0, "push_attempts": 0, "invocations": 0, "cron_history": 0, "certification_rejects": 0, "idempotency_keys": 0, "state_drift": 0}', 'once'
);

select is(tests.rejects(), 'still there no_name 1', 'what a portal named of late stays, since whenever it does');

-- An operator's rule.
update scheduler.retention set keep = '30 days' where kept = 'invocations';
select is(pg_temp.said('invocations'), '1', 'who keeps for a shorter time keeps less');
select is(pg_temp.said('push_attempts'), '0', 'of that and nothing else');
update scheduler.retention set keep = '10 years' where kept = 'push_attempts';
update scheduler.push_attempts set attempted_at = now() - interval '9 years';
select is(pg_temp.said('push_attempts'), '0', 'who keeps for longer keeps more');
delete from scheduler.retention where kept = 'push_attempts';
select is(pg_temp.said('push_attempts'), null, 'a rule that is taken away keeps for good');
update scheduler.push_attempts set attempted_at = now() - interval '20 years';
select is(pg_temp.said('push_attempts'), null, 'however old');
select is((select count(*) from scheduler.push_attempts), 1::bigint, 'it is there');
delete from scheduler.retention;
select is(scheduler.run_housekeeping(), '{"idempotency_keys": 0, "state_drift": 0}', 'without rules everything is kept');
select throws_ok($$ insert into scheduler.retention (kept, keep) values ('push_attempts', '6 days') $$, '23514', null, 'less than a week can''t be kept');
select throws_ok($$ insert into scheduler.retention (kept, keep) values ('push_attempts', '-1 year') $$, '23514', null, 'nor less than nothing');
select lives_ok($$ insert into scheduler.retention (kept, keep) values ('push_attempts', '7 days') $$, 'a week can');

-- Drift.
select tests.mentor();
alter table public.peer_mentors disable trigger user;
update public.peer_mentors set joined_on = joined_on - 1;
alter table public.peer_mentors enable trigger user;
select is(pg_temp.said('state_drift'), '1', 'it counts the mentors whose state differs from the sources');
select scheduler.rebuild_mentor_state();
select is(pg_temp.said('state_drift'), '0', 'none after a rebuild');

-- As a job.
select scheduler.run_job(job_name => 'housekeeping') as run \gset
select is(tests.run_became(:'run'), 'completed', 'it is a job of the database');
select is((select details -> 'state_drift' from scheduler.invocations where id = :'run'), '0', 'what it says is in the ledger');
insert into scheduler.retention (kept, keep) values ('everything_else', '1 year');
select is(tests.run_became(scheduler.run_job(job_name => 'housekeeping')), 'completed', 'a rule of which nothing is known does no harm');

-- Bounded.
insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, attempted_at) select 0, 1, '', 'sent', now() - interval '9 days' from generate_series(1, 20);
select is(scheduler.run_housekeeping(looked_at => 5) ->> 'push_attempts', '5', 'it looks at so many rows and no more');
select is(scheduler.run_housekeeping(looked_at => 5) ->> 'push_attempts', '5', 'each time');
select is(pg_temp.said('push_attempts'), '10', 'to the end');
select is_empty('select * from scheduler.push_attempts', 'of it');

select * from finish();
rollback;
