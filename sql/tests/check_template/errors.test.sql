begin;
select plan(19);

select throws_ok(
  format(
    $$ insert into scheduler.scenario_templates (organisation_id, scenario_type, locale, title, body) values (gen_random_uuid(), 'milestone', 'nb', 'title', %L) $$,
    body
  ),
  '22023', null,
  format('a text that says %s is refused', body)
)
from (
  values
    ('Hello {{name}}'), ('Hello {name}'), ('{{days_silent}} days'), ('a stray { brace'), ('a stray } brace'), ('{{milestone}'),
    ('{milestone}}'), ('{{{milestone}}}'), ('{{ milestone }}'), ('{{Milestone}}'), ('{{}}'), ('{milestone}')
) as wrong (body);
select throws_ok(
  $$ update scheduler.scenario_templates set title = 'Hello {{name}}' where scenario_type = 'milestone' and locale = 'nb' $$,
  '22023', 'the template for milestone in nb has an unknown placeholder: {{name}}',
  'the error names the scenario, the language and the placeholder, in a title as in a body'
);
select is(
  tests.hint_of($$ update scheduler.scenario_templates set title = 'Hello {{name}}' where scenario_type = 'milestone' and locale = 'nb' $$),
  'Placeholders of this scenario: {{milestone}}.',
  'the hint lists the placeholders that there are'
);
select lives_ok(
  $$ update scheduler.scenario_templates set title = '{{milestone}}', body = '{{milestone}}{{milestone}}' where scenario_type = 'milestone' and locale = 'nb' $$,
  'a known placeholder is accepted, as often as one likes'
);
select throws_ok(
  $$ update scheduler.scenario_templates set body = ' ' where scenario_type = 'milestone' and locale = 'nb' $$,
  '23514', null,
  'a blank text is refused'
);
select throws_ok(
  $$ insert into scheduler.scenario_templates (scenario_type, locale, title, body) values ('birthday', 'nb', 'title', 'body') $$,
  '23503', null,
  'a text of an unknown scenario is refused'
);
select throws_ok(
  $$ insert into scheduler.scenario_templates (scenario_type, locale, title, body) values ('milestone', 'nb', 'title', 'body') $$,
  '23505', null,
  'there is one default text in a language'
);
select throws_ok(
  $$ insert into scheduler.scenario_templates (organisation_id, scenario_type, locale, title, body) values (gen_random_uuid(), 'milestone', 'nb-NO', 'title', 'body') $$,
  '23514', null,
  'a text is in a language, without a country, so that it is found'
);

select * from finish();
rollback;
