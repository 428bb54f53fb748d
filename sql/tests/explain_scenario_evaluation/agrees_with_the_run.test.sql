-- What explain says of each mentor is what a run of the same moment does.
begin;
select plan(8);

update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';
select tests.organisation(timezone => 'Pacific/Auckland', locale => 'nn') as far_away \gset
select tests.organisation() as paused \gset
insert into scheduler.organisation_settings (organisation_id, paused) values (:'paused', true);
insert into scheduler.scenario_config (organisation_id, scenario_type, params, cooldown_days)
values (:'far_away', 'inactivity', '{"threshold_days": 10, "max_reminders": 2}', 8);

-- Sixty mentors in many states, from their number alone.
create temporary table numbered on commit drop as
select
  n,
  tests.mentor(
    joined_on => date '2026-01-01' + n,
    organisation_id => case n % 7 when 3 then :'far_away'::uuid when 5 then :'paused'::uuid else 'aaaaaaaa-0000-4000-8000-000000000000' end,
    timezone => case when n % 5 = 0 then 'America/New_York' end
  ) as mentor
from generate_series(1, 60) as n;
select tests.active_on(mentor, date '2026-01-20' + n) from numbered where n % 2 = 0;
select tests.active_on(mentor, variadic array(select date '2026-02-01' + step from generate_series(1, n % 12) as step)) from numbered where n % 4 = 1;
select tests.certified_until(mentor, date '2026-03-01' + 2 * n) from numbered where n % 3 = 0;
select tests.certified_until(mentor, date '2026-03-20') from numbered where n % 9 = 0;
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select mentor, case n % 3 when 0 then 'expiry' when 1 then 'milestone' else 'inactivity' end, false from numbered where n % 10 = 7;
update public.device_tokens set disabled_at = now() where user_id in (select mentor from numbered where n % 11 = 4);
update public.peer_mentors set status = 'inactive' where id in (select mentor from numbered where n % 13 = 6);

create function pg_temp.explained(as_of timestamptz) returns table (
  user_id uuid, scenario_type text, decision text, reason text, occurrence_key text, window_start date, deliver_after timestamptz
) language sql as $$
  select
    numbered.mentor, explained.scenario_type, explained.decision, explained.reason, explained.facts ->> 'occurrence_key',
    (explained.facts ->> 'cooldown_window_start')::date, (explained.facts ->> 'deliver_after')::timestamptz
  from numbered
  cross join lateral public.explain_scenario_evaluation(numbered.mentor, as_of) as explained;
$$;

create temporary table said on commit drop as
select day, explained.*
from (select null::date as day) as nothing
cross join lateral pg_temp.explained('2026-03-10 12:00+01') as explained
limit 0;
create temporary table done (
  day date, user_id uuid, scenario_type text, occurrence_key text, window_start date, deliver_after timestamptz
) on commit drop;
create temporary table held_back (day date, scenario_type text, reason text, mentors bigint) on commit drop;

-- Day after day: first explain, then the run.
do $$
declare
  day date;
  moment timestamptz;
  run uuid;
begin
  for offset_days in 0 .. 15 loop
    day := date '2026-03-01' + offset_days * 4;
    moment := (day + time '22:30') at time zone 'Europe/Oslo';
    run := gen_random_uuid();
    -- Halfway some lose their device or opt out, within a cooldown too.
    if offset_days = 8 then
      update public.device_tokens set disabled_at = now() where user_id in (select mentor from numbered where n % 11 = 5);
      insert into public.notification_preferences (user_id, scenario_type, push_enabled)
      select mentor, 'inactivity', false from numbered where n % 6 = 1 on conflict do nothing;
    end if;
    insert into said select day, explained.* from pg_temp.explained(moment) as explained;
    insert into done
    select day, c.user_id, c.scenario_type, c.occurrence_key, c.cooldown_window_start, c.deliver_after
    from public.run_scenario_evaluation(as_of => moment, invocation_id => run) as c;
    insert into held_back
    select day, scenario.key, reason.key, reason.value::bigint
    from scheduler.invocations as i, jsonb_each(i.suppressed) as scenario, jsonb_each_text(scenario.value) as reason
    where i.id = run;
  end loop;
end;
$$;

select cmp_ok((select count(*) from done), '>=', 50::bigint, 'the runs have many candidates');
select set_has(
  'select distinct reason from held_back',
  $$ values ('opted_out'), ('no_device'), ('cooldown'), ('max_reminders'), ('frequency_cap') $$,
  'every reason occurs'
);
select bag_eq(
  $$ select day, user_id, scenario_type, occurrence_key, window_start, deliver_after from said where decision = 'candidate' $$,
  'select * from done',
  'the candidates that explain names are those of the run, with the same window and time of delivery'
);
select bag_eq(
  $$ select day, scenario_type, reason, count(*) from said where decision = 'suppressed' group by day, scenario_type, reason $$,
  'select * from held_back',
  'what explain calls suppressed is what the run counts, for the same reason'
);
select is_empty(
  $$ select * from said where decision = 'candidate' and reason is not null or decision <> 'candidate' and reason is null $$,
  'whatever is no candidate has a reason'
);
select set_eq(
  'select distinct decision from said', array['candidate', 'suppressed', 'not_due', 'out_of_scope'],
  'every decision occurs'
);
select is_empty(
  $$
    select one.user_id
    from scheduler.scenario_cooldowns as one
    join scheduler.scenario_cooldowns as other
      on other.user_id = one.user_id and other.scenario_type = one.scenario_type and other.id > one.id
    where daterange(one.cooldown_window_start, one.cooldown_until)
      && daterange(other.cooldown_window_start, other.cooldown_until)
  $$,
  'no windows overlap'
);
select is_empty(
  $$
    select user_id, evaluation_date from scheduler.notifications
    where status <> 'cancelled' group by user_id, evaluation_date having count(*) > 1
  $$,
  'nobody gets more than one notification a day'
);

select * from finish();
rollback;
