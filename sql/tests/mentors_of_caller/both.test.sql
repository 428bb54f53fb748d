-- Assigned, and of a chapter that the same coordinator has.

begin;
select plan(7);

select tests.staff() as coordinator \gset
select tests.chapter(:'coordinator') as north \gset
select tests.mentor() as by_both \gset
select tests.mentor() as by_assignment \gset
select tests.mentor() as by_chapter \gset
select tests.assigned(:'coordinator', :'by_both', :'by_assignment');
select tests.placed(:'north', :'by_both', :'by_chapter');

select is(
  tests.reach(:'coordinator'), tests.sorted(:'by_both', :'by_assignment', :'by_chapter'),
  'assignments and chapters add up, and who is reached by both is reached once'
);
select tests.as_caller(:'coordinator');
select is((select count(*) from public.peer_mentors), 3::bigint, 'she is one row on the roster');
select is((select count(*) from public.coordinator_mentor_status()), 3::bigint, 'and one in the list');
reset role;

select tests.placed(null, :'by_both');
select is(tests.reach(:'coordinator'), tests.sorted(:'by_both', :'by_assignment', :'by_chapter'), 'without the chapter she is reached by the assignment');
select tests.placed(:'north', :'by_both');
delete from public.coordinator_assignments where peer_mentor_id = :'by_both';
select is(tests.reach(:'coordinator'), tests.sorted(:'by_both', :'by_assignment', :'by_chapter'), 'without the assignment by the chapter');
select tests.placed(null, :'by_both');
select is(tests.reach(:'coordinator'), tests.sorted(:'by_assignment', :'by_chapter'), 'without both she is not');
select is((select count(*) from public.peer_mentors), 3::bigint, 'though she is there');

select * from finish();
rollback;
