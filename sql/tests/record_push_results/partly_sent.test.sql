-- One device has the push, another one failed in passing: whatever happens
-- then, it is sent, its window stays, and nobody gets it twice.

begin;
select plan(42);

create temporary table world (what text, reason text, mentor uuid default gen_random_uuid(), organisation uuid default gen_random_uuid(), id bigint) on commit drop;
insert into world (what, reason)
values
  ('the mentor is active again', 'active_again'),
  ('the mentor opted out', 'opted_out'),
  ('the mentor is paused', 'mentor_not_active'),
  ('the organisation is paused', 'organisation_paused'),
  ('the other device is gone', 'no_device'),
  ('it expires', 'not_sent_in_time'),
  ('its last attempt fails', 'attempts_exhausted'),
  ('the sender dies at the last attempt', 'attempts_exhausted'),
  ('the sender dies and organisation quarantines', 'outcome_unknown'),
  ('the other device is refused', null);
select tests.organisation(id => organisation) from world;
select tests.mentor(id => mentor, organisation_id => organisation) from world;
insert into public.device_tokens (token, user_id) select 'second of ' || mentor, mentor from world;
update world set id = tests.waiting(mentor);
select tests.claimed();
select is(tests.recorded(tests.said(id, 'sent'), tests.said(id, 'retry', 'second of ' || mentor)), 'pending', 'half of it is sent: ' || what) from world;

select tests.active_on(mentor, tests.today()) from world where reason = 'active_again';
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select mentor, 'inactivity', false from world where reason = 'opted_out';
update public.peer_mentors set status = 'paused' where id = (select mentor from world where reason = 'mentor_not_active');
insert into scheduler.organisation_settings (organisation_id, paused) select organisation, true from world where reason = 'organisation_paused';
delete from public.device_tokens where token = (select 'second of ' || mentor from world where reason = 'no_device');
update scheduler.notifications set deliver_after = now() - interval '2 hours', expires_at = now()
where id = (select id from world where reason = 'not_sent_in_time');
update scheduler.notifications set attempts = 7 where id in (select id from world where reason = 'attempts_exhausted');
insert into scheduler.organisation_settings (organisation_id, on_ambiguous) select organisation, 'quarantine' from world where reason = 'outcome_unknown';

select tests.let_time_pass(id) from world;
create temporary table page on commit drop as
select * from public.claim_notifications(batch_size => 100, lease => '1 minute', invocation_id => null);
select set_eq(
  'select notification_id from page',
  $$ select id from world where what ~ 'attempt|sender|refused' $$,
  'what is no longer true or too late is not sent to the other device'
);
select is_empty(
  $$ select device from page, json_array_elements(devices) as device where device ->> 'token' not like 'second of %' $$,
  'nothing goes to the device that has it'
);
select is(tests.recorded(tests.said(id, 'retry', 'second of ' || mentor)), 'sent', 'sent in the end: ' || what)
from world where what = 'its last attempt fails';
select is(tests.recorded(tests.said(id, 'invalid_token', 'second of ' || mentor)), 'sent', 'sent in the end: ' || what)
from world where what = 'the other device is refused';
select tests.let_time_pass(id) from world;
select is(tests.claimed(), '{}'::bigint[], 'and then there is nothing left to send');

select is((select status from scheduler.notifications where id = world.id), 'sent', 'it is sent, not lost: ' || what) from world;
select is((select sent_at from scheduler.notifications where id = world.id), now(), 'it says since when: ' || what) from world;
select is_empty(
  $$
    select what, notification.status_reason
    from world
    join scheduler.notifications as notification using (id)
    where notification.status_reason is distinct from reason and what <> 'its last attempt fails'
  $$,
  'and where a claim found that out, why the other device did not get it'
);
select is((select count(*) from scheduler.scenario_cooldowns), 10::bigint, 'every window stays');

-- Nor does it come again on another day.
update public.peer_mentors set status = 'active';
delete from public.notification_preferences;
delete from scheduler.organisation_settings where organisation_id is not null;
delete from public.activities;
select is_empty(
  format($$ select * from public.run_scenario_evaluation(as_of => %L) $$, tests.noon(tests.today() + 1)),
  'nobody is due again on the next day'
);
select is((select count(*) from scheduler.notifications), 10::bigint, 'nor is anything written');
select is_empty(
  $$
    select notification_id, token_hash from scheduler.push_attempts
    where outcome = 'sent' group by notification_id, token_hash having count(*) > 1
  $$,
  'no device got it twice'
);
select set_eq(
  $$ select notification_id, count(*) from scheduler.push_attempts where outcome = 'sent' group by notification_id $$,
  $$ select id, 1::bigint from world $$,
  'one device of each has it'
);
select is((select count(*) from scheduler.device), 18::bigint, 'and the devices are as they were');

select * from finish();
rollback;
