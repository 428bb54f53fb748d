-- cron.job_run_details is everybody's: only the rows of this project's own jobs go.

begin;
select plan(18);

create function pg_temp.ran(run bigint, command text, ago interval default '15 days', database text default current_database()) returns void language sql as $$
  insert into cron.job_run_details (jobid, runid, database, username, command, status, start_time, end_time)
  values (1, run, database, current_user, command, 'succeeded', now() - ago, now() - ago);
$$;
create function pg_temp.swept(looked_at integer default 1000) returns bigint language sql as $$
  select scheduler.sweep_cron_history(older_than => now() - interval '14 days', looked_at => swept.looked_at);
$$;
create function pg_temp.there() returns bigint[] language sql as $$ select coalesce(array_agg(runid order by runid), '{}') from cron.job_run_details $$;

select pg_temp.ran(1, $$select scheduler.tick('scenario-scheduler-dispatch')$$);
select pg_temp.ran(2, 'select backup()');
select pg_temp.ran(3, $$select scheduler.tick('scenario-scheduler-daily')$$, '13 days');
select pg_temp.ran(4, $$select scheduler.tick('scenario-scheduler-daily')$$, database => 'another');
select pg_temp.ran(5, $$select 'select scheduler.tick('$$);
select pg_temp.ran(6, $$select scheduler.tick('an-entry-that-is-gone')$$);
select pg_temp.ran(7, 'select scheduler.apply_schedules()');
select is(pg_temp.swept(), 2::bigint, 'old rows of our own ticks go');
select is(pg_temp.there(), '{2,3,4,5,7}', 'young ones, other people''s and other databases'' stay');
select is(pg_temp.swept(), 0::bigint, 'nothing is left to do');
select is(pg_temp.there(), '{2,3,4,5,7}', 'nor done');

-- In bounded steps, on from where the last one stopped.
delete from cron.job_run_details;
update scheduler.retention set swept_to = 0;
select pg_temp.ran(run, case when run % 2 = 0 then 'select backup()' else $$select scheduler.tick('scenario-scheduler-dispatch')$$ end) from generate_series(1, 10) as run;
select pg_temp.ran(11, $$select scheduler.tick('scenario-scheduler-dispatch')$$, '1 day');
select is(pg_temp.swept(4), 2::bigint, 'a sweep looks at so many rows');
select is(pg_temp.there(), '{2,4,5,6,7,8,9,10,11}', 'and no more');
select is((select swept_to from scheduler.retention where kept = 'cron_history'), 4::bigint, 'and keeps where it stopped');
select is(pg_temp.swept(4), 2::bigint, 'the next goes on');
select is(pg_temp.there(), '{2,4,6,8,9,10,11}', 'past other people''s');
select is(pg_temp.swept(4), 1::bigint, 'to the end');
select is(pg_temp.there(), '{2,4,6,8,10,11}', 'where young ones are');
select is((select swept_to from scheduler.retention where kept = 'cron_history'), 0::bigint, 'from where it begins anew');
select is(pg_temp.swept(4), 0::bigint, 'the next round finds nothing');
update cron.job_run_details set start_time = now() - interval '15 days' where runid = 11;
select pg_temp.swept(4) from generate_series(1, 3);
select is(pg_temp.there(), '{2,4,6,8,10}', 'until something is old');

-- A run that pg_cron could not even begin has no time.
delete from cron.job_run_details;
update scheduler.retention set swept_to = 0;
insert into cron.job_run_details (jobid, runid, database, username, command, status)
select 1, run, current_database(), current_user, $$select scheduler.tick('scenario-scheduler-dispatch')$$, 'failed' from generate_series(1, 4) as run;
select pg_temp.ran(5, $$select scheduler.tick('scenario-scheduler-dispatch')$$);
select pg_temp.ran(6, 'select backup()', '1 day');
select pg_temp.swept(4) from generate_series(1, 3);
select is(5 = any (pg_temp.there()), false, 'rows without a time don''t stop a sweep');
select is(pg_temp.there(), '{6}', 'and go with what came after them');

-- Elsewhere.
select is((select relrowsecurity from pg_class where oid = 'cron.job_run_details'::regclass), true, 'other roles'' rows can''t even be seen');
select tests.without('cron');
select is(pg_temp.swept(), 0::bigint, 'without pg_cron there is nothing to do');

select * from finish();
rollback;
