begin;
select plan(20);

create function pg_temp.title_for(mentor uuid) returns text language sql as $$
  select candidate.title
  from public.run_scenario_evaluation(
    as_of => '2026-03-10 12:00+01', dry_run => true, scenarios => array['inactivity']
  ) as candidate
  where candidate.user_id = mentor;
$$;

-- Texts that say where they come from.
delete from scheduler.scenario_templates;
insert into scheduler.scenario_templates (scenario_type, locale, title, body)
values ('inactivity', 'nb', 'default nb', 'body'), ('inactivity', 'nn', 'default nn', 'body'), ('inactivity', 'en', 'default en', 'body');

select tests.organisation(locale => 'nn') as nynorsk \gset
select tests.organisation(locale => 'en') as english \gset
select tests.organisation(locale => null) as speechless \gset
select tests.mentor(organisation_id => :'nynorsk') as mentor \gset
select tests.mentor(organisation_id => :'nynorsk', locale => 'en') as english_speaker \gset
select tests.mentor(organisation_id => :'nynorsk', locale => 'de') as german_speaker \gset
select tests.mentor(organisation_id => :'english') as of_english \gset
select tests.mentor(organisation_id => :'speechless') as of_speechless \gset

select is(pg_temp.title_for(:'mentor'), 'default nn', 'the text is in the language of the organisation');
select is(pg_temp.title_for(:'of_english'), 'default en', 'each organisation has its own language');
select is(pg_temp.title_for(:'english_speaker'), 'default en', 'the mentor''s language goes before that of the organisation');
select is(pg_temp.title_for(:'german_speaker'), 'default nb', 'a language without any text is answered in nb');
select is(pg_temp.title_for(:'of_speechless'), 'default nb', 'without any language the text is in that of the default settings');

insert into scheduler.scenario_templates (organisation_id, scenario_type, locale, title, body)
values (:'nynorsk', 'inactivity', 'nb', 'own nb', 'body');
select is(pg_temp.title_for(:'mentor'), 'default nn', 'a default text in the right language goes before an own text in another');
select is(pg_temp.title_for(:'german_speaker'), 'own nb', 'among texts of one language, the organisation''s own goes first');

insert into scheduler.scenario_templates (organisation_id, scenario_type, locale, title, body)
values (:'nynorsk', 'inactivity', 'nn', 'own nn', 'body'), (:'nynorsk', 'milestone', 'nn', 'milestone', 'body');
select is(pg_temp.title_for(:'mentor'), 'own nn', 'an own text in the right language goes first');
select is(pg_temp.title_for(:'of_english'), 'default en', 'an own text is for no other organisation');

delete from scheduler.scenario_templates where locale = 'nn';
select is(pg_temp.title_for(:'mentor'), 'own nb', 'where nn is missing, nb stands in, the organisation''s own first');
delete from scheduler.scenario_templates where organisation_id = :'nynorsk';
select is(pg_temp.title_for(:'mentor'), 'default nb', 'where nn is missing, nb stands in');
delete from scheduler.scenario_templates where locale = 'nb';
select is(pg_temp.title_for(:'mentor'), 'default en', 'where nn and nb are missing, en stands in');
select is(pg_temp.title_for(:'german_speaker'), 'default en', 'an unknown language is answered in en where nb is missing');

-- A language may come with a country.
insert into scheduler.scenario_templates (scenario_type, locale, title, body)
values ('inactivity', 'nb', 'default nb', 'body'), ('inactivity', 'nn', 'default nn', 'body');
select is(
  pg_temp.title_for(tests.mentor(organisation_id => :'english', locale => written)), 'default ' || spoken,
  format('the locale %s is the language %s', written, spoken)
)
from (values ('nb-NO', 'nb'), ('nn-NO', 'nn'), ('nn_NO', 'nn'), ('NN', 'nn'), ('en-GB', 'en')) as locale (written, spoken);

-- No text at all.
delete from scheduler.scenario_templates;
select is(pg_temp.title_for(:'mentor'), null, 'without any text there is no push');
insert into public.certifications (user_id, expires_on) values (:'mentor', '2026-03-20');
insert into scheduler.scenario_templates (scenario_type, locale, title, body) values ('inactivity', 'nb', 'default nb', 'body');
select is(
  tests.pushed(:'mentor', '2026-03-10 12:00+01'), 'inactivity:2025-01-01:1',
  'a scenario without a text takes no place under the daily cap'
);

select * from finish();
rollback;
