begin;
select plan(3);

-- An organisation whose configuration leaves the milestones to the scenario's defaults.
select tests.mentor() as mentor \gset
insert into scheduler.scenario_config (organisation_id, scenario_type, params)
values ('aaaaaaaa-0000-4000-8000-000000000000', 'milestone', '{}');
select tests.active_on(:'mentor', '2026-02-01');
select is(tests.evaluated(:'mentor', tests.noon('2026-02-01')), array['milestone:1'], 'a milestone of the defaults is found');

update scheduler.scenarios set default_params = '{"milestones": [1, 3], "lookback_days": 14}' where scenario_type = 'milestone';
select tests.active_on(:'mentor', '2026-02-02', '2026-02-03');
select is(
  tests.evaluated(:'mentor', tests.noon('2026-02-04')), array['milestone:3'],
  'a milestone that is new in the scenario''s defaults is found by the run too'
);

update scheduler.scenario_config set params = '{"milestones": [2]}' where organisation_id is null and scenario_type = 'milestone';
select ok(exists (select from scheduler.milestones where milestone = 2), 'a milestone that any configuration names is noted');

select * from finish();
rollback;
