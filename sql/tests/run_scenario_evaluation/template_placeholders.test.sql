begin;
select plan(13);

update scheduler.organisation_settings set daily_cap = null, weekly_cap = null;
update scheduler.scenario_config set params = '{"lookback_days": 60}' where scenario_type = 'milestone';

select tests.mentor(locale => 'en') as mentor \gset
select tests.active_on(:'mentor', '2026-01-20');
insert into public.certifications (user_id, name, expires_on) values (:'mentor', 'Certified listener', '2026-03-10');

create function pg_temp.text_of(scenario text, as_of timestamptz default '2026-03-01 12:00+01') returns text language sql as $$
  select candidate.title || ' / ' || candidate.body
  from public.run_scenario_evaluation(as_of => as_of, dry_run => true, scenarios => array[scenario]) as candidate;
$$;

select unalike(pg_temp.text_of(scenario), '%{%', 'the shipped text of ' || scenario || ' has no brace left in it')
from unnest(array['inactivity', 'milestone', 'expiry']) as scenario;
select alike(pg_temp.text_of('milestone'), '% 1.%', 'the shipped text of milestone says how many activities');
select alike(pg_temp.text_of('expiry'), '%2026%', 'the shipped text of expiry says when');
select unalike(pg_temp.text_of('expiry'), '%Certified listener%', 'a text never names a certification');

update scheduler.scenario_templates set title = '{{days_silent}} {{days_silent}}', body = 'since {{days_silent}} days'
where scenario_type = 'inactivity' and locale = 'en';
select is(
  pg_temp.text_of('inactivity'), '40 40 / since 40 days',
  'a placeholder stands for its fact in title and body, as often as it is mentioned'
);
select is(
  pg_temp.text_of('inactivity', '2026-03-02 12:00+01'), '41 41 / since 41 days',
  'the facts are those of the evaluation date'
);
update scheduler.scenario_templates set title = '{{days_left}} days', body = 'no placeholder'
where scenario_type = 'expiry' and locale = 'en';
select is(pg_temp.text_of('expiry'), '9 days / no placeholder', 'days_left counts from the evaluation date');

update scheduler.scenario_templates set title = '100 % of {{milestone}} %s %1$s %%', body = $body$'quoted' \n $1 "and so on"$body$
where scenario_type = 'milestone' and locale = 'en';
select is(
  pg_temp.text_of('milestone'), $text$100 % of 1 %s %1$s %% / 'quoted' \n $1 "and so on"$text$,
  'all but placeholders is shown as it is written'
);

select tests.evaluate('2026-03-01 12:00+01');
select is(
  (select title from scheduler.notifications where scenario_type = 'inactivity'), '40 40',
  'the outbox holds the rendered title'
);
select is(
  (select body from scheduler.notifications where scenario_type = 'inactivity'), 'since 40 days',
  'the outbox holds the rendered body'
);
select is(
  (select data ->> 'scenario_type' from scheduler.notifications where scenario_type = 'inactivity'), 'inactivity',
  'the data of a push say which scenario it is of'
);

select * from finish();
rollback;
