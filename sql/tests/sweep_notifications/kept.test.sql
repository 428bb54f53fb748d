-- What a decision may still rest on is kept, however old.

begin;
select plan(34);

create temporary sequence days;
-- A notification that was made so long ago (each on a day of its own), with its window; whether two years' retention keeps it.
create function pg_temp.old(
  mentor uuid, scenario text, key text, status text default 'sent', ago interval default '3 years', window_ends date default null
) returns bigint language plpgsql as $$
declare
  id bigint;
begin
  if ago = '3 years' then
    ago := ago + nextval('days') * interval '3 days';
  end if;
  insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, created_at, status, title, body)
  values (mentor, scenario, key, tests.today() - ago, now() - ago, status, 'title', 'body')
  returning notifications.id into id;
  insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
  values (mentor, scenario, tests.today() - ago - interval '1 day', coalesce(window_ends, tests.today() - ago + interval '1 day'), key, id);
  return id;
end;
$$;
create function pg_temp.kept(id bigint) returns boolean language plpgsql as $$
declare
  there boolean[];
begin
  update scheduler.retention set swept_to = 0;
  perform scheduler.sweep_notifications(older_than => now() - interval '2 years', looked_at => 1000);
  there := array[
    exists (select from scheduler.notifications as n where n.id = kept.id),
    exists (select from scheduler.scenario_cooldowns as c where c.notification_id = kept.id)
  ];
  if there[1] <> there[2] then
    raise exception 'a notification without its window, or a window without its notification';
  end if;
  return there[1];
end;
$$;

select tests.mentor(joined_on => '2020-01-01') as mentor \gset
select tests.active_on(:'mentor', '2023-03-01');

-- Age.
select is(pg_temp.kept(pg_temp.old(:'mentor', 'expiry', 'expiry:2020-01-01:30', ago => '729 days')), true, 'what is young is kept');
select is(pg_temp.kept(pg_temp.old(:'mentor', 'expiry', 'expiry:2020-01-02:30', ago => '2 years 2 days')), false, 'what is old goes, with its window');

-- Reminders.
select is(pg_temp.kept(pg_temp.old(:'mentor', 'inactivity', 'inactivity:2023-03-01:1')), true, 'a reminder of a silence that lasts is kept');
select is(pg_temp.kept(pg_temp.old(:'mentor', 'inactivity', 'inactivity:2023-03-01:3')), true, 'each of them');
select is(pg_temp.kept(pg_temp.old(:'mentor', 'inactivity', 'inactivity:2022-01-01:1')), false, 'one of a silence that ended goes');
select tests.mentor(joined_on => '2022-05-01') as silent \gset
select is(pg_temp.kept(pg_temp.old(:'silent', 'inactivity', 'inactivity:2022-05-01:1')), true, 'silence lasts since joining, where nothing ever was');
select pg_temp.old(:'silent', 'inactivity', 'inactivity:2022-05-01:2') as reminder \gset
select tests.active_on(:'silent', tests.today());
select is(pg_temp.kept(:'reminder'), false, 'an activity ends it');

-- Milestones.
select is(pg_temp.kept(pg_temp.old(:'mentor', 'milestone', 'milestone:10')), true, 'a milestone is kept for good');

-- Expiry.
select is(pg_temp.kept(pg_temp.old(:'mentor', 'expiry', 'expiry:' || tests.today() + 10 || ':30')), true, 'of a certification that runs out yet, it is kept');
select is(pg_temp.kept(pg_temp.old(:'mentor', 'expiry', 'expiry:' || tests.today() - 1 || ':30')), true, 'of one that ran out lately too');

-- Windows.
select is(
  pg_temp.kept(pg_temp.old(:'mentor', 'inactivity', 'inactivity:2022-01-01:2', window_ends => tests.today() + 1)), true, 'a window that is open still is kept, whatever it is of'
);
select is(
  pg_temp.kept(pg_temp.old(:'mentor', 'expiry', 'expiry:2020-02-01:30', window_ends => tests.today() + 1)), true, 'of every scenario'
);

-- Mentors who left.
select tests.mentor(joined_on => '2020-01-01') as gone \gset
select pg_temp.old(:'gone', 'milestone', 'milestone:1') as of_gone \gset
update public.peer_mentors set status = 'inactive' where id = :'gone';
select is(pg_temp.kept(:'of_gone'), true, 'a mentor who pauses may come back');
delete from public.device_tokens where user_id = :'gone';
delete from public.peer_mentors where id = :'gone';
select is(pg_temp.kept(:'of_gone'), false, 'one who is off the roster may not be remembered');

-- What has not ended.
create function pg_temp.kept_as(status text, rule text) returns text language plpgsql as $$
begin
  delete from scheduler.notifications;
  delete from scheduler.scenario_cooldowns;
  return is(pg_temp.kept(pg_temp.old(gen_random_uuid(), 'expiry', 'expiry:2020-03-01:7', status => kept_as.status)), true, rule);
end;
$$;
select pg_temp.kept_as('pending', 'what waits is kept');
select pg_temp.kept_as('sending', 'what is being sent');
select pg_temp.kept_as('dead', 'what an operator may bring back');
select pg_temp.kept_as('quarantined', 'and what they have to look at');
select is(pg_temp.kept(pg_temp.old(gen_random_uuid(), 'expiry', 'expiry:2020-03-01:7', status => status)), false, 'what ended as ' || status || ' goes')
from unnest(array['sent', 'failed', 'expired', 'cancelled']) as status;

-- Other scenarios.
insert into scheduler.scenarios
select (jsonb_populate_record(known, '{"scenario_type": "anniversary"}')).* from scheduler.scenarios as known where scenario_type = 'milestone';
select is(pg_temp.kept(pg_temp.old(:'mentor', 'anniversary', 'anniversary:1')), true, 'of a scenario that is not known here, nothing is known to be needless');

-- A key is compared as the engine wrote it, whatever the session's style of dates.
delete from scheduler.notifications;
delete from scheduler.scenario_cooldowns;
select pg_temp.old(:'mentor', 'inactivity', 'inactivity:2023-03-01:1') as reminder \gset
select pg_temp.old(:'mentor', 'expiry', 'expiry:' || tests.today() + 10 || ':30') as coming \gset
select pg_temp.old(gen_random_uuid(), 'expiry', 'expiry:2020-03-01:7') as foreign_one \gset
set local datestyle = 'German';
select is(pg_temp.kept(:reminder), true, 'with German dates a silence lasts');
select is(pg_temp.kept(:coming), true, 'and a certification is to run out');
set local datestyle = 'SQL, MDY';
select is(pg_temp.kept(:reminder), true, 'with American dates as well');
select is(pg_temp.kept(:coming), true, 'and that too');
set local datestyle = 'Postgres, DMY';
select is(pg_temp.kept(:reminder), true, 'with all others');
select is(pg_temp.kept(:coming), true, 'both');
set local datestyle = 'ISO';

-- What is decided afterwards is what would have been decided.
delete from scheduler.notifications;
delete from scheduler.scenario_cooldowns;
select tests.mentor(joined_on => '2025-01-01') as reminded \gset
select is(tests.pushed(:'reminded', tests.noon('2025-01-31'), 'inactivity'), 'inactivity:2025-01-01:1', 'a mentor is reminded');
select is(tests.pushed(:'reminded', tests.noon('2025-03-02'), 'inactivity'), 'inactivity:2025-01-01:2', 'and reminded');
select is(tests.pushed(:'reminded', tests.noon('2025-04-01'), 'inactivity'), 'inactivity:2025-01-01:3', 'and reminded');
update scheduler.notifications set status = 'sent', created_at = evaluation_date;
select is(scheduler.sweep_notifications(older_than => now(), looked_at => 1000), 0::bigint, 'all of which is kept');
select is(tests.foreseen(:'reminded', tests.noon('2026-10-01'), 'inactivity'), null, 'so that there is no fourth time');

select * from finish();
rollback;
