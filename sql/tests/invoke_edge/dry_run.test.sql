-- A dry run is in no tick's way, and no tick is in its.

begin;
select plan(9);
select tests.configured();

create function pg_temp.dry() returns uuid language sql as $$
  select scheduler.invoke_edge(job_name => 'scenario-evaluation', dry_run => true, scheduled_for => '2026-03-10 06:00Z');
$$;

select pg_temp.dry() as dry \gset
select is(tests.run_became(:'dry'), 'requested', 'a dry run may be of a tick');
select is(tests.taken_on(:'dry'), true, 'and begins');
select is(tests.run_became(pg_temp.dry()), 'requested', 'a second one is no duplicate');
select tests.asked(scheduled_for => '2026-03-10 06:00Z') as run \gset
select is(tests.run_became(:'run'), 'requested', 'it takes no tick away');
select is(tests.taken_on(:'run'), true, 'whose run begins beside it');
select is(tests.run_became(pg_temp.dry()), 'requested', 'nor is one a duplicate of the tick''s run');
select is(
  (select started from public.start_invocation(job_name => 'scenario-evaluation', scheduled_for => '2026-03-10 06:00Z', dry_run => true)), true,
  'also if the function begins it by itself'
);
select public.finish_invocation(invocation_id => :'run', status => 'completed');
select is(tests.run_became(pg_temp.dry()), 'requested', 'after the run''s end as well');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'skipped: duplicate_tick', 'and the tick has had its run');

select * from finish();
rollback;
