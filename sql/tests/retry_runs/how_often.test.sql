-- At most three times more, ever later, asked-again requests included.

begin;
select plan(18);
select tests.configured();

create function pg_temp.breaks(run uuid) returns void language plpgsql as $$
begin
  perform tests.taken_on(run);
  perform tests.answered(run, 202);
  perform scheduler.see_responses(at => now());
  update scheduler.invocations set status = 'failed', finished_at = now(), error_type = 'database_error', error_message = 'no connection' where id = run;
end;
$$;
create function pg_temp.after(minutes numeric) returns text language sql as $$
  select string_agg(found, ', ') from scheduler.retry_runs(at => now() + minutes * interval '1 minute');
$$;
create function pg_temp.latest() returns uuid language sql as $$ select id from scheduler.invocations order by attempt desc limit 1 $$;

select tests.asked() as first \gset
select pg_temp.breaks(:'first');
select is(pg_temp.after(0), 'failed: no connection', 'the first is begun anew at once, which says what was wrong');
select is((select attempt from scheduler.invocations where id = pg_temp.latest()), 2, 'as the second time');
select pg_temp.breaks(pg_temp.latest());
select is(pg_temp.after(9.9), null, 'the second waits for ten minutes');
select is(pg_temp.after(10), 'failed: no connection', 'then it is begun anew');
select pg_temp.breaks(pg_temp.latest());
select is(pg_temp.after(179.9), null, 'the third for three hours');
select is(pg_temp.after(180), 'failed: no connection', 'then it is begun anew');
select pg_temp.breaks(pg_temp.latest());
select is((select attempt from scheduler.invocations where id = pg_temp.latest()), 4, 'the fourth');
select is(pg_temp.after(180), null, 'was the last');
select is(pg_temp.after(600), null, 'for good');
select is((select count(*) from scheduler.invocations), 4::bigint, 'there are four runs');
select is((select count(distinct webhook_id) from scheduler.requests), 4::bigint, 'with four requests');
select is((select count(distinct scheduled_for) from scheduler.invocations), 1::bigint, 'for one tick');
select is((select count(*) from scheduler.invocations as retry join scheduler.invocations as broken on broken.id = retry.retry_of), 3::bigint, 'each but the first makes up for the one before');

-- Requests that were lost on the way count too.
delete from scheduler.invocations;
select tests.lost();
select tests.asked() as run \gset
select tests.lost();
select tests.reconciled();
select tests.lost();
select tests.reconciled(now() + interval '10 minutes');
select is(tests.times_asked(:'run'), 3::bigint, 'a run that was asked for three times');
select pg_temp.breaks(:'run');
select is(pg_temp.after(179.9), null, 'and broke, waits as the third');
select is(pg_temp.after(180), 'failed: no connection', 'and is begun anew');
select is((select attempt from scheduler.invocations where id = pg_temp.latest()), 4, 'as the fourth');
select tests.lost();
select matches(tests.reconciled(now() + interval '181 minutes'), 'given up', 'which is not asked for again');

select * from finish();
rollback;
