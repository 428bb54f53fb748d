begin;
select plan(12);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.chapter(:'coordinator') as north \gset
select tests.chapter(:'coordinator') as south \gset
select tests.chapter() as west \gset
select tests.chapter(null, :'theirs') as their_chapter \gset
select tests.mentor() as active \gset
select tests.mentor() as paused \gset
select tests.mentor() as inactive \gset
select tests.mentor() as assigned \gset
select tests.mentor() as western \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.placed(:'north', :'active', :'paused'), tests.placed(:'south', :'inactive'), tests.placed(:'west', :'western'), tests.placed(:'their_chapter', :'stranger');
select tests.assigned(:'coordinator', :'assigned');
update public.peer_mentors set status = 'paused' where id = :'paused';
update public.peer_mentors set status = 'inactive' where id in (:'inactive', :'western');

select tests.as_caller(:'coordinator');
select is((select count(*) from public.coordinator_mentor_status()), 4::bigint, 'without filters the whole reach is listed');
select set_eq(format('select user_id from public.coordinator_mentor_status(chapter_id => %L)', :'north'), tests.sorted(:'active', :'paused'), 'with a chapter only its mentors');
select set_eq($$ select user_id from public.coordinator_mentor_status(status => 'active') $$, tests.sorted(:'active', :'assigned'), 'with a status only who has it');
select results_eq($$ select user_id from public.coordinator_mentor_status(status => 'inactive') $$, array[:'inactive'::uuid], 'those who left are listed too');
select results_eq(
  format($$ select user_id from public.coordinator_mentor_status(chapter_id => %L, status => 'paused') $$, :'north'), array[:'paused'::uuid], 'with both who has both'
);
select is_empty(format($$ select * from public.coordinator_mentor_status(chapter_id => %L, status => 'inactive') $$, :'north'), 'which may be nobody');
select is_empty(format('select * from public.coordinator_mentor_status(chapter_id => %L)', :'west'), 'a filter reaches nobody who is out of reach: not by a colleague''s chapter');
select is_empty(format('select * from public.coordinator_mentor_status(chapter_id => %L)', :'their_chapter'), 'nor by another organisation''s');
select results_eq(
  format($$ select user_id from public.coordinator_mentor_status(chapter_id => %L, after => %L, page_size => 1) $$, :'north', least(:'active'::uuid, :'paused'::uuid)),
  array[greatest(:'active'::uuid, :'paused'::uuid)], 'a filtered list has pages too'
);
reset role;

select tests.as_caller(:'admin');
select is((select count(*) from public.coordinator_mentor_status()), 5::bigint, 'an admin lists the organisation');
select results_eq(format('select user_id from public.coordinator_mentor_status(chapter_id => %L)', :'west'), array[:'western'::uuid], 'by any of its chapters');
select is_empty(format('select * from public.coordinator_mentor_status(chapter_id => %L)', :'their_chapter'), 'and none of another''s');
reset role;

select * from finish();
rollback;
