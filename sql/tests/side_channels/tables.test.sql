-- A row out of reach and one that does not exist: nobody can tell them apart.

begin;
select plan(107);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.mentor() as in_reach \gset
select tests.mentor(organisation_id => :'theirs') as hidden \gset
select tests.assigned(:'coordinator', :'in_reach');
select tests.assigned(:'colleague', :'hidden');
insert into public.chapters (id, organisation_id, name) values (:'hidden', :'theirs', 'Chapter');
insert into public.chapter_coordinators (coordinator_id, chapter_id) values (:'colleague', :'hidden');
select tests.active_on(:'hidden', '2026-02-01');
insert into public.certifications (id, user_id, name, expires_on) values (:'hidden', :'hidden', 'certification', '2026-12-01');
insert into public.notification_preferences (user_id, scenario_type) values (:'hidden', 'inactivity'), (:'in_reach', 'inactivity');
insert into public.organisations (id, name) values (:'hidden', 'Organisation');
insert into public.staff (user_id, organisation_id, role) values (:'hidden', :'theirs', 'coordinator');
update public.device_tokens set token = user_id::text;

create temporary table tried (statement text);
insert into tried values
  ('select id from public.organisations where id = %1$L'),
  ('select id from public.chapters where id = %1$L'),
  ('select id from public.peer_mentors where id = %1$L'),
  ('select id from public.activities where user_id = %1$L'),
  ('select id from public.certifications where id = %1$L'),
  ('select id from public.device_tokens where token = %1$L'),
  ('select user_id from public.notification_preferences where user_id = %1$L'),
  ('select user_id from public.staff where user_id = %1$L'),
  ('select peer_mentor_id from public.coordinator_assignments where peer_mentor_id = %1$L'),
  ('select chapter_id from public.chapter_coordinators where chapter_id = %1$L'),
  ('select count(*) from public.peer_mentors where id = %1$L or chapter_id = %1$L'),
  ('select 1 / (case when id = %1$L then 0 else 1 end) from public.peer_mentors'),
  ('select 1 / (case when user_id = %1$L then 0 else 1 end) from public.activities'),
  ('select 1 / (case when peer_mentor_id = %1$L then 0 else 1 end) from public.coordinator_assignments'),
  ('insert into public.organisations (id, name) values (%1$L, ''Organisation'')'),
  ('insert into public.chapters (id, organisation_id, name) values (%1$L, %1$L, ''Chapter'')'),
  ('insert into public.peer_mentors (id, organisation_id) values (%1$L, %1$L)'),
  ('insert into public.activities (user_id, activity_date) values (%1$L, ''2026-02-01'')'),
  ('insert into public.certifications (id, user_id) values (%1$L, %1$L)'),
  ('insert into public.device_tokens (token, user_id) values (%1$L, %1$L)'),
  ('insert into public.notification_preferences (user_id, scenario_type) values (%1$L, ''inactivity'')'),
  ('insert into public.notification_preferences (user_id, scenario_type) values (%1$L, ''inactivity'') on conflict do nothing'),
  ('insert into public.notification_preferences (user_id, scenario_type) values (%1$L, ''inactivity'') on conflict on constraint one_preference_per_user_and_scenario do update set push_enabled = false'),
  ('insert into public.staff (user_id, organisation_id, role) values (%1$L, %1$L, ''admin'')'),
  ('insert into public.coordinator_assignments (coordinator_id, peer_mentor_id) values (auth.uid(), %1$L)'),
  ('insert into public.chapter_coordinators (coordinator_id, chapter_id) values (auth.uid(), %1$L)'),
  ('update public.peer_mentors set status = ''inactive'' where id = %1$L'),
  ('update public.notification_preferences set push_enabled = false where user_id = %1$L'),
  ('update public.notification_preferences set user_id = %1$L where user_id = auth.uid()'),
  ('delete from public.notification_preferences where user_id = %1$L'),
  ('delete from public.coordinator_assignments where peer_mentor_id = %1$L');

create function pg_temp.told_apart(caller uuid, hidden uuid, who text) returns setof text language sql as $$
  select is(
    tests.answer_to(caller, statement, hidden), tests.answer_to(caller, statement, gen_random_uuid()),
    format('%s can''t tell by: %s', who, format(statement, 'id'))
  )
  from tried;
$$;
select is_empty(
  format($$ select statement, answer from tried, tests.answer_to(%L, statement, %L) as answer where answer ~ '^(42|22P)' and answer !~ '^42501' $$, :'coordinator', :'hidden'),
  'the statements are refused for no other reason'
);
select pg_temp.told_apart(:'coordinator', :'hidden', 'a coordinator');
select pg_temp.told_apart(:'in_reach', :'hidden', 'a mentor');
select pg_temp.told_apart(gen_random_uuid(), :'hidden', 'who is nobody');
select isnt(
  tests.answer_to(:'their_admin', statement, :'hidden'), tests.answer_to(:'their_admin', statement, gen_random_uuid()),
  'who may see it can: ' || format(statement, 'id')
)
from tried
where statement ~ '^select' and statement !~ 'device_tokens|preferences|organisations';

-- Where a unique key could speak, the policy speaks first.
select tests.as_caller(:'in_reach');
select throws_ok(
  format($$ insert into public.notification_preferences (user_id, scenario_type) values (%L, 'inactivity') $$, :'hidden'), '42501',
  'new row violates row-level security policy for table "notification_preferences"', 'a preference of somebody else, which is there, is refused by the policy and not by its key'
);
select throws_ok(
  format($$ update public.notification_preferences set user_id = %L where user_id = auth.uid() $$, :'hidden'), '42501',
  'new row violates row-level security policy for table "notification_preferences"', 'one''s own can''t be made that of somebody who has one'
);
reset role;

select * from finish();
rollback;
