begin;
select plan(11);

insert into scheduler.invocations (job_name, status, started_at, heartbeat_at, dry_run)
values
  ('scenario-evaluation', 'running', now() - interval '1 hour', now() - interval '31 seconds', false),
  ('scenario-evaluation', 'running', now() - interval '1 hour', now() - interval '31 seconds', true),
  ('dispatch-backlog', 'running', now() - interval '1 hour', now() - interval '30 seconds', false),
  ('hlf-sync', 'running', now() - interval '31 seconds', null, false),
  ('housekeeping', 'requested', null, null, false),
  ('housekeeping', 'completed', now() - interval '1 hour', now() - interval '1 hour', false);
create function pg_temp.abandoned() returns text language sql as $$
  select string_agg(job_name, ', ' order by job_name, dry_run) from scheduler.invocations where status = 'abandoned';
$$;

select is((select count(*) from scheduler.abandon_dead_runs(job_name => 'dispatch-backlog')), 0::bigint, 'half a minute is allowed');
select is((select count(*) from scheduler.abandon_dead_runs(job_name => 'scenario-evaluation')), 2::bigint, 'of one job, dry runs included, those that give none');
select is(pg_temp.abandoned(), 'scenario-evaluation, scenario-evaluation', 'and no others');
select is((select count(*) from scheduler.abandon_dead_runs()), 1::bigint, 'or of all jobs');
select is(pg_temp.abandoned(), 'hlf-sync, scenario-evaluation, scenario-evaluation', 'one that never gave any, from its beginning');
select is((select count(*) from scheduler.abandon_dead_runs()), 0::bigint, 'once');
select unnest(array[
  is(finished_at, now(), 'it ends when it is given up'),
  is(error_type, 'timeout_error', 'with a type'),
  matches(error_message, 'killed or stalled', 'and words')
])
from scheduler.invocations where job_name = 'hlf-sync';
select is(
  (select count(*) from scheduler.invocations where status = 'abandoned' and error_message is null), 0::bigint, 'no run is given up without a word'
);
select is((select count(*) from scheduler.invocations where status in ('running', 'requested', 'completed')), 3::bigint, 'the rest is as it was');

select * from finish();
rollback;
