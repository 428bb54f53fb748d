-- Staff look at their mentors' rows; writing them is the application's business.

begin;
select plan(42);

select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.mentor() as mentor \gset
select tests.chapter(:'coordinator') as chapter \gset
select tests.placed(:'chapter', :'mentor'), tests.assigned(:'coordinator', :'mentor');
select tests.active_on(:'mentor', '2026-02-01'), tests.certified_until(:'mentor', '2026-12-01');

create temporary table written (relation text, statement text);
insert into written
select relation, statement
from unnest(array['organisations', 'chapters', 'peer_mentors', 'activities', 'certifications', 'staff', 'coordinator_assignments', 'chapter_coordinators', 'device_tokens']) as relation
cross join lateral (
  values
    (format('insert into public.%I overriding system value select * from public.%I', relation, relation)),
    (format('delete from public.%I', relation))
) as tried (statement);
insert into written values
  ('peer_mentors', $$ update public.peer_mentors set status = 'inactive' $$),
  ('staff', $$ update public.staff set role = 'admin' $$);
grant select on written to authenticated;

select tests.as_caller(:'coordinator');
select throws_ok(statement, '42501', null, 'a coordinator may not: ' || statement) from written;
reset role;
select tests.as_caller(:'admin');
select throws_ok(statement, '42501', null, 'an admin may not: ' || statement) from written;
reset role;
select is((select status from public.peer_mentors), 'active', 'the mentor is as she was');
select is((select string_agg(role, ', ' order by role) from public.staff), 'admin, coordinator', 'and nobody has become what they were not');

select * from finish();
rollback;
