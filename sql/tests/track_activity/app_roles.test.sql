-- Whoever may write to a tracked table, by grant and policy, may do so without
-- any right to the schema scheduler.

begin;
select plan(8);

select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
grant insert, update, delete, truncate on public.activities to authenticated;
grant update on public.peer_mentors to authenticated;
create policy "mentors record" on public.activities for all to authenticated
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy "mentors pause" on public.peer_mentors for update to authenticated using (id = (select auth.uid()));

select set_config('test.other', :'other', true);
select set_config('request.jwt.claims', jsonb_build_object('sub', :'mentor')::text, true);
grant usage on schema tests, extensions to authenticated;
create function pg_temp.as_mentor(statement text) returns void
language plpgsql
as $$
begin
  set local role authenticated;
  execute statement;
  reset role;
end;
$$;
create function pg_temp.state_of(mentor uuid) returns text
language sql
as $$ select activity_count || ' ' || active from scheduler.mentor_state where user_id = mentor $$;

select throws_ok(
  $$ select pg_temp.as_mentor('select * from scheduler.mentor_state') $$, '42501', null, 'a mentor may not look into scheduler'
);
select throws_ok(
  $$ select pg_temp.as_mentor('select scheduler.rebuild_mentor_state()') $$, '42501', null, 'nor call what is there'
);
select lives_ok(
  $$ select pg_temp.as_mentor($_$
    insert into public.activities (user_id, activity_date) values (auth.uid(), '2026-01-01'), (auth.uid(), '2026-01-02')
  $_$) $$,
  'but may record activities'
);
select is(pg_temp.state_of(:'mentor'), '2 true', 'which are counted');
select throws_ok(
  $$ select pg_temp.as_mentor($_$
    insert into public.activities (user_id, activity_date) values (current_setting('test.other')::uuid, '2026-01-01')
  $_$) $$,
  '42501', null, 'not in the name of somebody else: the policies of the table hold'
);
select pg_temp.as_mentor($$update public.activities set activity_date = '2026-01-05'$$);
select pg_temp.as_mentor($$delete from public.activities where id = (select min(id) from public.activities)$$);
select pg_temp.as_mentor($$update public.peer_mentors set status = 'paused'$$);
select is(pg_temp.state_of(:'mentor'), '1 false', 'may change and delete them, and pause');
select pg_temp.as_mentor($$truncate public.activities$$);
select is(pg_temp.state_of(:'mentor'), '0 false', 'and truncate where that is granted');
select is_empty('select * from scheduler.verify_mentor_state()', 'and all is as the sources say');

select * from finish();
rollback;
