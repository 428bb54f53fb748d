begin;
select plan(30);

create table public.done (at timestamptz default clock_timestamp());
create function public.counting() returns jsonb language sql as $$
  insert into public.done default values; select jsonb_build_object('done', 3);
$$;
create function public.silent() returns void language sql as $$ insert into public.done default values; $$;
create function public.many() returns setof integer language sql as $$ insert into public.done default values; select generate_series(1, 5); $$;
create function public.failing() returns void language plpgsql as $$
begin
  insert into public.done default values;
  raise exception 'Kari Nordmann has no number' using errcode = 'data_exception';
end;
$$;
insert into scheduler.jobs (job_name, kind, target, schedule)
select name, 'sql', 'public.' || name, '0 4 * * *' from unnest(array['counting', 'silent', 'many', 'failing']) as name;

select scheduler.run_job(job_name => 'counting', scheduled_for => '2026-03-10 04:00Z', triggered_by => 'pg_cron') as run \gset
select unnest(array[
  is(status, 'completed', 'an SQL job runs in the database'),
  is(details, '{"done": 3}', 'the ledger keeps what it returned'),
  is(triggered_by, 'pg_cron', 'what started it'),
  is(scheduled_for, '2026-03-10 04:00Z', 'for which tick'),
  ok(started_at <= finished_at, 'and when'),
  is(request_id, null, 'without any request'),
  is(error_type, null, 'and without an error')
])
from scheduler.invocations where id = :'run';
select is((select count(*) from public.done), 1::bigint, 'once');
select is_empty('select * from net.http_request_queue', 'no function is asked');
select is_empty('select * from vault.secrets', 'no url is needed');

select is(tests.run_became(scheduler.run_job(job_name => 'silent')), 'completed', 'a job that returns nothing is one');
select is(tests.run_became(scheduler.run_job(job_name => 'many')), 'completed', 'one that returns many rows is one');
select is((select details from scheduler.invocations where job_name = 'many'), '{"rows": 5}', 'of which the number is kept');

-- Failures.
delete from public.done;
select scheduler.run_job(job_name => 'failing') as failed \gset
select unnest(array[
  is(status, 'failed', 'a job that fails is in the ledger'),
  is(error_type, 'database_error', 'with the type of its error'),
  is(error_message, 'the database answered 22000 in public.failing; its log says more', 'and its code'),
  unalike(error_message, '%Kari%', 'but not its words, in which names may be'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations where id = :'failed';
select is_empty('select * from public.done', 'what it did is undone');
drop function public.silent();
select is(tests.run_became(scheduler.run_job(job_name => 'silent')), 'failed: database_error', 'a function that is gone fails');

-- One at a time, one a tick.
select is(
  tests.run_became(scheduler.run_job(job_name => 'counting', scheduled_for => '2026-03-10 04:00Z')), 'skipped: duplicate_tick', 'a second tick for the same moment is skipped'
);
select is_empty('select * from public.done', 'and runs nothing');
insert into scheduler.invocations (job_name, status, started_at, heartbeat_at) values ('counting', 'running', now(), now());
select is(tests.run_became(scheduler.run_job(job_name => 'counting')), 'skipped: overlap', 'a second run at the same time is skipped');
update scheduler.invocations set heartbeat_at = now() - interval '31 seconds' where status = 'running';
select is(tests.run_became(scheduler.run_job(job_name => 'counting')), 'completed', 'unless the first is dead');

-- What is shipped.
select is(tests.run_became(scheduler.run_job(job_name => 'housekeeping')), 'completed', 'housekeeping is such a job');
select is((select details ->> 'state_drift' from scheduler.invocations where job_name = 'housekeeping'), '0', 'and says what it found');

-- Others.
select is(tests.run_became(scheduler.run_job(job_name => 'birthday')), 'failed: evaluation_logic_error', 'an unknown job fails in the ledger');
select tests.configured();
select is(tests.run_became(scheduler.run_job(job_name => 'scenario-evaluation')), 'requested', 'an edge job is asked for');
select is((select triggered_by from scheduler.invocations where job_name = 'scenario-evaluation'), 'operator', 'by the operator');
select is((select count(*) from net.http_request_queue), 1::bigint, 'with a request');

select * from finish();
rollback;
