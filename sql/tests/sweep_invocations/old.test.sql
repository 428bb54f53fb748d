begin;
select plan(11);

create function pg_temp.run(status text, ago interval default '401 days') returns uuid language sql as $$
  with run as (
    insert into scheduler.invocations (job_name, status, requested_at, dry_run) values ('scenario-evaluation', status, now() - ago, true) returning id
  ), request as (
    insert into scheduler.requests (invocation_id, attempt, request_id, webhook_id) select id, 1, 1, id::text from run
  )
  select id from run;
$$;
create function pg_temp.swept(looked_at integer default 1000) returns bigint language sql as $$
  select scheduler.sweep_invocations(older_than => now() - interval '400 days', looked_at => swept.looked_at);
$$;

select pg_temp.run(status) from unnest(array['completed', 'partial', 'failed', 'skipped', 'abandoned']) as status;
select pg_temp.run('completed', '399 days');
select pg_temp.run(status) from unnest(array['requested', 'running']) as status;

select is(pg_temp.swept(2), 2::bigint, 'so many go at most');
select is((select count(*) from scheduler.invocations), 6::bigint, 'and no more');
select is(pg_temp.swept(), 3::bigint, 'all that have ended go');
select is((select string_agg(status, ', ' order by status) from scheduler.invocations), 'completed, requested, running', 'the young and those that have not ended stay');
select is((select count(*) from scheduler.requests), 3::bigint, 'requests go with their runs');
select is(pg_temp.swept(), 0::bigint, 'nothing is left to do');
select is((select count(*) from scheduler.invocations), 3::bigint, 'and nothing more goes');

-- The oldest first.
delete from scheduler.invocations;
select pg_temp.run('completed', '500 days') as older \gset
select pg_temp.run('completed', '600 days') as oldest \gset
select is(pg_temp.swept(1), 1::bigint, 'of two one goes');
select is((select id from scheduler.invocations), :'older', 'the older one');

-- A chain of retries, and what was sent by a run that is gone.
select tests.waiting() as notification \gset
update scheduler.notifications set invocation_id = :'older';
select lives_ok($$ select pg_temp.swept() $$, 'a run may go before its notifications');
select is((select count(*) from scheduler.notifications), 1::bigint, 'which stay');

select * from finish();
rollback;
