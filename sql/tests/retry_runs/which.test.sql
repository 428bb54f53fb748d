-- Which runs are begun anew: those of a tick that broke before their evaluation was safe.

begin;
select plan(44);
select tests.configured();

-- A run that began and broke, some minutes ago.
create function pg_temp.broken(job text default 'scenario-evaluation', status text default 'failed', ago interval default '1 minute') returns uuid language plpgsql as $$
declare
  run uuid;
begin
  delete from scheduler.invocations;
  perform tests.lost();
  run := tests.asked(job);
  perform tests.taken_on(run);
  perform tests.answered(run, 202);
  perform scheduler.see_responses(at => now());
  update scheduler.invocations as i set status = broken.status, finished_at = now(), error_type = 'database_error' where id = run;
  perform tests.time_passed(run, ago);
  return run;
end;
$$;
create function pg_temp.retried(at timestamptz default now()) returns bigint language sql as $$
  select count(*) from scheduler.retry_runs(at => retried.at);
$$;

select pg_temp.broken() as run \gset
select is(pg_temp.retried(), 1::bigint, 'a run that failed is begun anew');
select is(pg_temp.retried(), 0::bigint, 'once');
select is((select count(*) from net.http_request_queue), 1::bigint, 'with one request');
select pg_temp.broken(status => 'abandoned') as run \gset
select is(pg_temp.retried(), 1::bigint, 'so is one that was abandoned');

create function pg_temp.not_retried(status text, rule text) returns text language plpgsql as $$
begin
  perform pg_temp.broken(status => not_retried.status);
  return is(pg_temp.retried(), 0::bigint, rule);
end;
$$;
select pg_temp.not_retried('completed', 'one that completed is not');
select pg_temp.not_retried('skipped', 'nor one that was skipped');
select pg_temp.not_retried('running', 'nor one that runs');
select pg_temp.not_retried('requested', 'nor one that is asked for');

select pg_temp.broken() as run \gset
update scheduler.invocations set as_of = now();
select is(pg_temp.retried(), 0::bigint, 'nor one whose evaluation stands');
update scheduler.invocations set status = 'partial';
select is(pg_temp.retried(), 0::bigint, 'nor one that sent a part of it: the minute''s tick does the rest');
select pg_temp.broken() as run \gset
update scheduler.invocations set scheduled_for = null;
select is(pg_temp.retried(), 0::bigint, 'nor one that somebody asked for by hand');
select pg_temp.broken() as run \gset
update scheduler.invocations set started_at = null;
select is(pg_temp.retried(), 0::bigint, 'nor one that never began: that is asked for again, or given up');
select pg_temp.broken('dispatch-backlog') as run \gset
select is(pg_temp.retried(), 0::bigint, 'nor the minute''s: the next minute comes');

select pg_temp.broken() as run \gset
select scheduler.pause(job_name => 'scenario-evaluation');
select is(pg_temp.retried(), 0::bigint, 'nor one of a job that was paused since');
select scheduler.resume(job_name => 'scenario-evaluation');
select is(pg_temp.retried(), 1::bigint, 'before it is resumed');
select pg_temp.broken() as run \gset
update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation';
select is(pg_temp.retried(), 0::bigint, 'nor of one that was switched off');
update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation';
select pg_temp.broken() as run \gset
delete from scheduler.jobs where job_name = 'scenario-evaluation';
select is(pg_temp.retried(), 0::bigint, 'nor of one that is gone');
insert into scheduler.jobs (job_name, kind, target, schedule, cron_name, catch_up)
values ('scenario-evaluation', 'edge', 'scenario-evaluation', '0 6 * * *', 'scenario-scheduler-daily', '12 hours');
select pg_temp.broken(ago => '11 hours 59 minutes') as run \gset
select is(pg_temp.retried(), 1::bigint, 'one is begun anew as long as its tick can be made up for');
select pg_temp.broken(ago => '12 hours 1 minute') as run \gset
select is(pg_temp.retried(), 0::bigint, 'and not after');
create function public.failing() returns void language plpgsql as $$ begin raise exception 'no'; end $$;
insert into scheduler.jobs (job_name, kind, target, schedule, catch_up) values ('failing', 'sql', 'public.failing', '0 4 * * *', '1 day');
delete from scheduler.invocations;
select is(tests.run_became(tests.asked('failing')), 'failed: database_error', 'an SQL job fails');
select is(pg_temp.retried(now() + interval '1 hour'), 0::bigint, 'and is not begun anew by itself');

-- What was not set up.
delete from scheduler.invocations;
delete from vault.secrets;
select tests.lost();
select tests.asked() as run \gset
select tests.time_passed(:'run', '1 minute');
select is(tests.run_became(:'run'), 'failed: network_error', 'a run for which nothing is set up fails');
select is(pg_temp.retried(), 0::bigint, 'and is not begun anew');
select scheduler.configure_edge(url => 'https://project.supabase.co/functions/v1/scenario-scheduler');
select is(pg_temp.retried(), 0::bigint, 'nor with a url alone');
select tests.configured();
select is(pg_temp.retried(), 1::bigint, 'before the secret is set as well');
select is(pg_temp.retried(), 0::bigint, 'once');

-- Another run has done the work, or does it.
create function pg_temp.with_another(status text, more jsonb default '{}') returns bigint language plpgsql as $$
begin
  perform pg_temp.broken(ago => '10 minutes');
  insert into scheduler.invocations (job_name, status, started_at, heartbeat_at, requested_at, finished_at, dry_run, organisation_ids, scenarios)
  values (
    'scenario-evaluation', with_another.status, now(), case when not more ? 'unseen' then now() end,
    now() - coalesce(more ->> 'ago', '5 minutes')::interval, now() - coalesce(more ->> 'ended', '0')::interval,
    coalesce((more ->> 'dry_run')::boolean, false),
    case when more ? 'organisation' then array[(more ->> 'organisation')::uuid] end,
    case when more ? 'scenario' then array[more ->> 'scenario'] end
  );
  return pg_temp.retried();
end;
$$;
select is(pg_temp.with_another('running'), 0::bigint, 'a run in flight is waited for');
select is(pg_temp.with_another('requested'), 0::bigint, 'also one that is only asked for');
select is(pg_temp.with_another('completed'), 0::bigint, 'a later run that completed did the work');
select is(pg_temp.with_another('partial'), 0::bigint, 'or will have it done');
select is(pg_temp.with_another('failed'), 1::bigint, 'one that failed did not');
select is(pg_temp.with_another('abandoned'), 1::bigint, 'nor one that was abandoned');
select is(pg_temp.with_another('skipped'), 1::bigint, 'nor one that was skipped');
select is(pg_temp.with_another('completed', '{"ago": "15 minutes", "ended": "11 minutes"}'), 1::bigint, 'nor one that ended before');
select is(pg_temp.with_another('completed', '{"ago": "15 minutes", "ended": "9 minutes"}'), 0::bigint, 'one that began before and ended after did');
select is(pg_temp.with_another('completed', '{"unseen": true}'), 1::bigint, 'one that was never seen alive did not');
select is(pg_temp.with_another('completed', '{"dry_run": true}'), 1::bigint, 'nor a dry run');
select is(
  pg_temp.with_another('completed', '{"organisation": "aaaaaaaa-0000-4000-8000-000000000000"}'), 1::bigint, 'nor one of a single organisation'
);
select is(pg_temp.with_another('completed', '{"scenario": "expiry"}'), 1::bigint, 'nor one of a single scenario');

-- Unless both are.
delete from scheduler.invocations;
insert into scheduler.jobs (job_name, kind, target, schedule, scenarios, catch_up) values ('weekly', 'edge', 'scenario-evaluation', '0 7 * * mon', '{milestone}', '1 day');
select pg_temp.broken('weekly') as run \gset
select is((select scenarios from scheduler.invocations where id = :'run'), '{milestone}', 'a job of one scenario breaks');
insert into scheduler.invocations (job_name, status, started_at, heartbeat_at, finished_at, scenarios) values ('weekly', 'completed', now(), now(), now(), '{milestone}');
select is(pg_temp.retried(), 0::bigint, 'and a later run of the same did the work');
update scheduler.invocations set scenarios = null where status = 'completed';
select is(pg_temp.retried(), 0::bigint, 'as did one of all');
update scheduler.invocations set scenarios = '{expiry,milestone}' where status = 'completed';
select is(pg_temp.retried(), 0::bigint, 'or one of that and another');
update scheduler.invocations set scenarios = '{expiry}' where status = 'completed';
select is(pg_temp.retried(), 1::bigint, 'but not one of another alone');

select * from finish();
rollback;
