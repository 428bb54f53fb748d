begin;
select plan(10);

select throws_ok(
  $$ insert into scheduler.scenario_config (scenario_type) values ('birthday') $$,
  '22023', 'unknown scenario ''birthday''',
  'a configuration of an unknown scenario is refused'
);
select is(
  tests.hint_of($$ insert into scheduler.scenario_config (scenario_type) values ('birthday') $$),
  'Known scenarios: expiry, inactivity, milestone.',
  'the hint lists the known scenarios'
);
select throws_ok(
  $$ insert into scheduler.scenario_config (scenario_type) values (null) $$,
  '22023', null,
  'a configuration of no scenario is refused'
);
select throws_ok(
  $$ update scheduler.scenario_config set cooldown_days = 0 where scenario_type = 'inactivity' $$,
  '23514', null,
  'a cooldown of 0 days is refused'
);
select throws_ok(
  $$ update scheduler.scenario_config set cooldown_days = -1 where scenario_type = 'inactivity' $$,
  '23514', null,
  'a negative cooldown is refused'
);
select throws_ok(
  $$ update scheduler.scenario_config set ttl_hours = 0 where scenario_type = 'inactivity' $$,
  '23514', null,
  'a push that expires at once is refused'
);
select throws_ok(
  $$ insert into scheduler.scenario_config (organisation_id, scenario_type) values (null, 'inactivity') $$,
  '23505', null,
  'a scenario has one default row'
);

insert into scheduler.scenario_config (organisation_id, scenario_type)
values ('aaaaaaaa-0000-4000-8000-000000000000', 'inactivity'), ('aaaaaaaa-0000-4000-8000-000000000000', 'expiry');
select throws_ok(
  $$ insert into scheduler.scenario_config (organisation_id, scenario_type) values ('aaaaaaaa-0000-4000-8000-000000000000', 'inactivity') $$,
  '23505', null,
  'an organisation has one row for a scenario'
);
select results_eq(
  $$
    select scenario_type, enabled, cooldown_days, priority, ttl_hours from scheduler.scenario_config
    where organisation_id is not null order by scenario_type
  $$,
  $$ values ('expiry', true, 1, 10, 72), ('inactivity', true, 30, 20, 72) $$,
  'what a row leaves out has the scenario''s default'
);
select results_eq(
  $$
    select scenario_type, enabled, cooldown_days, priority, ttl_hours from scheduler.scenario_config
    where organisation_id is null order by scenario_type
  $$,
  $$ values ('expiry', true, 1, 10, 72), ('inactivity', true, 30, 20, 72), ('milestone', true, 1, 30, 72) $$,
  'the default rows are shipped with the documented values'
);

select * from finish();
rollback;
