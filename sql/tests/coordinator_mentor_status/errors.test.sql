begin;
select plan(18);

select tests.staff() as coordinator \gset
select tests.mentor() as mentor \gset
select tests.assigned(:'coordinator', :'mentor');

select tests.as_caller(:'coordinator');
select throws_ok(
  format('select * from public.coordinator_mentor_status(page_size => %L)', size), '22023',
  format('page_size must be between 1 and 200, not %s', coalesce(size::text, 'null')), format('a page of %s is refused', coalesce(size::text, 'null'))
)
from unnest(array[0, -1, 201, 2147483647, null]) as size;
select is(tests.column_of('select * from public.coordinator_mentor_status(page_size => 0)'), 'page_size', 'the error names the argument');
select is(tests.hint_of('select * from public.coordinator_mentor_status(page_size => 0)'), 'Leave it out for 50.', 'with what to do');
select lives_ok(format('select * from public.coordinator_mentor_status(page_size => %s)', size), format('a page of %s is not', size)) from unnest(array[1, 200]) as size;
select throws_ok(
  format('select * from public.coordinator_mentor_status(status => %L)', status), '22023',
  format('status must be active, paused or inactive, not %L', status), format('the status %L is refused', status)
)
from unnest(array['ACTIVE', '', 'retired', ' active']) as status;
select is(tests.column_of($$ select * from public.coordinator_mentor_status(status => 'retired') $$), 'status', 'by its argument');
select throws_ok($$ select * from public.coordinator_mentor_status(chapter_id => 'north') $$, '22P02', null, 'a chapter is an id');
reset role;

-- Who asks is looked at first.
select tests.as_caller(:'mentor');
select throws_ok('select * from public.coordinator_mentor_status()', '42501', 'this is for staff', 'a mentor has no list');
select throws_ok('select * from public.coordinator_mentor_status(page_size => 0)', '42501', 'this is for staff', 'and is told nothing about its arguments');
select isnt(tests.hint_of('select * from public.coordinator_mentor_status()'), '', 'but what makes somebody staff');
reset role;

select * from finish();
rollback;
