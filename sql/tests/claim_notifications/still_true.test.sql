begin;
select plan(13);

-- What happened to each mentor changes nothing about the push.
create temporary table world (what text, mentor uuid default gen_random_uuid(), id bigint) on commit drop;
insert into world (what)
values
  ('opted out of another scenario'),
  ('said yes to the scenario'),
  ('one of two devices is gone'),
  ('an older activity was recorded late'),
  ('another organisation is paused'),
  ('moved to another organisation'),
  ('a certification was renewed'),
  ('the last activity was deleted, so is silent for longer'),
  ('the only device was replaced');
select tests.mentor(id => mentor) from world;
select tests.active_on(mentor, tests.today() - 60) from world where what ~ 'activity';
update world set id = tests.waiting(mentor);

insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select mentor, 'milestone', false from world where what = 'opted out of another scenario'
union all
select mentor, 'inactivity', true from world where what = 'said yes to the scenario';
insert into public.device_tokens (token, user_id) select 'second', mentor from world where what = 'one of two devices is gone';
delete from public.device_tokens where token = (select 'token of ' || mentor from world where what = 'one of two devices is gone');
select tests.active_on(mentor, tests.today() - 61) from world where what = 'an older activity was recorded late';
select tests.organisation() as paused \gset
insert into scheduler.organisation_settings (organisation_id, paused) values (:'paused', true);
select tests.organisation() as other \gset
update public.peer_mentors set organisation_id = :'other' where id = (select mentor from world where what = 'moved to another organisation');
select tests.certified_until(mentor, tests.today() + 400) from world where what = 'a certification was renewed';
delete from public.activities where user_id = (select mentor from world where what ~ 'was deleted');
update public.device_tokens set token = 'new' where user_id = (select mentor from world where what = 'the only device was replaced');

select tests.claimed() as page \gset
select ok(id = any (:'page'), 'sent all the same: ' || what) from world;

-- The certification that a push is about, and others.
select tests.mentor(joined_on => tests.today()) as certified \gset
select tests.certified_until(:'certified', tests.today() + 20);
select tests.certified_until(:'certified', tests.today() + 20);
select tests.certified_until(:'certified', tests.today() + 300);
update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.evaluate(now());
update public.certifications set revoked_at = now()
where id in (select id from public.certifications where expires_on = tests.today() + 20 limit 1) or expires_on = tests.today() + 300;
select is(
  (select tests.claimed() = array[id] from scheduler.notifications where user_id = :'certified'), true,
  'of two certifications with one date, one that is left is enough'
);

-- A milestone was reached, whatever comes after.
select tests.mentor(joined_on => tests.today()) as busy \gset
select tests.active_on(:'busy', tests.today());
select tests.evaluate(now());
select tests.active_on(:'busy', tests.today(), tests.today() + 1);
select is(
  (select tests.claimed() = array[id] from scheduler.notifications where user_id = :'busy'), true,
  'an activity ends no milestone'
);

-- A reminder that is not the first.
select tests.mentor(joined_on => tests.today() - 100) as silent \gset
select tests.active_on(:'silent', tests.today() - 70);
select tests.queued(:'silent', 'inactivity', 'inactivity:' || tests.today() - 70 || ':1', tests.today() - 35);
select tests.evaluate(now());
select is(
  (select occurrence_key from scheduler.notifications where user_id = :'silent' and status = 'pending'),
  'inactivity:' || tests.today() - 70 || ':2', 'a second reminder is due'
);
select is(
  (select tests.claimed() = array[id] from scheduler.notifications where user_id = :'silent' and status = 'pending'), true,
  'and is sent as long as the silence lasts'
);

select * from finish();
rollback;
