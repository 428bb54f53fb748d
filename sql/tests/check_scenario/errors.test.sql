begin;
select plan(5);

select throws_ok(
  $$
    insert into scheduler.scenarios (scenario_type, detector, description, default_cooldown_days, default_priority)
    values ('birthday', 'scheduler.detect_birthday', 'A birthday.', 1, 40)
  $$,
  '42883', null,
  'a scenario whose detector does not exist is refused'
);
select alike(
  tests.hint_of($$
    insert into scheduler.scenarios (scenario_type, detector, description, default_cooldown_days, default_priority)
    values ('birthday', 'scheduler.detect_birthday', 'A birthday.', 1, 40)
  $$),
  '%returning setof scheduler.occurrence%',
  'the hint says what a detector is'
);
select throws_ok(
  $$ update scheduler.scenarios set default_params = '{"threshold_days": 0}' where scenario_type = 'inactivity' $$,
  '22023', null,
  'default parameters of the wrong kind are refused'
);
select throws_ok(
  $$ update scheduler.scenarios set default_cooldown_days = 0 where scenario_type = 'inactivity' $$,
  '23514', null,
  'a default cooldown of 0 days is refused'
);
select throws_ok(
  $$ update scheduler.scenarios set scenario_type = 'In activity' where scenario_type = 'inactivity' $$,
  '23514', null,
  'a scenario has a plain name'
);

select * from finish();
rollback;
