-- Every change of a status: who, when, why, from what to what.

begin;
select plan(16);
select tests.requires();
select tests.mentor() as mentor \gset
select tests.staff('admin') as admin \gset

-- The job.
select tests.certified_until(:'mentor', '2026-03-10');
select tests.night('2026-03-11');
select unnest(array[
  is(from_status || ' to ' || to_status, 'active to paused', 'from what to what'),
  is(changed_by, 'certification-expiry', 'the job is named'),
  is(reason, 'certification_expired', 'and why'),
  ok(changed_at between now() and clock_timestamp(), 'and when')
])
from public.mentor_status_history;

-- A person, who comes with a token.
create policy "this test: admins write" on public.peer_mentors for update to authenticated using (true);
grant update on public.peer_mentors to authenticated;
select tests.as_caller(:'admin');
update public.peer_mentors set status = 'active' where id = :'mentor';
reset role;
select is(
  (select concat_ws(' ', from_status, to_status, changed_by, reason) from public.mentor_status_history order by id desc limit 1),
  'paused active ' || :'admin', 'a person is named by her id, and without a reason there is none'
);
select ok((select changed_at > now() from public.mentor_status_history order by id desc limit 1), 'and when it was, in the transaction');
select set_config('request.jwt.claims', '', true);

-- Roles.
set local role service_role;
update public.peer_mentors set status = 'paused' where id = :'mentor';
reset role;
select is((select changed_by from public.mentor_status_history order by id desc limit 1), 'service_role', 'who comes with the service key is named by that role');
select tests.given('active', :'mentor');
select is((select changed_by from public.mentor_status_history order by id desc limit 1), 'postgres', 'who is logged in to the database by that');

-- What is none.
select count(*) || '::bigint' as lines from public.mentor_status_history \gset
update public.peer_mentors set status = status, locale = 'nn';
select is((select count(*) from public.mentor_status_history), :lines, 'a status that is written as it was is no change');
update public.peer_mentors set status = 'paused' where false;
select is((select count(*) from public.mentor_status_history), :lines, 'nor is one of nobody');
do $$
begin
  update public.peer_mentors set status = 'paused';
  raise exception 'undone';
exception
  when raise_exception then null;
end;
$$;
select is((select count(*) from public.mentor_status_history), :lines, 'nor one that is undone');

-- Many at once.
select tests.mentor() from generate_series(1, 3);
update public.peer_mentors set status = case when id = :'mentor' then 'inactive' else 'paused' end;
select is((select count(*) from public.mentor_status_history), :lines + 4, 'a statement that changes many has a line for each');
select is((select to_status from public.mentor_status_history where user_id = :'mentor' order by id desc limit 1), 'inactive', 'with what became of her');

-- The job's own lines are not doubled, and others' are not lost after it.
select tests.given('active', :'mentor');
update public.certifications set expires_on = '2026-03-12';
select tests.night('2026-03-13');
select is(
  tests.history(:'mentor') ~ 'inactive to active by postgres\nactive to paused by certification-expiry certification_expired$', true,
  'a change by the job has one line'
);
select tests.given('inactive', :'mentor');
select is((select changed_by from public.mentor_status_history order by id desc limit 1), 'postgres', 'and what comes after it in the same transaction has its own');

-- Who is gone leaves hers.
delete from public.peer_mentors where id = :'mentor';
select isnt(tests.history(:'mentor'), null, 'the history of a mentor who is deleted stays');

select * from finish();
rollback;
