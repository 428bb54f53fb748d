begin;
select plan(16);

select tests.organisation() as other_organisation \gset
select tests.mentor() as mentor \gset
select tests.mentor(organisation_id => :'other_organisation') as other \gset
select tests.active_on(:'mentor', '2026-02-01'), tests.active_on(:'other', '2026-02-01');
select tests.certified_until(:'mentor', '2026-12-01'), tests.certified_until(:'other', '2026-12-01');
insert into public.notification_preferences values (:'mentor', 'inactivity', true), (:'other', 'inactivity', true);
insert into public.chapters (id, organisation_id, name)
select md5(id::text)::uuid, id, 'Chapter' from public.organisations;
update public.peer_mentors set chapter_id = md5(organisation_id::text)::uuid;
insert into public.staff values (:'other', :'other_organisation', 'admin');
insert into public.coordinator_assignments values (:'other', :'mentor'), (:'mentor', :'other');
insert into public.chapter_coordinators select :'other', id from public.chapters;

select is_empty(
  $$select c.relname from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity$$,
  'row level security is on for every table of public'
);

select tests.as_caller(:'mentor');

select results_eq('select id from public.peer_mentors', array[:'mentor'::uuid], 'mentors see themselves on the roster, and nobody else');
select results_eq('select user_id from public.activities', array[:'mentor'::uuid], 'mentors see their own activities only');
select results_eq('select user_id from public.certifications', array[:'mentor'::uuid], 'mentors see their own certifications only');
select results_eq('select user_id from public.device_tokens', array[:'mentor'::uuid], 'mentors see their own devices only');
select results_eq('select user_id from public.notification_preferences', array[:'mentor'::uuid], 'mentors see their own preferences only');
select is((select count(*) from public.organisations), 1::bigint, 'mentors see their own organisation only');
select is((select count(*) from public.chapters), 1::bigint, 'mentors see their own chapter only');
select is_empty('select user_id from public.staff', 'mentors see nobody''s role');
select results_eq('select peer_mentor_id from public.coordinator_assignments', array[:'mentor'::uuid], 'mentors see who follows them up, and no assignment makes them staff');
select is_empty('select 1 from public.chapter_coordinators', 'nobody sees the coordinators of chapters but these themselves');

select lives_ok(
  format('update public.notification_preferences set push_enabled = false where user_id = %L', :'mentor'),
  'mentors change their own preferences'
);
select throws_ok(
  format('insert into public.notification_preferences values (%L, ''expiry'', false)', :'other'),
  '42501', null, 'mentors cannot set the preferences of somebody else'
);
select throws_ok(
  format('insert into public.activities (user_id, activity_date) values (%L, ''2026-03-01'')', :'mentor'),
  '42501', null, 'mentors cannot write activities by default'
);
select throws_ok('select 1 from scheduler.mentor_state', '42501', null, 'mentors cannot look into the schema scheduler');

set local role anon;
select throws_ok('select 1 from public.peer_mentors', '42501', null, 'somebody who is not logged in sees nothing');

select * from finish();
rollback;
