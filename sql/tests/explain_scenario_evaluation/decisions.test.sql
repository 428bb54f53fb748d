begin;
select plan(29);

create function pg_temp.explained(mentor uuid, scenario text, as_of timestamptz default '2026-03-10 12:00+01')
returns text language sql as $$
  select concat_ws(' ', decision, reason, case when due then '(due)' end)
  from public.explain_scenario_evaluation(user_id => mentor, as_of => as_of)
  where scenario_type = scenario;
$$;

select tests.mentor(joined_on => '2026-02-20') as newcomer \gset
select results_eq(
  format($$ select scenario_type, due, decision, reason from public.explain_scenario_evaluation(%L, '2026-03-10 12:00+01') $$, :'newcomer'),
  $$ values ('expiry', false, 'not_due', 'not_due'), ('inactivity', false, 'not_due', 'not_due'), ('milestone', false, 'not_due', 'not_due') $$,
  'there is a row for each scenario, in the order in which they go'
);

select tests.mentor(joined_on => '2026-01-01') as silent \gset
select is(pg_temp.explained(:'silent', 'inactivity'), 'candidate (due)', 'what would go out is a candidate, without a reason against it');
select results_eq(
  format($$
    select facts ->> 'occurrence_key', (facts ->> 'cooldown_window_start')::date, (facts ->> 'evaluation_date')::date,
      (facts ->> 'deliver_after')::timestamptz
    from public.explain_scenario_evaluation(%L, '2026-03-10 23:00+01') where scenario_type = 'inactivity'
  $$, :'silent'),
  $$ values ('inactivity:2026-01-01:1', date '2026-01-31', date '2026-03-10', timestamptz '2026-03-11 08:00+01') $$,
  'a candidate comes with its key, its window and the time of delivery'
);
select alike(
  (select explanation from public.explain_scenario_evaluation(:'silent', '2026-03-10 12:00+01') where scenario_type = 'inactivity'),
  '%68 days%2026-01-01%', 'the explanation says what the decision rests on'
);

-- Suppressed.
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'silent', 'inactivity', false);
select is(pg_temp.explained(:'silent', 'inactivity'), 'suppressed opted_out (due)', 'opted out');
delete from public.notification_preferences;
update public.device_tokens set disabled_at = now() where user_id = :'silent';
select is(pg_temp.explained(:'silent', 'inactivity'), 'suppressed no_device (due)', 'without a device');
update public.device_tokens set disabled_at = null;
select tests.certified_until(:'silent', '2026-03-20');
select is(pg_temp.explained(:'silent', 'expiry'), 'candidate (due)', 'expiry goes first under the daily cap');
select is(pg_temp.explained(:'silent', 'inactivity'), 'suppressed frequency_cap (due)', 'and inactivity is held back by it');

-- After a run.
select tests.evaluate('2026-03-10 12:00+01');
select is(pg_temp.explained(:'silent', 'expiry'), 'not_due already_notified', 'what is in the outbox is not due again');
select is(pg_temp.explained(:'silent', 'inactivity'), 'suppressed frequency_cap (due)', 'what is in the outbox counts for the cap');
delete from public.certifications;
select is(pg_temp.explained(:'silent', 'inactivity', '2026-03-11 12:00+01'), 'candidate (due)', 'the cap holds for its day');
select tests.evaluate('2026-03-11 12:00+01');
select is(pg_temp.explained(:'silent', 'inactivity', '2026-03-20 12:00+01'), 'suppressed cooldown (due)', 'within a window');
select alike(
  (select explanation from public.explain_scenario_evaluation(:'silent', '2026-03-20 12:00+01') where scenario_type = 'inactivity'),
  '%2026-04-10%', 'the explanation says until when the cooldown lasts'
);
select tests.evaluate('2026-04-10 12:00+01');
select tests.evaluate('2026-05-10 12:00+01');
select is(pg_temp.explained(:'silent', 'inactivity', '2026-06-10 12:00+01'), 'suppressed max_reminders (due)', 'after the last reminder');

-- Milestones.
select tests.mentor() as busy \gset
select tests.active_on(:'busy', '2026-03-09', '2026-03-20');
select is(pg_temp.explained(:'busy', 'milestone', '2026-03-08 12:00+01'), 'not_due not_due', 'before the activity');
select is(pg_temp.explained(:'busy', 'milestone'), 'candidate (due)', 'after the activity');
select tests.evaluate('2026-03-10 12:00+01');
select is(pg_temp.explained(:'busy', 'milestone', '2026-03-12 12:00+01'), 'not_due already_notified', 'after the notification');

-- Out of scope.
select tests.organisation() as organisation \gset
select tests.mentor(organisation_id => :'organisation', joined_on => '2026-01-01') as mentor \gset
update public.peer_mentors set status = 'paused' where id = :'mentor';
select is(pg_temp.explained(:'mentor', 'inactivity'), 'out_of_scope mentor_not_active', 'a paused mentor');
select is(pg_temp.explained(:'mentor', 'expiry'), 'out_of_scope mentor_not_active', 'a paused mentor, for every scenario');
update public.peer_mentors set status = 'inactive' where id = :'mentor';
select is(pg_temp.explained(:'mentor', 'inactivity'), 'out_of_scope mentor_not_active', 'an inactive mentor');
update public.peer_mentors set status = 'active' where id = :'mentor';
select is(pg_temp.explained(:'mentor', 'inactivity'), 'candidate (due)', 'an active mentor');
insert into scheduler.organisation_settings (organisation_id, paused) values (:'organisation', true);
select is(pg_temp.explained(:'mentor', 'inactivity'), 'out_of_scope organisation_paused', 'in a paused organisation');
update scheduler.organisation_settings set paused = organisation_id is null;
select is(pg_temp.explained(:'mentor', 'inactivity'), 'out_of_scope organisation_paused', 'when everything is paused');
update scheduler.organisation_settings set paused = false;
insert into scheduler.scenario_config (organisation_id, scenario_type, enabled) values (:'organisation', 'inactivity', false);
select is(pg_temp.explained(:'mentor', 'inactivity'), 'out_of_scope scenario_disabled', 'where the scenario is switched off');
select is(pg_temp.explained(:'mentor', 'expiry'), 'not_due not_due', 'where another scenario is switched off');
update scheduler.scenario_config set enabled = true;

-- A mentor about whom little is known, and one without any text.
alter table public.peer_mentors alter column joined_on drop not null;
select tests.mentor(joined_on => null) as undated \gset
select is(pg_temp.explained(:'undated', 'inactivity'), 'not_due not_due', 'without a joining date');
delete from scheduler.scenario_templates;
select alike(pg_temp.explained(:'mentor', 'inactivity'), 'suppressed %', 'without any text nothing goes out, and there is a reason');

select is_empty(
  $$
    select explained.*
    from public.peer_mentors as mentor
    cross join unnest(array[timestamptz '2020-01-01 12:00+01', '2026-03-10 12:00+01', '2040-01-01 12:00+01']) as as_of
    cross join lateral public.explain_scenario_evaluation(mentor.id, as_of) as explained
    where coalesce(explained.explanation, '') = '' or explained.facts is null or explained.due is null or explained.decision is null
  $$,
  'the explanation, the facts and the decision are never null'
);
select is(
  (
    select count(*)
    from public.peer_mentors as mentor
    cross join lateral public.explain_scenario_evaluation(mentor.id, '2026-03-10 12:00+01')
  ),
  (select count(*) * 3 from public.peer_mentors),
  'for every mentor there is a row for each scenario'
);

select * from finish();
rollback;
