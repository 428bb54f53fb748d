-- Rows that join what does not belong together: nothing keeps an application from writing them.

begin;
select plan(10);

select tests.organisation() as own \gset
select tests.organisation() as other \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.mentor(organisation_id => :'other') as assigned \gset
select tests.mentor(organisation_id => :'other') as of_chapter \gset
select tests.mentor(organisation_id => :'own') as guest \gset
select tests.chapter(:'coordinator', :'other') as their_chapter \gset
select tests.assigned(:'coordinator', :'assigned');
select tests.assigned(:'admin', :'assigned');
select tests.placed(:'their_chapter', :'of_chapter');

select is(tests.reach(:'coordinator'), '{}', 'neither an assignment nor a chapter of an organisation of which she is not staff reaches anybody');
select is(tests.reach(:'admin'), array[:'guest']::uuid[], 'an admin reaches those of the own organisation, whoever is assigned');
select tests.placed(:'their_chapter', :'guest');
select is(tests.reach(:'coordinator'), array[:'guest']::uuid[], 'who is of her organisation is in reach, in whatever chapter');
select tests.placed(null, :'guest');

select tests.as_caller(:'coordinator');
select is_empty('select id from public.peer_mentors', 'she sees no mentor of theirs');
select is_empty('select * from public.coordinator_assignments', 'nor the assignment, though it is hers');
select is_empty('select * from public.chapter_coordinators', 'nor that of the chapter');
select is_empty('select * from public.chapters', 'nor the chapter');
select results_eq('select id from public.organisations', array[:'own'::uuid], 'nor their organisation');
select is_empty('select * from public.coordinator_mentor_status()', 'and none is in the list');
reset role;

update public.peer_mentors set organisation_id = :'own' where id = :'assigned';
select is(tests.reach(:'coordinator'), array[:'assigned']::uuid[], 'who moves to her organisation comes into reach');

select * from finish();
rollback;
