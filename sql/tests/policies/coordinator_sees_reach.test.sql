-- What a coordinator sees of each table: of the mentors whom she follows up, and no other.

begin;
select plan(22);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.staff('admin') as admin \gset
select tests.chapter(:'coordinator') as chapter \gset
select tests.chapter(:'colleague') as other_chapter \gset
select tests.chapter(:'colleague') as chapter_of_assigned \gset
select tests.mentor() as assigned \gset
select tests.mentor() as of_chapter \gset
select tests.mentor() as of_colleague \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.assigned(:'coordinator', :'assigned');
select tests.assigned(:'colleague', :'assigned', :'of_chapter', :'of_colleague');
select tests.placed(:'chapter', :'of_chapter'), tests.placed(:'other_chapter', :'of_colleague'), tests.placed(:'chapter_of_assigned', :'assigned');
select tests.chapter(tests.staff('coordinator', :'theirs'), :'theirs');
select tests.active_on(id, '2026-02-01', '2026-02-02') from public.peer_mentors;
select tests.certified_until(id, '2026-12-01') from public.peer_mentors;
insert into public.notification_preferences (user_id, scenario_type) select id, 'inactivity' from public.peer_mentors;

select tests.as_caller(:'coordinator');
select set_eq('select id from public.peer_mentors', tests.sorted(:'assigned', :'of_chapter'), 'on the roster the mentors whom she follows up');
select set_eq('select distinct user_id from public.activities', tests.sorted(:'assigned', :'of_chapter'), 'their activities');
select is((select count(*) from public.activities), 4::bigint, 'all of these');
select set_eq('select user_id from public.certifications', tests.sorted(:'assigned', :'of_chapter'), 'their certifications');
select is_empty('select * from public.device_tokens', 'nobody''s devices');
select is_empty('select * from public.notification_preferences', 'nobody''s preferences');
select set_eq(
  'select id from public.chapters', tests.sorted(:'chapter', :'chapter_of_assigned'),
  'her chapters, and those of which her mentors are'
);
select results_eq('select id from public.organisations', array['aaaaaaaa-0000-4000-8000-000000000000'::uuid], 'her organisation');
select results_eq('select user_id from public.staff', array[:'coordinator'::uuid], 'her own role, and not who else is staff');
select results_eq(
  'select coordinator_id, peer_mentor_id from public.coordinator_assignments', format('values (%L::uuid, %L::uuid)', :'coordinator', :'assigned'),
  'her own assignments, and not who else follows the same mentors up'
);
select results_eq(
  'select coordinator_id, chapter_id from public.chapter_coordinators', format('values (%L::uuid, %L::uuid)', :'coordinator', :'chapter'),
  'her own chapters, and not who else coordinates one'
);
reset role;
insert into public.chapter_coordinators (coordinator_id, chapter_id) values (:'colleague', :'chapter');
select tests.as_caller(:'coordinator');
select is((select count(*) from public.chapter_coordinators), 1::bigint, 'nor a colleague who shares hers');

-- Conditions narrow, and never widen.
select is_empty(format('select * from public.peer_mentors where id = %L', :'of_colleague'), 'a mentor out of reach can''t be asked for by id');
select is_empty(format('select * from public.activities where user_id = %L or user_id = %L', :'of_colleague', :'stranger'), 'nor her activities');
select is_empty(format('select * from public.coordinator_assignments where coordinator_id = %L', :'colleague'), 'nor a colleague''s assignments');
select is((select count(*) from public.peer_mentors where true or id is null), 2::bigint, 'nor by a condition that always holds');
reset role;

-- Nobody in reach.
delete from public.coordinator_assignments where coordinator_id = :'coordinator';
delete from public.chapter_coordinators where coordinator_id = :'coordinator';
select tests.as_caller(:'coordinator');
select is(
  (select count(*) from public.peer_mentors) + (select count(*) from public.activities) + (select count(*) from public.certifications),
  0::bigint, 'who follows up nobody sees no mentor'
);
select is((select count(*) from public.chapters), 0::bigint, 'nor a chapter');
select is((select count(*) from public.organisations), 1::bigint, 'but the organisation of which she is staff');
select is((select count(*) from public.staff), 1::bigint, 'and her role in it');
reset role;

-- A login whose claims have no subject.
select tests.as_caller(null);
select is(
  (select count(*) from public.peer_mentors) + (select count(*) from public.organisations) + (select count(*) from public.staff)
    + (select count(*) from public.coordinator_assignments), 0::bigint, 'a token without a subject sees nothing'
);
select set_config('request.jwt.claims', '', true);
select is((select count(*) from public.peer_mentors), 0::bigint, 'and no token neither');
reset role;

select * from finish();
rollback;
