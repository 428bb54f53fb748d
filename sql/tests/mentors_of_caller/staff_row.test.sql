-- The row in staff makes somebody staff: assignments alone give nothing.

begin;
select plan(8);

select tests.staff() as coordinator \gset
select tests.mentor() as assigned \gset
select tests.mentor() as of_chapter \gset
select tests.assigned(:'coordinator', :'assigned');
select tests.placed(tests.chapter(:'coordinator'), :'of_chapter');
select is(tests.reach(:'coordinator'), tests.sorted(:'assigned', :'of_chapter'), 'a coordinator reaches her mentors');

delete from public.staff where user_id = :'coordinator';
select is(tests.reach(:'coordinator'), '{}', 'once she is no longer staff, she reaches nobody');
select tests.as_caller(:'coordinator');
select is(
  (select count(*) from public.peer_mentors) + (select count(*) from public.chapters) + (select count(*) from public.organisations),
  0::bigint, 'and sees nothing'
);
select is_empty('select * from public.coordinator_assignments', 'not even the assignments that were left behind');
select is_empty('select * from public.chapter_coordinators', 'nor the chapters');
select throws_ok('select * from public.coordinator_mentor_status()', '42501', 'this is for staff', 'and what is for staff is closed');
reset role;

select tests.staff('coordinator', id => :'coordinator');
select is(tests.reach(:'coordinator'), tests.sorted(:'assigned', :'of_chapter'), 'when she is staff again, all is as it was');
update public.staff set organisation_id = tests.organisation() where user_id = :'coordinator';
select is(tests.reach(:'coordinator'), '{}', 'as staff of another organisation she reaches nobody of the first');

select * from finish();
rollback;
