begin;
select plan(26);

select tests.staff() as coordinator \gset
select tests.as_caller(:'coordinator');

select throws_ok(
  format('select * from public.list_invocations(page_size => %L)', size), '22023',
  format('page_size must be between 1 and 200, not %s', coalesce(size::text, 'null')), format('a page of %s is refused', coalesce(size::text, 'null'))
)
from unnest(array[0, -1, 201, null]) as size;
select is(tests.column_of('select * from public.list_invocations(page_size => 0)'), 'page_size', 'by its argument');

select throws_ok(
  format('select * from public.list_invocations(status => %L)', status), '22023',
  format('status must be one of requested, running, completed, partial, failed, skipped, abandoned, not %L', status), format('the status %L is refused', status)
)
from unnest(array['done', '', 'RUNNING']) as status;
select is(tests.column_of($$ select * from public.list_invocations(status => 'done') $$), 'status', 'by its argument');
select is(tests.hint_of($$ select * from public.list_invocations(status => 'done') $$), 'Leave it out for all.', 'with what to do');

select throws_ok(
  'select * from public.list_invocations(before_id => gen_random_uuid())', '22023', 'before_requested_at and before_id go together', 'half a place in the list is none'
);
select throws_ok('select * from public.list_invocations(before_requested_at => now())', '22023', 'before_requested_at and before_id go together', 'neither half');
select is(tests.column_of('select * from public.list_invocations(before_requested_at => now())'), 'before_id', 'by its argument');
select isnt(tests.hint_of('select * from public.list_invocations(before_requested_at => now())'), '', 'with what to do');

select throws_ok(
  $$ select * from public.list_invocations(requested_from => '2026-03-02', requested_to => '2026-03-01') $$, '22023',
  'requested_from must be before requested_to', 'a time that ends before it begins is refused'
);
select throws_ok($$ select * from public.list_invocations(requested_from => '2026-03-02', requested_to => '2026-03-02') $$, '22023', null, 'one that is empty too');
select is(tests.column_of($$ select * from public.list_invocations(requested_from => '2026-03-02', requested_to => '2026-03-01') $$), 'requested_to', 'by its argument');
select isnt(tests.hint_of($$ select * from public.list_invocations(requested_from => '2026-03-02', requested_to => '2026-03-01') $$), '', 'with what to do');

select lives_ok(format('select * from public.list_invocations(page_size => %s)', size), format('a page of %s is fine', size)) from unnest(array[1, 200]) as size;
select lives_ok($$ select * from public.list_invocations(job_name => '') $$, 'so is a job that there is not');
select lives_ok($$ select * from public.list_invocations(before_requested_at => '-infinity', before_id => gen_random_uuid()) $$, 'and a place before all');
reset role;

select tests.as_caller(gen_random_uuid());
select throws_ok('select * from public.list_invocations()', '42501', 'this is for staff', 'somebody who is not staff sees no runs');
select throws_ok('select * from public.list_invocations(page_size => 0)', '42501', 'this is for staff', 'and is told nothing about arguments');
reset role;
set local role anon;
select throws_ok('select * from public.list_invocations()', '42501', 'permission denied for function list_invocations', 'somebody who is not logged in may not even ask');
reset role;
set local role service_role;
select throws_ok('select * from public.list_invocations()', '42501', 'permission denied for function list_invocations', 'nor does the service');
reset role;

select * from finish();
rollback;
