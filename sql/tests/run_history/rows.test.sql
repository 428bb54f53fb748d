begin;
select plan(13);

insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, error_type, error_message, status_reason, dry_run, total_dispatched, triggered_by)
values
  ('scenario-evaluation', 'completed', now() - interval '4 hours', now() - interval '4 hours', now() - interval '4 hours' + interval '2.34 seconds', null, null, null, false, 7, 'pg_cron'),
  ('scenario-evaluation', 'completed', now() - interval '3 hours', now() - interval '3 hours', now() - interval '3 hours', null, null, null, true, 0, 'operator'),
  ('hlf-sync', 'failed', now() - interval '2 hours', null, now() - interval '1 hour', 'network_error', 'the url of the function is not set', 'not_configured', false, null, 'pg_cron'),
  ('dispatch-backlog', 'skipped', now() - interval '1 hour', null, now() - interval '1 hour', null, null, 'overlap', false, null, 'pg_cron'),
  ('housekeeping', 'failed', now() - interval '30 minutes', now(), now(), 'database_error', null, null, false, null, 'pg_cron'),
  ('dispatch-backlog', 'running', now(), now(), null, null, null, null, false, null, 'pg_cron');
create function pg_temp.line(n integer) returns scheduler.run_history language sql as $$ select * from scheduler.run_history offset n - 1 limit 1 $$;

select is((select count(*) from scheduler.run_history), 6::bigint, 'every run is a line');
select is((pg_temp.line(1)).job || ' ' || (pg_temp.line(1)).status, 'dispatch-backlog running', 'the newest first');
select is((pg_temp.line(1)).seconds, null, 'one that runs has no duration yet');
select is((pg_temp.line(2)).why, 'database_error', 'a failure has its type as a reason, where nothing is said');
select is((pg_temp.line(3)).why, 'overlap', 'a skipped one why it was');
select is((pg_temp.line(4)).why, 'the url of the function is not set', 'what is said goes first');
select is((pg_temp.line(4)).seconds, null, 'one that never began has no duration');
select is((pg_temp.line(5)).job, 'scenario-evaluation (dry run)', 'a dry run is told');
select is((pg_temp.line(6)).why, null, 'one that completed needs no reason');
select is((pg_temp.line(6)).seconds, 2.3, 'seconds have one decimal');
select is((pg_temp.line(6)).sent, 7, 'what was sent is told');
select is((pg_temp.line(6)).triggered_by, 'pg_cron', 'and what started it');
select is((select invocation_id from scheduler.run_history limit 1), (select id from scheduler.invocations where status = 'running'), 'with the id for more');

select * from finish();
rollback;
