-- Who is paused is to be decided with what the portal said the same night: certification-expiry
-- begins when hlf-sync is over.

begin;
select plan(38);
select tests.configured();
update scheduler.jobs set enabled = false where cron_name <> 'nightly-scheduler' and target <> 'dispatch-backlog';

-- The ledger of a night before, on which hlf-sync did something.
create function pg_temp.night(useful boolean default true) returns void language sql as $$
  delete from scheduler.invocations;
  delete from net.http_request_queue;
  select tests.ticked_until('2026-03-10 01:00Z');
  insert into scheduler.invocations (job_name, status, requested_at, started_at, finished_at, heartbeat_at, pages_processed)
  select 'hlf-sync', 'completed', '2026-03-09 02:00Z', '2026-03-09 02:00Z', '2026-03-09 02:01Z', '2026-03-09 02:01Z', case when useful then 3 else 0 end;
$$;
create function pg_temp.at(minute text, entry text default 'scenario-scheduler-dispatch') returns text language sql as $$
  select tests.ticked(entry, ('2026-03-10 ' || minute || 'Z')::timestamptz);
$$;
-- hlf-sync's run of the night.
create function pg_temp.the_run() returns uuid language sql as $$ select id from scheduler.invocations where job_name = 'hlf-sync' and scheduled_for = '2026-03-10 02:00Z' order by retry_of nulls last limit 1 $$;
create function pg_temp.ends(as_what text, pages integer default 2) returns void language sql as $$
  update scheduler.invocations set requested_at = '2026-03-10 02:00Z', status = as_what, started_at = '2026-03-10 02:00Z', finished_at = '2026-03-10 02:03Z', pages_processed = pages where id = pg_temp.the_run();
$$;

-- It waits, and is started by the minute's tick.
select pg_temp.night();
select is(pg_temp.at('02:00', 'nightly-scheduler'), 'hlf-sync requested 03-10 02:00', 'at its tick the job that waits is not started');
update scheduler.invocations set requested_at = '2026-03-10 02:00Z' where id = pg_temp.the_run();
select is((select last_tick_for from scheduler.jobs where job_name = 'certification-expiry'), '2026-03-10 01:00Z', 'nor is its tick dealt with');
select is(pg_temp.at('02:01'), null, 'nor the minute after');
select is(pg_temp.at('02:04'), null, 'nor while the other is asked for');
update scheduler.invocations set status = 'running', started_at = now(), heartbeat_at = now() where id = pg_temp.the_run();
select is(pg_temp.at('02:05'), null, 'nor while it runs');
select pg_temp.ends('completed');
select is(pg_temp.at('02:06'), 'certification-expiry completed 03-10 02:00', 'the minute after it ended the job is started, for the moment of its tick');
select is((select triggered_by from scheduler.invocations where job_name = 'certification-expiry'), 'pg_cron', 'it was not missed, so that it is no catch-up');
select is((select last_tick_for from scheduler.jobs where job_name = 'certification-expiry'), '2026-03-10 02:00Z', 'its tick is dealt with');
select is(pg_temp.at('02:07'), null, 'once');
select is(pg_temp.at('02:08', 'nightly-scheduler'), E'certification-expiry skipped duplicate_tick 03-10 02:00\nhlf-sync skipped duplicate_tick 03-10 02:00', 'the nightly tick that comes again starts neither');

-- However the other ends.
create function pg_temp.after(as_what text) returns text language plpgsql as $$
begin
  perform pg_temp.night();
  perform pg_temp.at('02:00', 'nightly-scheduler');
  perform pg_temp.ends(as_what);
  return is(pg_temp.at('02:06'), 'certification-expiry completed 03-10 02:00', format('when the other ended as %s it is started', as_what));
end;
$$;
select pg_temp.after('skipped');
create function pg_temp.after_another_try(as_what text) returns setof text language plpgsql as $$
begin
  perform pg_temp.night();
  perform pg_temp.at('02:00', 'nightly-scheduler');
  perform pg_temp.ends(as_what);
  return next is(pg_temp.at('02:06'), null, format('when the other ended as %s it waits for the try that follows at once', as_what));
  perform pg_temp.ends('failed');
  return next is(pg_temp.at('02:08'), 'certification-expiry completed 03-10 02:00', 'and not for the one after that');
end;
$$;
select pg_temp.after_another_try(ended) from unnest(array['failed', 'abandoned']) as ended;

-- A part.
select pg_temp.night();
select pg_temp.at('02:00', 'nightly-scheduler');
select pg_temp.ends('partial');
select is(pg_temp.at('02:06'), null, 'when the other did a part, it waits for the rest');
select is((select count(*) from scheduler.invocations where retry_of is not null and status = 'requested'), 1::bigint, 'which the same tick asks for');
select is(pg_temp.at('02:07'), null, 'while that is on');
select pg_temp.ends('completed');
select is(pg_temp.at('02:08'), 'certification-expiry completed 03-10 02:00', 'and is started after it');

-- An hour at most.
select pg_temp.night();
select pg_temp.at('02:00', 'nightly-scheduler');
update scheduler.invocations set requested_at = '2026-03-10 02:00Z' where id = pg_temp.the_run();
select is(pg_temp.at('02:59'), null, 'it waits to the end of the hour');
select is(pg_temp.at('03:00'), 'certification-expiry completed 03-10 02:00', 'and no longer');
select is((select triggered_by from scheduler.invocations where job_name = 'certification-expiry'), 'pg_cron', 'which is no catch-up');

-- Nothing to wait for.
create function pg_temp.at_once(rule text) returns text language sql as $$
  select matches(pg_temp.at('02:00', 'nightly-scheduler'), 'certification-expiry completed 03-10 02:00', rule);
$$;
select pg_temp.night(useful => false);
select pg_temp.at_once('where the other never does anything, it is started by its own tick');
select is((select triggered_by from scheduler.invocations where job_name = 'certification-expiry'), 'pg_cron', 'as ever');
select pg_temp.night();
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select pg_temp.at_once('as where it is switched off');
update scheduler.jobs set enabled = true where job_name = 'hlf-sync';
select pg_temp.night();
select scheduler.pause(job_name => 'hlf-sync');
select pg_temp.at_once('or paused');
select scheduler.resume(job_name => 'hlf-sync');
select pg_temp.night();
update scheduler.jobs set waits_for = null where job_name = 'certification-expiry';
select pg_temp.at_once('or it waits for nothing');
update scheduler.jobs set waits_for = 'hlf-sync', catch_up = null where job_name = 'certification-expiry';
select pg_temp.night();
select pg_temp.at_once('or nothing would start it later');
update scheduler.jobs set catch_up = '12 hours' where job_name = 'certification-expiry';

-- Where the function can't be asked.
delete from vault.secrets;
select pg_temp.night();
select is(pg_temp.at('02:00', 'nightly-scheduler'), 'hlf-sync failed not_configured 03-10 02:00', 'when the other can''t be asked for, its tick ends in an error');
select is(pg_temp.at('02:02'), 'certification-expiry completed 03-10 02:00', 'and the job is started soon after');
select tests.configured();

-- The database was down.
select pg_temp.night();
select is(pg_temp.at('02:30'), 'hlf-sync requested 03-10 02:00', 'when both were missed, the other is made up for first');
update scheduler.invocations set requested_at = '2026-03-10 02:30Z' where id = pg_temp.the_run();
select is((select triggered_by from scheduler.invocations where id = pg_temp.the_run()), 'catch_up', 'as what it is');
select is(pg_temp.at('02:31'), null, 'and waited for');
select pg_temp.ends('completed');
select is(pg_temp.at('02:32'), 'certification-expiry completed 03-10 02:00', 'to its end');
select pg_temp.night();
select is(pg_temp.at('07:00'), 'certification-expiry completed 03-10 02:00', 'hours later nothing is waited for');
select is((select triggered_by from scheduler.invocations where job_name = 'certification-expiry'), 'catch_up', 'and it was missed');

-- What an operator sees meanwhile.
delete from scheduler.invocations;
insert into scheduler.invocations (job_name, status, requested_at, pages_processed) values ('hlf-sync', 'completed', now() - interval '1 day', 3);
update scheduler.jobs set enabled = true;
select scheduler.apply_schedules();
update scheduler.jobs set last_tick_for = now();
update scheduler.jobs set schedule = to_char(now() at time zone 'UTC' - interval '20 minutes', 'FMMI FMHH24 * * *') where cron_name = 'nightly-scheduler';
select scheduler.apply_schedules();
update scheduler.jobs set last_tick_for = now() - interval '1 hour' where job_name = 'certification-expiry';
insert into scheduler.invocations (job_name, status, requested_at, started_at, heartbeat_at) values ('hlf-sync', 'running', now() - interval '20 minutes', now(), now());
select is(tests.status_of('job certification-expiry'), 'ok', 'a tick that waits is not missed');
delete from scheduler.invocations where status = 'running';
select is(tests.status_of('job certification-expiry'), 'fail', 'one that does not come afterwards is');

select * from finish();
rollback;
