-- A scenario that the engine doesn't know: one function, one row, and its texts.
begin;
select plan(14);

create function scheduler.detect_anniversary(scopes scheduler.evaluation_scope[], user_ids uuid[], explaining boolean)
returns setof scheduler.occurrence
language sql
stable
set search_path = ''
as $$
  select
    'anniversary',
    state.user_id,
    state.organisation_id,
    'anniversary:' || extract(year from scope.evaluation_date),
    scope.evaluation_date,
    to_char(state.joined_on, 'MM-DD') = to_char(scope.evaluation_date, 'MM-DD'),
    null,
    jsonb_build_object('years', extract(year from age(scope.evaluation_date, state.joined_on)))
  from unnest(scopes) as scope
  join scheduler.mentor_state as state on state.organisation_id = scope.organisation_id
  where state.active
    and (user_ids is null or state.user_id = any (user_ids))
    and (explaining or to_char(state.joined_on, 'MM-DD') = to_char(scope.evaluation_date, 'MM-DD'));
$$;

select lives_ok(
  $$
    insert into scheduler.scenarios (
      scenario_type, detector, description, param_kinds, default_params, default_cooldown_days, default_priority, placeholders
    )
    values (
      'anniversary', 'scheduler.detect_anniversary', 'A mentor joined on this day.',
      '{"from_years": "count"}', '{"from_years": 1}', 10, 40, array['years']
    )
  $$,
  'a scenario is registered with a row'
);
insert into scheduler.scenario_templates (scenario_type, locale, title, body)
values ('anniversary', 'nb', '{{years}} år', 'Takk for {{years}} år.');

select tests.mentor(joined_on => '2024-03-10') as mentor \gset
select tests.active_on(:'mentor', '2026-02-20');
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-10'), 'anniversary'), 'anniversary:2026',
  'a registered scenario runs, with the defaults of its row'
);

insert into scheduler.scenario_config (scenario_type) values ('anniversary') on conflict do nothing;
select results_eq(
  $$ select cooldown_days, priority, ttl_hours from scheduler.scenario_config where scenario_type = 'anniversary' $$,
  $$ values (10, 40, 72) $$,
  'its configuration takes what it leaves out from the registered row'
);
select throws_ok(
  $$ update scheduler.scenario_config set params = '{"from_years": 0}' where scenario_type = 'anniversary' $$,
  '22023', null,
  'its parameters are checked by their registered kind'
);
select throws_ok(
  $$ insert into scheduler.scenario_templates (scenario_type, locale, title, body) values ('anniversary', 'en', '{{name}}', 'body') $$,
  '22023', null,
  'its texts may mention its own placeholders only'
);

select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-09'), 'anniversary'), null,
  'it is due when its detector says so, and not otherwise'
);
select is(
  tests.verdict(:'mentor', 'anniversary', tests.noon('2026-03-09')), 'not_due',
  'explain has a row for it'
);
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'mentor', 'anniversary', false);
select is(
  tests.verdict(:'mentor', 'anniversary', tests.noon('2026-03-10')), 'opted_out',
  'a mentor can opt out of it'
);
delete from public.notification_preferences;
select tests.certified_until(:'mentor', '2026-03-12') as certification \gset
select is(
  tests.verdict(:'mentor', 'anniversary', tests.noon('2026-03-10')), 'frequency_cap',
  'it shares the frequency caps with the others, by its priority'
);
delete from public.certifications;
select is(
  tests.pushed(:'mentor', tests.noon('2026-03-10')), 'anniversary:2026',
  'it is evaluated together with the others'
);
select is(
  (select body from scheduler.notifications where user_id = :'mentor'), 'Takk for 2 år.',
  'its texts are rendered with its facts'
);
select results_eq(
  format($$ select cooldown_window_start, cooldown_until from scheduler.scenario_cooldowns where user_id = %L $$, :'mentor'),
  $$ values (date '2026-03-10', date '2026-03-20') $$,
  'it has windows'
);
select is(
  tests.foreseen(:'mentor', tests.noon('2026-03-10')), null,
  'it is sent once'
);
select alike(
  tests.hint_of($$ select public.run_scenario_evaluation(scenarios => array['birthday']) $$), '%anniversary%',
  'it is among the known scenarios'
);

select * from finish();
rollback;
