begin;
select plan(13);

-- Some of everything that can happen to a mentor.
update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';
select tests.organisation(timezone => 'Pacific/Auckland', locale => 'nn') as far_away \gset
select tests.mentor(joined_on => date '2026-01-01' + n) from generate_series(1, 20) as n;
select tests.mentor(organisation_id => :'far_away', joined_on => date '2026-01-01' + n) from generate_series(1, 20) as n;
select tests.mentor() as busy \gset
select tests.active_on(:'busy', variadic array(select date '2026-02-20' + n from generate_series(0, 9) as n));
select tests.mentor() as certified \gset
select tests.certified_until(:'certified', '2026-03-20');
select tests.mentor(joined_on => '2026-01-05') as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);

create temporary table before on commit drop as select * from tests.engine_contents();
create temporary table foreseen on commit drop as
select * from public.run_scenario_evaluation(as_of => '2026-03-01 23:30+01', dry_run => true);
create temporary table past on commit drop as
select * from public.run_scenario_evaluation(as_of => '2026-02-03 12:00+01', dry_run => true);
create temporary table future on commit drop as
select * from public.run_scenario_evaluation(as_of => '2036-02-03 12:00+01', dry_run => true);
create temporary table after on commit drop as select * from tests.engine_contents();

select cmp_ok((select count(*) from before), '>=', 11::bigint, 'the engine''s tables are looked at');
select results_eq('select * from after order by relation', 'select * from before order by relation', 'a dry run changes no row of any table');
select cmp_ok((select count(*) from foreseen), '>=', 30::bigint, 'a dry run finds candidates');
select cmp_ok((select count(*) from past), '>=', 3::bigint, 'a dry run finds candidates of a day in the past');
select cmp_ok((select count(*) from future), '>=', 30::bigint, 'a dry run finds candidates of a day in the future');
select is((select count(*) from foreseen where notification_id is not null), 0::bigint, 'a candidate of a dry run has no notification');

select bag_eq(
  $$
    select user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from public.run_scenario_evaluation(as_of => '2026-02-03 12:00+01')
  $$,
  $$
    select user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from past
  $$,
  'a run of a day in the past returns what the dry run of that day did'
);
select is(
  (select count(*) from scheduler.notifications), (select count(*) from past),
  'the run writes what the dry run foresaw'
);
create temporary table foreseen_now on commit drop as
select * from public.run_scenario_evaluation(as_of => '2026-03-01 23:30+01', dry_run => true);
select bag_eq(
  $$
    select user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from public.run_scenario_evaluation(as_of => '2026-03-01 23:30+01')
  $$,
  $$
    select user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from foreseen_now
  $$,
  'a run returns what a dry run of the same moment did, also where there are notifications already'
);
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-01 23:30+01', dry_run => true) $$,
  'a dry run after the run finds nothing left to do'
);
create temporary table foreseen_later on commit drop as
select * from public.run_scenario_evaluation(as_of => '2036-02-03 12:00+01', dry_run => true);
select bag_eq(
  $$
    select user_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from public.run_scenario_evaluation(as_of => '2036-02-03 12:00+01')
  $$,
  $$
    select user_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date, deliver_after, title, body, data
    from foreseen_later
  $$,
  'a run of a day in the future returns what the dry run of that day did'
);
create temporary table before_repeat on commit drop as select * from tests.engine_contents();
select tests.foreseen(:'busy', '2026-03-02 12:00+01') as key \gset
select results_eq(
  'select * from tests.engine_contents() order by relation', 'select * from before_repeat order by relation',
  'a dry run changes nothing where there are notifications and windows either'
);

set transaction read only;
select lives_ok(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-02 12:00+01', dry_run => true) $$,
  'a dry run works where nothing can be written'
);

select * from finish();
rollback;
