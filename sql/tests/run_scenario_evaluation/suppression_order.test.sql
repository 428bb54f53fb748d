begin;
select plan(21);

-- A mentor to whom every reason applies at once; they are taken away one by one.
select tests.mentor() as mentor \gset
select tests.active_on(:'mentor', '2026-01-01');
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'mentor', 'inactivity', false);
update public.device_tokens set disabled_at = '2026-01-01 12:00+00' where user_id = :'mentor';
insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
values (:'mentor', 'inactivity', '2026-04-11', '2026-05-11');
select tests.queued(:'mentor', 'inactivity', 'inactivity:2026-01-01:' || n, date '2026-01-01' + 30 * n)
from generate_series(1, 3) as n;
select tests.queued(:'mentor', 'milestone', 'milestone:10', '2026-05-10') as other \gset

select is(
  tests.held_back(tests.noon('2026-05-10')), '{"inactivity": {"opted_out": 1}}',
  'opted_out comes first, before no_device, cooldown, max_reminders and frequency_cap'
);
select is(tests.verdict(:'mentor', 'inactivity', tests.noon('2026-05-10')), 'opted_out', 'explain says opted_out too');

update public.notification_preferences set push_enabled = true;
select is(
  tests.held_back(tests.noon('2026-05-10')), '{"inactivity": {"no_device": 1}}',
  'no_device comes before cooldown, max_reminders and frequency_cap'
);
select is(tests.verdict(:'mentor', 'inactivity', tests.noon('2026-05-10')), 'no_device', 'explain says no_device too');

update public.device_tokens set disabled_at = null;
select is(
  tests.held_back(tests.noon('2026-05-10')), '{"inactivity": {"cooldown": 1}}',
  'cooldown comes before max_reminders and frequency_cap'
);
select is(tests.verdict(:'mentor', 'inactivity', tests.noon('2026-05-10')), 'cooldown', 'explain says cooldown too');

update scheduler.scenario_cooldowns set cooldown_until = '2026-05-10';
select is(
  tests.held_back(tests.noon('2026-05-10')), '{"inactivity": {"max_reminders": 1}}',
  'a window that ends on the evaluation date holds nothing back, and max_reminders comes before frequency_cap'
);
select is(tests.verdict(:'mentor', 'inactivity', tests.noon('2026-05-10')), 'max_reminders', 'explain says max_reminders too');

update scheduler.scenario_config set params = '{"max_reminders": null}'
where scenario_type = 'inactivity' and organisation_id is null;
select is(
  tests.held_back(tests.noon('2026-05-10')), '{"inactivity": {"frequency_cap": 1}}',
  'frequency_cap comes last'
);
select is(tests.verdict(:'mentor', 'inactivity', tests.noon('2026-05-10')), 'frequency_cap', 'explain says frequency_cap too');

select is(
  (select count(*) from scheduler.notifications where user_id = :'mentor'), 4::bigint,
  'a suppressed occurrence writes nothing to the outbox'
);
select is(
  (select count(*) from scheduler.scenario_cooldowns where user_id = :'mentor'), 1::bigint,
  'a suppressed occurrence opens no window'
);

update scheduler.notifications set status = 'cancelled' where id = :other;
select is(
  tests.pushed(:'mentor', tests.noon('2026-05-10')), 'inactivity:2026-01-01:4',
  'an occurrence that was suppressed is due as soon as nothing holds it back'
);

-- What does not hold back.
select tests.mentor(joined_on => '2026-01-01') as other_mentor \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
values (:'other_mentor', 'milestone', false), (:'other_mentor', 'inactivity', true);
insert into public.device_tokens (token, user_id, disabled_at) values ('an old one', :'other_mentor', '2026-01-01 12:00+00');
insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
values (:'other_mentor', 'milestone', '2026-05-01', '2026-12-01');
select is(
  tests.foreseen(:'other_mentor', tests.noon('2026-05-20'), 'inactivity'), 'inactivity:2026-01-01:1',
  'a preference or window of another scenario, or a disabled device beside an enabled one, holds nothing back'
);

-- opted_out and no_device in the other scenarios.
select tests.mentor() as certified \gset
select tests.certified_until(:'certified', '2026-05-25') as certification \gset
select tests.active_on(:'certified', '2026-05-19');
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
values (:'certified', 'expiry', false), (:'certified', 'milestone', false);
select is(
  tests.verdict(:'certified', 'expiry', tests.noon('2026-05-20')), 'opted_out',
  'a mentor can opt out of expiry'
);
select is(
  tests.verdict(:'certified', 'milestone', tests.noon('2026-05-20')), 'opted_out',
  'a mentor can opt out of milestone'
);
select is(
  tests.foreseen(:'certified', tests.noon('2026-05-20')), null,
  'nothing goes to a mentor who has opted out of all that is due'
);
delete from public.notification_preferences;
delete from public.device_tokens where user_id = :'certified';
select is(
  tests.verdict(:'certified', 'expiry', tests.noon('2026-05-20')), 'no_device',
  'a mentor without any device gets no expiry push'
);
select is(
  tests.verdict(:'certified', 'milestone', tests.noon('2026-05-20')), 'no_device',
  'a mentor without any device gets no milestone push'
);
insert into public.device_tokens (token, user_id) values ('a new one', :'certified');
insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
values (:'certified', 'expiry', '2026-05-19', '2026-05-21'), (:'certified', 'expiry', '2026-05-01', '2026-05-19');
select is(
  tests.verdict(:'certified', 'expiry', tests.noon('2026-05-20')), 'cooldown',
  'the latest window is the one that counts'
);
select is(
  tests.verdict(:'certified', 'expiry', tests.noon('2026-05-21')), 'candidate',
  'the cooldown is over on the day cooldown_until'
);

select * from finish();
rollback;
