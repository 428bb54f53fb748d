begin;
select plan(36);

select throws_ok(
  format(
    'update scheduler.scenario_config set params = %L where organisation_id is null and scenario_type = %L', params, scenario
  ),
  '22023', null,
  format('%s refuses %s', scenario, params)
)
from (
  values
    ('inactivity', '{"threshold_days": "30"}'), ('inactivity', '{"threshold_days": 0}'), ('inactivity', '{"threshold_days": -1}'),
    ('inactivity', '{"threshold_days": 1.5}'), ('inactivity', '{"threshold_days": null}'), ('inactivity', '{"threshold_days": [30]}'),
    ('inactivity', '{"threshold_days": true}'), ('inactivity', '{"threshold_days": 99999999999}'),
    ('inactivity', '{"max_reminders": 0}'), ('inactivity', '{"max_reminders": -1}'), ('inactivity', '{"max_reminders": "3"}'),
    ('inactivity', '{"treshold_days": 30}'), ('inactivity', '[]'), ('inactivity', '"text"'), ('inactivity', 'null'), ('inactivity', '30'),
    ('milestone', '{"milestones": []}'), ('milestone', '{"milestones": 10}'), ('milestone', '{"milestones": [0]}'),
    ('milestone', '{"milestones": [1, -5]}'), ('milestone', '{"milestones": ["10"]}'), ('milestone', '{"milestones": [1, null]}'),
    ('milestone', '{"lookback_days": 0}'), ('milestone', '{"lookback_days": "14"}'), ('milestone', '{"threshold_days": 30}'),
    ('expiry', '{"lead_days": []}'), ('expiry', '{"lead_days": 30}'), ('expiry', '{"lead_days": [-7]}'),
    ('expiry', '{"lead_days": [[7]]}'), ('expiry', '{"lead_days": null}')
) as wrong (scenario, params);

select throws_ok(
  $$ insert into scheduler.scenario_config (organisation_id, scenario_type, params) values (gen_random_uuid(), 'inactivity', '{"threshold_days": -1}') $$,
  '22023', 'parameter threshold_days of inactivity must be a whole number of 1 or more, not -1',
  'the error names the parameter, what it must be and the value at fault'
);
select is(
  tests.hint_of($$ update scheduler.scenario_config set params = '{"threshold_days": -1}' where scenario_type = 'inactivity' $$),
  'The default is 30.',
  'the hint says what the default is'
);
select is(
  tests.hint_of($$ update scheduler.scenario_config set params = '{"treshold_days": 30}' where scenario_type = 'inactivity' $$),
  'Parameters of inactivity: max_reminders, threshold_days.',
  'for an unknown parameter the hint lists the known ones'
);
select is(
  tests.hint_of($$ update scheduler.scenario_config set params = '[]' where scenario_type = 'inactivity' $$),
  'Write {} for the defaults.',
  'for params that are no object the hint says how to write the defaults'
);
select throws_ok(
  $$ update scheduler.scenario_config set params = null where scenario_type = 'inactivity' $$,
  '22023', null,
  'params of SQL null are refused'
);
select lives_ok(
  $$
    update scheduler.scenario_config
    set params = case scenario_type
      when 'inactivity' then '{"threshold_days": 1, "max_reminders": null}'
      when 'milestone' then '{"milestones": [1], "lookback_days": 1}'
      when 'expiry' then '{"lead_days": [0]}'
    end::jsonb
  $$,
  'the smallest values, and null for no limit, are accepted'
);

select * from finish();
rollback;
