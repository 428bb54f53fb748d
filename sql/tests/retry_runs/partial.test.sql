-- A run that does not send and did a part goes on in another: at once as long as it gets somewhere.

begin;
select plan(22);
select tests.configured();

create function pg_temp.latest() returns uuid language sql as $$ select id from scheduler.invocations order by requested_at desc, retry_of nulls last limit 1 $$;
-- The run that is out is taken on, and did so many pages of its work.
create function pg_temp.did(pages integer, run uuid default pg_temp.latest(), status text default 'partial') returns void language plpgsql as $$
begin
  perform tests.taken_on(run);
  perform tests.answered(run, 202);
  perform scheduler.see_responses(at => now());
  perform public.finish_invocation(invocation_id => run, status => did.status, pages_processed => did.pages);
  -- Each is asked for after the one before.
  update scheduler.invocations set requested_at = requested_at - interval '1 second', finished_at = now() - interval '1 second' where id <> run;
  update scheduler.invocations set finished_at = now() where id = run;
end;
$$;
create function pg_temp.after(minutes numeric) returns text language sql as $$
  select string_agg(job_name || ' ' || found, ', ') from scheduler.retry_runs(at => now() + minutes * interval '1 minute');
$$;
create function pg_temp.attempt() returns integer language sql as $$ select attempt from scheduler.invocations where id = pg_temp.latest() $$;

-- It gets somewhere.
select tests.asked('hlf-sync') as run \gset
select pg_temp.did(3);
select is(pg_temp.after(0), 'hlf-sync partial', 'one that did a part goes on at once');
select is(pg_temp.after(0), null, 'once');
select is((select retry_of from scheduler.invocations where id = pg_temp.latest()), :'run', 'in a run of its own, which says of which');
select is((select scheduled_for from scheduler.invocations where id = pg_temp.latest()), (select scheduled_for from scheduler.invocations where id = :'run'), 'for the same tick');
select is((select triggered_by from scheduler.invocations where id = pg_temp.latest()), 'retry', 'as what it is');
create function pg_temp.goes_on() returns bigint language plpgsql as $$
begin
  perform pg_temp.did(1);
  return (select count(*) from scheduler.retry_runs(at => now()));
end;
$$;
select is((select sum(pg_temp.goes_on()) from generate_series(1, 8)), 8::numeric, 'and so often as it takes');
select is(pg_temp.attempt(), 1, 'what gets somewhere begins to count anew');

-- It gets nowhere.
select pg_temp.did(0);
select is(pg_temp.after(0), 'hlf-sync partial', 'one that did nothing is begun anew at once');
select is(pg_temp.attempt(), 2, 'as the second time');
select pg_temp.did(0);
select is(pg_temp.after(9.9), null, 'which waits for ten minutes');
select is(pg_temp.after(10), 'hlf-sync partial', 'before it is begun anew');
select is(pg_temp.attempt(), 3, 'as the third');
select pg_temp.did(1);
select is(pg_temp.after(0), 'hlf-sync partial', 'if that gets somewhere, the next comes at once');
select is(pg_temp.attempt(), 1, 'and is the first');
select pg_temp.did(0);
select pg_temp.after(0);
select pg_temp.did(0);
select pg_temp.after(10);
select pg_temp.did(0);
select is(pg_temp.after(179.9), null, 'the third in a row waits for three hours');
select pg_temp.after(180);
select pg_temp.did(0);
select is(pg_temp.after(600), null, 'after the fourth nothing comes');

-- It failed after that.
delete from scheduler.invocations;
select tests.lost();
select tests.asked('hlf-sync') as run \gset
select pg_temp.did(2, status => 'failed');
select pg_temp.after(0);
select is(pg_temp.attempt(), 2, 'a run that failed counts, whatever it did before');

-- Not those that must not go on.
delete from scheduler.invocations;
select tests.lost();
select tests.asked('hlf-sync') as run \gset
select pg_temp.did(2);
update scheduler.invocations set status_reason = 'stopped';
select is(pg_temp.after(0), null, 'one that somebody stopped does not go on');
update scheduler.invocations set status_reason = null, scheduled_for = null;
select is(pg_temp.after(0), null, 'nor one that was asked for by hand');
update scheduler.invocations set scheduled_for = '2026-03-10 02:00Z', requested_at = now() - interval '12 hours 1 second';
select is(pg_temp.after(0), null, 'nor one whose tick is too old to be made up for');
update scheduler.invocations set requested_at = now() - interval '1 hour';
update scheduler.jobs set enabled = false where job_name = 'hlf-sync';
select is(pg_temp.after(0), null, 'nor of a job that is switched off');
update scheduler.jobs set enabled = true where job_name = 'hlf-sync';
select is(pg_temp.after(0), 'hlf-sync partial', 'but one that is none of these');

select * from finish();
rollback;
