-- A line for every change of a mentor's status: by whom, and why.

begin;
select plan(21);
select tests.mentor() as mentor \gset
select tests.staff('admin') as admin \gset
create policy "this test: people write" on public.peer_mentors for update to authenticated using (true);
grant update on public.peer_mentors to authenticated;
create function pg_temp.last_line() returns text language sql as $$
  select concat_ws(' ', from_status, 'to', to_status, 'by', changed_by, reason) from public.mentor_status_history order by id desc limit 1;
$$;
create function pg_temp.lines() returns bigint language sql as $$ select count(*) from public.mentor_status_history $$;

-- By whom.
select tests.given('paused', :'mentor');
select is(pg_temp.last_line(), 'active to paused by postgres', 'who is logged in to the database is named by her role');
set local role service_role;
update public.peer_mentors set status = 'active';
reset role;
select is(pg_temp.last_line(), 'paused to active by service_role', 'who became another, by that one');
select tests.as_caller(:'admin');
update public.peer_mentors set status = 'paused';
reset role;
select is(pg_temp.last_line(), 'active to paused by ' || :'admin', 'who comes with a token, by her id');
select tests.as_caller(null);
update public.peer_mentors set status = 'active';
reset role;
select is(pg_temp.last_line(), 'paused to active by authenticated', 'a token without a subject is the role that it came with');
select set_config('request.jwt.claims', '', true);
create function pg_temp.for_others() returns void language sql security definer as $$ update public.peer_mentors set status = 'paused' $$;
grant execute on function pg_temp.for_others() to authenticated;
select tests.as_caller(:'admin');
select pg_temp.for_others();
reset role;
select is(pg_temp.last_line(), 'active to paused by ' || :'admin', 'also where a function writes for her');
select set_config('request.jwt.claims', '', true);

-- Why.
set local "scheduler.status_reason" = 'back from leave';
select tests.given('active', :'mentor');
select is(pg_temp.last_line(), 'paused to active by postgres back from leave', 'a reason may be given');
select tests.given('paused', :'mentor');
select is(pg_temp.last_line(), 'active to paused by postgres back from leave', 'it stands until it is taken back');
set local "scheduler.status_reason" = '';
select tests.given('active', :'mentor');
select is((select reason from public.mentor_status_history order by id desc limit 1), null, 'without one there is none');

-- Which changes.
select pg_temp.lines() as lines \gset
update public.peer_mentors set status = 'active';
select is(pg_temp.lines(), :lines::bigint, 'a status that stays is no change');
update public.peer_mentors set joined_on = joined_on - 1, locale = 'nn';
select is(pg_temp.lines(), :lines::bigint, 'nor is another column');
select tests.mentor() as second \gset
select is(pg_temp.lines(), :lines::bigint, 'nor is a mentor who is new');
update public.peer_mentors set status = case when id = :'mentor' then 'inactive' else 'paused' end;
select is(pg_temp.lines(), :lines::bigint + 2, 'a statement that changes two has two lines');
select is(tests.history(:'second'), 'active to paused by postgres', 'one for each');
update public.peer_mentors set status = 'active' where id = :'second';
select is(tests.history(:'second'), E'active to paused by postgres\npaused to active by postgres', 'in the order in which it was');
select ok((select bool_and(changed_at between now() and clock_timestamp()) from public.mentor_status_history), 'with the time');
update public.peer_mentors set status = 'active' where id = :'mentor';

-- Who is to be looked at.
delete from scheduler.certification_checks;
create function pg_temp.noted() returns uuid[] language sql as $$ select coalesce(array_agg(user_id order by user_id), '{}') from scheduler.certification_checks $$;
update public.peer_mentors set locale = 'nb', timezone = 'Europe/Oslo';
select is(pg_temp.noted(), '{}', 'what says nothing of her status or organisation has nobody looked at');
select tests.given('paused', :'mentor');
select is(pg_temp.noted(), array[:'mentor'::uuid], 'a change of status has her looked at');
delete from scheduler.certification_checks;
update public.peer_mentors set organisation_id = tests.organisation() where id = :'second';
select is(pg_temp.noted(), array[:'second'::uuid], 'as has another organisation');
select is((select count(*) from public.mentor_status_history where user_id = :'second'), 2::bigint, 'which is no line in the history');
update scheduler.certification_checks set noted_at = '2026-01-01';
select tests.given('paused', :'second');
select is(pg_temp.noted(), array[:'second'::uuid], 'who waits already waits once');
select ok((select noted_at >= now() from scheduler.certification_checks), 'but as of now');

select * from finish();
rollback;
