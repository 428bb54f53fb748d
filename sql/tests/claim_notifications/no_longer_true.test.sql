-- The world is looked at once more at the claim. Each mentor was due for one
-- scenario this morning, and something has happened since.

begin;
select plan(69);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.today() as today, tests.noon(tests.today() + 1) as tomorrow, tests.today() - 100 as joined \gset

create temporary table world (what text, mentor uuid default gen_random_uuid(), organisation uuid default gen_random_uuid(), reason text) on commit drop;
insert into world (what, reason)
values
  ('a mentor who was paused', 'mentor_not_active'),
  ('a mentor who became inactive', 'mentor_not_active'),
  ('a mentor who is gone from the roster', 'mentor_not_active'),
  ('a mentor who opted out', 'opted_out'),
  ('a mentor whose organisation is paused', 'organisation_paused'),
  ('a mentor without any device any more', 'no_device'),
  ('a mentor whose devices were refused', 'no_device'),
  ('a mentor active today', 'active_again'),
  ('a mentor whose activity of last week was recorded late', 'active_again'),
  ('a mentor who plans an activity', 'active_again'),
  ('a mentor who joined anew', 'active_again'),
  ('a certification renewed', 'certification_renewed'),
  ('a certification revoked', 'certification_renewed'),
  ('a certification deleted', 'certification_renewed'),
  ('a certification made valid without limit', 'certification_renewed'),
  ('a milestone of a mentor who opted out', 'opted_out');
select tests.organisation(id => organisation) from world;
select tests.mentor(
  id => mentor,
  organisation_id => organisation,
  joined_on => case when what ~ 'certification|milestone' then tests.today() - 5 else :'joined' end
)
from world;
select tests.certified_until(mentor, tests.today() + 20) from world where what ~ 'certification';
select tests.active_on(mentor, tests.today() - 1) from world where what ~ 'milestone';

select tests.evaluate(now());
create temporary table decided on commit drop as
select world.*, notification.id, notification.occurrence_key
from world
join scheduler.notifications as notification on notification.user_id = world.mentor;
select is((select count(*) from decided), 16::bigint, 'every mentor was due');
select is((select count(*) from scheduler.scenario_cooldowns), 16::bigint, 'with a window each');

update public.peer_mentors set status = 'paused' where id = (select mentor from world where what = 'a mentor who was paused');
update public.peer_mentors set status = 'inactive' where id = (select mentor from world where what = 'a mentor who became inactive');
delete from public.peer_mentors where id = (select mentor from world where what = 'a mentor who is gone from the roster');
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select mentor, 'inactivity', false from world where what = 'a mentor who opted out';
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select mentor, 'milestone', false from world where what = 'a milestone of a mentor who opted out';
insert into scheduler.organisation_settings (organisation_id, paused)
select organisation, true from world where reason = 'organisation_paused';
delete from public.device_tokens where user_id = (select mentor from world where what = 'a mentor without any device any more');
update public.device_tokens set disabled_at = now() where user_id = (select mentor from world where what = 'a mentor whose devices were refused');
select tests.active_on(mentor, tests.today()) from world where what = 'a mentor active today';
select tests.active_on(mentor, tests.today() - 7) from world where what = 'a mentor whose activity of last week was recorded late';
select tests.active_on(mentor, tests.today() + 7) from world where what = 'a mentor who plans an activity';
update public.peer_mentors set joined_on = tests.today() where id = (select mentor from world where what = 'a mentor who joined anew');
update public.certifications set expires_on = tests.today() + 400 where user_id = (select mentor from world where what = 'a certification renewed');
update public.certifications set revoked_at = now() where user_id = (select mentor from world where what = 'a certification revoked');
delete from public.certifications where user_id = (select mentor from world where what = 'a certification deleted');
update public.certifications set expires_on = null where user_id = (select mentor from world where what = 'a certification made valid without limit');

select is(tests.claimed(), '{}'::bigint[], 'nothing that is no longer true is handed out');
select is(tests.became(id), 'cancelled: ' || reason, 'cancelled with the reason: ' || what) from decided;
select is((select sum(attempts) from scheduler.notifications), 0::bigint, 'none of them has an attempt');
select is(
  (select count(*) from scheduler.scenario_cooldowns where notification_id = decided.id), 0::bigint,
  'its window is released: ' || what
)
from decided;
select is_empty('select * from scheduler.verify_mentor_state()', 'the state is what the sources say');

-- The cause is gone on the next day.
update public.peer_mentors set status = 'active';
insert into public.peer_mentors (id, organisation_id, joined_on)
select mentor, organisation, :'joined' from world where what = 'a mentor who is gone from the roster';
delete from public.notification_preferences;
delete from scheduler.organisation_settings where organisation_id is not null;
insert into public.device_tokens (token, user_id) select 'new token of ' || mentor, mentor from world where reason = 'no_device';
delete from public.activities
where user_id in (select mentor from world where reason = 'active_again');
update public.peer_mentors set joined_on = :'joined' where id = (select mentor from world where what = 'a mentor who joined anew');
update public.certifications set revoked_at = null, expires_on = tests.today() + 20;
select tests.certified_until(mentor, tests.today() + 20) from world where what = 'a certification deleted';

select is(tests.foreseen(mentor, now()), null, 'not due again on the same day: ' || what) from decided;
create temporary table tomorrow on commit drop as
select * from public.run_scenario_evaluation(as_of => :'tomorrow');
select is(
  (select occurrence_key from tomorrow where user_id = decided.mentor), decided.occurrence_key,
  'due again on the next day, under the same key: ' || what
)
from decided;

select * from finish();
rollback;
