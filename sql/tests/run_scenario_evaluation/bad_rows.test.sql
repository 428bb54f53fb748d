-- One bad row never stops a run: beside it, others get what is theirs.
begin;
select plan(15);

alter table public.peer_mentors alter column joined_on drop not null, alter column organisation_id drop not null;

select tests.mentor(joined_on => '2026-01-01') as well \gset
create function pg_temp.others_are_served(rule text) returns text language plpgsql as $$
declare
  served text;
begin
  begin
    served := tests.foreseen(current_setting('tests.well')::uuid, '2026-03-10 12:00+01');
  exception
    when others then
      served := sqlerrm;
  end;
  return is(served, 'inactivity:2026-01-01:1', rule);
end;
$$;
select set_config('tests.well', :'well', true);

select tests.mentor(organisation_id => tests.organisation(timezone => 'Not/A_Zone', locale => 'not a language'));
select tests.mentor(organisation_id => tests.organisation(timezone => null, locale => null));
select tests.mentor(organisation_id => tests.organisation(timezone => '', locale => ''));
select pg_temp.others_are_served('an organisation without a valid zone or language does not stop a run');

select tests.mentor(timezone => 'Not/A_Zone', locale => 'not a language');
select tests.mentor(timezone => '', locale => '');
select tests.mentor(timezone => repeat('x', 1000));
select pg_temp.others_are_served('a mentor without a valid zone or language does not stop a run');

select tests.mentor(joined_on => null) as undated \gset
select tests.certified_until(:'undated', null);
insert into public.peer_mentors (id, organisation_id, joined_on) values (gen_random_uuid(), null, '2026-01-01');
select pg_temp.others_are_served('a mentor without a joining date or an organisation does not stop a run');

insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (gen_random_uuid(), 'no such scenario', false);
insert into public.device_tokens (token, user_id) values ('of nobody', gen_random_uuid());
select pg_temp.others_are_served('preferences and devices of nobody do not stop a run');

select tests.mentor(joined_on => '0001-01-01 BC');
select tests.mentor(joined_on => '5874897-12-31');
select tests.certified_until(:'undated', '5874897-12-31');
select pg_temp.others_are_served('dates at the ends of time do not stop a run');

-- "Never" and "always", as some applications write them.
select tests.mentor() as odd \gset
select tests.certified_until(:'odd', 'infinity') as certification \gset
select pg_temp.others_are_served('a certification that expires at infinity does not stop a run');
select lives_ok(
  format($$ select public.explain_scenario_evaluation(%L, '2026-03-10 12:00+01') $$, :'odd'),
  'a certification that expires at infinity can be explained'
);
select lives_ok(
  format($$ select public.run_scenario_evaluation(as_of => '2026-03-10 12:00+01', user_ids => array[%L]::uuid[], dry_run => true) $$, :'odd'),
  'a mentor with a certification that expires at infinity can be evaluated alone'
);
delete from public.certifications where expires_on = 'infinity';

select tests.active_on(:'odd', 'infinity');
select pg_temp.others_are_served('an activity planned at infinity does not stop a run');
select lives_ok(
  format($$ select public.explain_scenario_evaluation(%L, '2026-03-10 12:00+01') $$, :'odd'),
  'an activity planned at infinity can be explained'
);
delete from public.activities;
select tests.active_on(:'odd', '-infinity');
select pg_temp.others_are_served('an activity at minus infinity does not stop a run');
delete from public.activities;
update public.peer_mentors set joined_on = '-infinity' where id = :'odd';
select pg_temp.others_are_served('a joining date of minus infinity does not stop a run');
update public.peer_mentors set joined_on = '2025-01-01' where id = :'odd';

-- Rows that somebody wrote by hand.
select tests.active_on(:'odd', '2026-03-09');
select tests.queued(:'odd', 'milestone', 'milestone:by hand', '2026-01-01') as by_hand \gset
select pg_temp.others_are_served('a milestone notification with a key of another form does not stop a run');
delete from public.activities;
update scheduler.notifications set scenario_type = 'inactivity', occurrence_key = 'inactivity:2025-01-01:by hand' where id = :by_hand;
select pg_temp.others_are_served('an inactivity notification with a key of another form does not stop a run');
delete from scheduler.notifications;

-- Settings of one organisation, which may as well be refused when they are written.
select tests.organisation() as patient \gset
select tests.mentor(organisation_id => :'patient', joined_on => '2026-01-01');
select set_config('tests.patient', :'patient', true);
do $$
begin
  insert into scheduler.scenario_config (organisation_id, scenario_type, cooldown_days)
  values (current_setting('tests.patient')::uuid, 'inactivity', 2147483647);
exception
  when check_violation or invalid_parameter_value then
    null; -- refused: then there is nothing that could stop a run
end;
$$;
select pg_temp.others_are_served('a cooldown of an organisation that ends beyond all dates does not stop a run');

select * from finish();
rollback;
