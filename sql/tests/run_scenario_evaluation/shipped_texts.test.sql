-- What is shipped, as it lights up a locked screen.
begin;
select plan(6);

update scheduler.organisation_settings set daily_cap = null, weekly_cap = null;
update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';
select tests.organisation() as organisation \gset
update public.organisations set name = 'Hidden Name' where id = :'organisation';
select tests.mentor(organisation_id => :'organisation', locale => locale) from unnest(array['nb', 'nn', 'en']) as locale;
select tests.active_on(mentor.id, '2026-01-20') from public.peer_mentors as mentor;
insert into public.certifications (user_id, name, expires_on)
select mentor.id, 'Hidden Name', date '2026-03-10' from public.peer_mentors as mentor;

create temporary table shown on commit drop as
select mentor.locale, candidate.scenario_type, candidate.title, candidate.body
from public.run_scenario_evaluation(as_of => '2026-03-01 12:00+01') as candidate
join public.peer_mentors as mentor on mentor.id = candidate.user_id;

select set_eq(
  $$ select scenario_type, locale from scheduler.scenario_templates where organisation_id is null $$,
  $$ select scenario_type, locale from scheduler.scenarios, unnest(array['nb', 'nn', 'en']) as locale $$,
  'every scenario is shipped with texts in nb, nn and en'
);
select is((select count(*) from shown), 9::bigint, 'every scenario goes out in every language');
select is_empty($$ select * from shown where title || body ~ '[{}]' $$, 'no shipped text has a brace in it when it is rendered');
select is_empty($$ select * from shown where title || body !~* '^[[:alpha:]].*[[:alpha:]].*\.$' $$, 'every shipped text is a sentence');
select is(
  (select count(distinct (scenario_type, title, body)) from shown), 9::bigint,
  'the texts differ from language to language'
);
select is_empty(
  $$ select * from shown where title || body ilike '%hidden%' $$,
  'no shipped text holds the name of an organisation or a certification'
);

select * from finish();
rollback;
