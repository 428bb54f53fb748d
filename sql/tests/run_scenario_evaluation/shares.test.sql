-- Each organisation's share of a run, beside the ledger's row of the whole.

begin;
select plan(18);

select tests.organisation() as north \gset
select tests.organisation() as south \gset
select tests.organisation() as empty \gset
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'north') from generate_series(1, 2);
select tests.mentor(joined_on => '2026-03-09', organisation_id => :'north');
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'south') as southern \gset
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'south') as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);

create function pg_temp.shares(run uuid) returns text language sql as $$
  select string_agg(
    format('%s %s %s %s', total_active_mentors, total_evaluated, total_candidates, suppressed), ' | ' order by total_active_mentors desc
  )
  from scheduler.invocation_shares where invocation_id = run;
$$;

select count(*) from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', dry_run => true);
select is_empty('select * from scheduler.invocation_shares', 'a dry run leaves none');

select gen_random_uuid() as run \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', invocation_id => :'run');
select is(pg_temp.shares(:'run'), '3 3 2 {} | 2 2 1 {"inactivity": {"opted_out": 1}}', 'active and evaluated mentors, candidates and what was held back, of each organisation');
select set_eq(format('select organisation_id from scheduler.invocation_shares where invocation_id = %L', :'run'), tests.sorted(:'north', :'south'), 'that has active mentors');

-- The same run evaluates once more.
select tests.mentor(joined_on => '2026-01-01', organisation_id => :'north');
select count(*) from public.run_scenario_evaluation(as_of => '2026-03-10 07:05+01', invocation_id => :'run');
select is(
  pg_temp.shares(:'run'), '4 4 3 {"inactivity": {"cooldown": 2}} | 2 2 1 {"inactivity": {"cooldown": 1, "opted_out": 1}}',
  'a run that evaluates again adds to its candidates, and counts the rest anew'
);
select is(
  (select total_candidates::bigint from scheduler.invocations where id = :'run'), (select sum(total_candidates) from scheduler.invocation_shares where invocation_id = :'run'),
  'as the ledger does'
);

-- Narrower.
select gen_random_uuid() as of_south \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-04-20 07:00+02', invocation_id => :'of_south', organisation_ids => array[:'south']::uuid[]);
select is(pg_temp.shares(:'of_south'), '2 2 1 {"inactivity": {"opted_out": 1}}', 'who is not evaluated has no share');
select gen_random_uuid() as of_one \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-06-01 07:00+02', invocation_id => :'of_one', user_ids => array[:'southern']::uuid[]);
select is(pg_temp.shares(:'of_one'), '2 1 1 {}', 'of single mentors only these are counted, beside the active ones of the organisation');
select gen_random_uuid() as of_expiry \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-06-02 07:00+02', invocation_id => :'of_expiry', scenarios => '{expiry}');
select is(pg_temp.shares(:'of_expiry'), '4 4 0 {} | 2 2 0 {}', 'of one scenario only what that found');

-- Held back for reasons that are counted in the index.
select gen_random_uuid() as resting \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-04-21 07:00+02', invocation_id => :'resting');
select is(
  (select suppressed -> 'inactivity' -> 'cooldown' from scheduler.invocation_shares where invocation_id = :'resting' and organisation_id = :'south'), '1',
  'who rests is counted in her own organisation'
);
select is(
  (select suppressed -> 'inactivity' -> 'opted_out' from scheduler.invocation_shares where invocation_id = :'resting' and organisation_id = :'south'), '1', 'by the reason'
);
select is(
  (select (suppressed -> 'inactivity' ->> 'cooldown')::bigint from scheduler.invocations where id = :'resting'),
  (select sum(coalesce((suppressed -> 'inactivity' ->> 'cooldown')::integer, 0)) from scheduler.invocation_shares where invocation_id = :'resting'),
  'and nowhere twice'
);

-- Paused.
insert into scheduler.organisation_settings (organisation_id, paused) values (:'north', true);
select gen_random_uuid() as without_north \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-07-01 07:00+02', invocation_id => :'without_north');
select results_eq(
  format('select organisation_id from scheduler.invocation_shares where invocation_id = %L', :'without_north'), array[:'south'::uuid], 'a paused organisation has no share'
);

-- The frequency cap.
update scheduler.organisation_settings set daily_cap = 0 where organisation_id is null;
select tests.mentor(joined_on => '2026-07-01', organisation_id => :'south');
select gen_random_uuid() as capped \gset
select count(*) from public.run_scenario_evaluation(as_of => '2026-09-01 07:00+02', invocation_id => :'capped', organisation_ids => array[:'south']::uuid[], scenarios => '{inactivity}');
select is(
  (select suppressed -> 'inactivity' -> 'frequency_cap' from scheduler.invocation_shares where invocation_id = :'capped'), '1', 'what the cap held back is in the share'
);
select is(
  (select suppressed from scheduler.invocation_shares where invocation_id = :'capped'), (select suppressed from scheduler.invocations where id = :'capped'),
  'which of a single organisation is the whole'
);
select is((select total_candidates from scheduler.invocation_shares where invocation_id = :'capped'), 0, 'where nobody gets a push, that is none');

-- Deleted with the run.
delete from scheduler.invocations where id = :'run';
select is(pg_temp.shares(:'run'), null, 'shares go with their run');
select is(pg_temp.shares(:'of_south'), '2 2 1 {"inactivity": {"opted_out": 1}}', 'and no other does');
select is(
  (select count(*) from scheduler.invocation_shares as share where not exists (select from scheduler.invocations as run where run.id = share.invocation_id)),
  0::bigint, 'there is none without a run'
);

select * from finish();
rollback;
