-- Who sees of whom when and why a status changed; and that nobody writes it.

begin;
select plan(26);
select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.mentor() as assigned \gset
select tests.mentor() as of_chapter \gset
select tests.mentor() as of_nobody \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.assigned(:'coordinator', :'assigned', :'stranger');
select tests.placed(tests.chapter(:'coordinator'), :'of_chapter');
select tests.given('paused', :'assigned', :'of_chapter', :'of_nobody', :'stranger');
select tests.given('active', :'assigned');

create function pg_temp.sees(rule text, variadic whom uuid[]) returns text language sql as $$
  select set_eq('select distinct user_id from public.mentor_status_history', tests.sorted(variadic whom), rule);
$$;
grant execute on all functions in schema pg_temp to authenticated;

-- Those in reach.
select tests.as_caller(:'of_nobody');
select pg_temp.sees('a mentor sees her own', :'of_nobody');
reset role;
select tests.as_caller(:'coordinator');
select pg_temp.sees('a coordinator those of the mentors whom she follows up, and of no other organisation', :'assigned', :'of_chapter');
select is((select count(*) from public.mentor_status_history where user_id = :'assigned'), 2::bigint, 'all of these');
select is_empty(format('select * from public.mentor_status_history where user_id = %L', :'of_nobody'), 'and none that she asks for by id');
reset role;
select tests.as_caller(:'admin');
select pg_temp.sees('an admin those of her organisation', :'assigned', :'of_chapter', :'of_nobody');
reset role;
select tests.as_caller(:'their_admin');
select pg_temp.sees('an admin of another those of that', :'stranger');
reset role;

-- Nobody else.
select tests.as_caller(gen_random_uuid());
select is_empty('select * from public.mentor_status_history', 'who is nobody sees nothing');
reset role;
select tests.as_caller(null);
select is_empty('select * from public.mentor_status_history', 'nor does a token without a subject');
reset role;
set local role anon;
select throws_ok('select 1 from public.mentor_status_history', '42501', null, 'nor who is not logged in');
reset role;

-- As the world changes.
update public.staff set role = 'coordinator' where user_id = :'admin';
select tests.as_caller(:'admin');
select is_empty('select * from public.mentor_status_history', 'who is no admin any more sees nothing any more');
reset role;
delete from public.coordinator_assignments where peer_mentor_id = :'assigned';
select tests.as_caller(:'coordinator');
select pg_temp.sees('nor a coordinator what is out of her reach', :'of_chapter');
reset role;
delete from public.peer_mentors where id = :'of_chapter';
select tests.as_caller(:'coordinator');
select is_empty('select * from public.mentor_status_history', 'of who left the roster only operators see what was');
reset role;
select tests.as_caller(:'of_chapter');
select pg_temp.sees('and she herself', :'of_chapter');
reset role;

-- Nobody writes it.
create temporary table written (statement text);
insert into written values
  ($$ insert into public.mentor_status_history (user_id, to_status, changed_by) values (auth.uid(), 'paused', 'certification-expiry') $$),
  ($$ update public.mentor_status_history set reason = 'certification_expired' $$),
  ('delete from public.mentor_status_history'),
  ('truncate public.mentor_status_history');
grant select on written to authenticated;
update public.staff set role = 'admin' where user_id = :'admin';
select tests.as_caller(:'of_nobody');
select throws_ok(statement, '42501', null, 'a mentor may not: ' || statement) from written;
reset role;
select tests.as_caller(:'admin');
select throws_ok(statement, '42501', null, 'nor an admin: ' || statement) from written;
select throws_ok($$ select nextval('public.mentor_status_history_id_seq') $$, '42501', null, 'nor use up its numbers');
reset role;
select is((select count(*) from public.mentor_status_history), 5::bigint, 'it is as it was');

-- Whoever may change a status writes it by that.
create policy "this test: people write" on public.peer_mentors for update to authenticated using (true);
grant update on public.peer_mentors to authenticated;
select tests.as_caller(:'admin');
update public.peer_mentors set status = 'inactive' where id = :'of_nobody';
select is((select concat_ws(' ', to_status, changed_by) from public.mentor_status_history where user_id = :'of_nobody' order by id desc limit 1), 'inactive ' || :'admin', 'who may change a status leaves a line, and sees it');
reset role;
select is((select count(*) from public.mentor_status_history), 6::bigint, 'one');
set local role service_role;
select lives_ok('select 1 from public.mentor_status_history', 'the service key reads it');

select * from finish();
rollback;
