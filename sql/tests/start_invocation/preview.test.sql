-- A dry run writes beside it what the evaluation would find, organisation by organisation: the same that a run for real then finds.

begin;
select plan(12);

select tests.organisation() as own \gset
select tests.organisation('America/New_York') as theirs \gset
select tests.organisation() as paused \gset
insert into scheduler.organisation_settings (organisation_id, paused) values (:'paused', true);

-- In each: who is silent, has a milestone, a certification that expires, both, no wish for pushes, no device, a rest, or had all reminders.
create function pg_temp.populated(organisation uuid, each_of integer) returns void language plpgsql as $$
declare
  mentor uuid;
  kind text;
begin
  for kind in
    select kinds.kind
    from unnest(array['silent', 'milestone', 'expiry', 'both', 'opted out', 'no device', 'resting', 'reminded', 'paused']) as kinds (kind), generate_series(1, each_of)
  loop
    mentor := tests.mentor(organisation_id => organisation, joined_on => tests.today() - 100);
    if kind in ('milestone', 'expiry', 'both') then
      perform tests.active_on(mentor, tests.today() - 1);
    end if;
    if kind in ('expiry', 'both') then
      perform tests.certified_until(mentor, tests.today() + 30);
    end if;
    if kind = 'expiry' then
      perform tests.active_on(mentor, tests.today() - 2);
    end if;
    if kind = 'opted out' then
      insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (mentor, 'inactivity', false);
    end if;
    if kind = 'no device' then
      delete from public.device_tokens where user_id = mentor;
    end if;
    if kind = 'resting' then
      perform tests.queued(mentor, 'inactivity', 'inactivity:x:1', tests.today() - 5);
      update scheduler.mentor_state set inactivity_rests_until = tests.today() + 25, inactivity_reminders = 1 where user_id = mentor;
    end if;
    if kind = 'reminded' then
      update scheduler.mentor_state set inactivity_reminders = 3 where user_id = mentor;
    end if;
    if kind = 'paused' then
      update public.peer_mentors set status = 'paused' where id = mentor;
    end if;
  end loop;
end;
$$;
select pg_temp.populated(:'own', 1), pg_temp.populated(:'theirs', 2), pg_temp.populated(:'paused', 1);

create function pg_temp.shares(run uuid) returns table (organisation_id uuid, active integer, evaluated integer, candidates integer, suppressed jsonb) language sql as $$
  select organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed
  from scheduler.invocation_shares where invocation_id = run order by organisation_id;
$$;
create function pg_temp.whole(run uuid) returns text language sql as $$
  select concat_ws(' ', total_active_mentors, total_evaluated, total_suppressed, suppressed) from scheduler.invocations where id = run;
$$;

select count(*) as foreseen from public.run_scenario_evaluation(dry_run => true) \gset
select id as dry from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true) \gset
select id as dry_narrow from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true, organisation_ids => array[:'theirs']::uuid[]) \gset
select id as dry_scenario from public.start_invocation(job_name => 'scenario-evaluation', dry_run => true, scenarios => '{expiry}') \gset
select is_empty('select * from scheduler.notifications where status = ''pending''', 'nothing is decided');
select is_empty('select * from scheduler.scenario_cooldowns', 'and no window opened');
create temporary table configured on commit drop as select id, last_evaluated_at from scheduler.scenario_config;
select is((select count(last_evaluated_at) from configured), 0::bigint, 'nor a scenario said to be evaluated');
select is((select array_agg(organisation_id) from pg_temp.shares(:'dry')), tests.sorted(:'own', :'theirs'), 'every organisation that is evaluated has a share');
select is((select array_agg(organisation_id) from pg_temp.shares(:'dry_narrow')), array[:'theirs']::uuid[], 'where it is narrowed, only those');
select is((select sum(candidates) from pg_temp.shares(:'dry')), :foreseen::bigint, 'the candidates of all are those that the evaluation lists');
select set_eq(
  format('select distinct scenario.key from pg_temp.shares(%L), jsonb_each(suppressed) as scenario', :'dry'), array['inactivity', 'milestone'], 'what is held back is told by scenario'
);
select set_eq(
  format('select distinct reason.key from pg_temp.shares(%L), jsonb_each(suppressed) as scenario, jsonb_each(scenario.value) as reason', :'dry'),
  array['opted_out', 'no_device', 'cooldown', 'max_reminders', 'frequency_cap'], 'and reason'
);
select results_eq(
  format('select * from pg_temp.shares(%L)', :'dry_narrow'), format('select * from pg_temp.shares(%L) where organisation_id = %L', :'dry', :'theirs'),
  'an organisation alone is told the same as among others'
);

select gen_random_uuid() as real, gen_random_uuid() as real_scenario \gset
select count(*) from public.run_scenario_evaluation(invocation_id => :'real_scenario', scenarios => '{expiry}');
select results_eq(format('select * from pg_temp.shares(%L)', :'dry_scenario'), format('select * from pg_temp.shares(%L)', :'real_scenario'), 'a run of a scenario does what its dry run told');
delete from scheduler.notifications where status = 'pending';
delete from scheduler.scenario_cooldowns;
select count(*) from public.run_scenario_evaluation(invocation_id => :'real');
select results_eq(format('select * from pg_temp.shares(%L)', :'dry'), format('select * from pg_temp.shares(%L)', :'real'), 'so does one of all');
select is(pg_temp.whole(:'dry'), pg_temp.whole(:'real'), 'and for the whole');

select * from finish();
rollback;
