begin;
select plan(16);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.staff('coordinator', :'theirs', id => :'coordinator');
select tests.chapter(:'coordinator', :'own') as chapter \gset
select tests.chapter(null, :'own') as empty_chapter \gset
select tests.chapter(:'coordinator', :'theirs') as their_chapter \gset
select tests.mentor(organisation_id => :'own') as first \gset
select tests.mentor(organisation_id => :'own') as second \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.placed(:'chapter', :'first'), tests.placed(:'their_chapter', :'stranger');
select tests.assigned(:'coordinator', :'second', :'stranger');
select tests.active_on(id, '2026-02-01') from public.peer_mentors;
select tests.certified_until(id, '2026-12-01') from public.peer_mentors;
insert into public.notification_preferences (user_id, scenario_type) select id, 'inactivity' from public.peer_mentors;

select tests.as_caller(:'admin');
select set_eq('select id from public.peer_mentors', tests.sorted(:'first', :'second'), 'everybody on the roster of the own organisation');
select set_eq('select user_id from public.activities', tests.sorted(:'first', :'second'), 'their activities');
select set_eq('select user_id from public.certifications', tests.sorted(:'first', :'second'), 'their certifications');
select is_empty('select * from public.device_tokens', 'nobody''s devices');
select is_empty('select * from public.notification_preferences', 'nobody''s preferences');
select set_eq('select id from public.chapters', tests.sorted(:'chapter', :'empty_chapter'), 'its chapters, with mentors or without');
select results_eq('select id from public.organisations', array[:'own'::uuid], 'the organisation, and no other');
select set_eq(
  'select user_id, organisation_id, role from public.staff',
  format('values (%L::uuid, %L::uuid, ''admin''), (%L, %L, ''coordinator'')', :'admin', :'own', :'coordinator', :'own'),
  'its staff, and not what the same people are elsewhere'
);
select results_eq('select peer_mentor_id from public.coordinator_assignments', array[:'second'::uuid], 'the assignments of its mentors');
select results_eq('select chapter_id from public.chapter_coordinators', array[:'chapter'::uuid], 'the coordinators of its chapters');
reset role;

select tests.as_caller(:'their_admin');
select results_eq('select id from public.peer_mentors', array[:'stranger'::uuid], 'an admin of another organisation sees nobody of this one');
select results_eq('select id from public.organisations', array[:'theirs'::uuid], 'nor the organisation');
select is((select count(*) from public.staff), 2::bigint, 'but the staff of the own');
reset role;

-- The roster's row decides, not the chapter's.
update public.peer_mentors set chapter_id = :'their_chapter' where id = :'first';
select tests.as_caller(:'admin');
select set_eq('select id from public.chapters', tests.sorted(:'chapter', :'empty_chapter', :'their_chapter'), 'a chapter is seen with a mentor who is in reach, wherever it belongs');
select is_empty(format('select * from public.chapter_coordinators where chapter_id = %L', :'their_chapter'), 'without its coordinators');
reset role;
select tests.as_caller(:'their_admin');
select is_empty(format('select * from public.peer_mentors where id = %L', :'first'), 'and its own admin does not reach the mentor by it');
reset role;

select * from finish();
rollback;
