begin;
select plan(29);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.mentor(organisation_id => :'own') as mentor \gset

create function pg_temp.stopped(caller uuid, run uuid) returns text language plpgsql as $$
declare
  answer text;
begin
  perform tests.as_caller(caller);
  answer := (public.stop_invocation(invocation_id => run)).stop_requested_at is not null;
  reset role;
  return answer;
end;
$$;

-- What is not on.
create function pg_temp.refuses(caller uuid, organisation uuid, status text) returns text language plpgsql as $$
declare
  run constant uuid := tests.run(array[organisation], refuses.status);
begin
  return throws_ok(
    format('select pg_temp.stopped(%L, %L)', caller, run), '55000', format('the run %s is not running', run), format('one that is %s can''t be stopped', refuses.status)
  );
end;
$$;
select pg_temp.refuses(:'coordinator', :'own', status)
from unnest(array['requested', 'completed', 'partial', 'failed', 'skipped', 'abandoned']) as status;
select isnt(tests.hint_of(format('select pg_temp.stopped(%L, %L)', :'coordinator', (select id from scheduler.invocations limit 1))), '', 'the error has a hint');
select is_empty('select * from scheduler.invocations where stop_requested_at is not null', 'none was marked');
delete from scheduler.invocations;

-- Whose it is not.
select tests.run(array[:'theirs']::uuid[], 'running') as of_theirs \gset
select throws_ok(format('select pg_temp.stopped(%L, %L)', :'admin', :'of_theirs'), 'P0002', 'there is no run ' || :'of_theirs', 'one of others is none');
select throws_ok(format('select pg_temp.stopped(%L, gen_random_uuid())', :'admin'), 'P0002', null, 'like one that there is not');
select throws_ok(format('select pg_temp.stopped(%L, null)', :'admin'), 'P0002', 'there is no run null', 'or no id');
delete from scheduler.invocations;
select tests.run(array[:'own', :'theirs']::uuid[], 'running') as shared \gset
select throws_ok(format('select pg_temp.stopped(%L, %L)', :'admin', :'shared'), '42501', format('the run %s is not yours alone', :'shared'), 'one of several organisations is no one''s to stop');
select is(tests.hint_of(format('select pg_temp.stopped(%L, %L)', :'admin', :'shared')), 'Ask whoever operates the scheduler.', 'with whom to ask');
select is(pg_temp.stopped(tests.staff('coordinator', :'theirs', :'admin'), :'shared'), 'true', 'but of who is staff of them all');
delete from public.staff where user_id = :'admin' and organisation_id = :'theirs';
delete from scheduler.invocations;

-- Everybody's.
delete from public.organisations where id not in (:'own', :'theirs');
select tests.run(status => 'running') as global \gset
create function pg_temp.is_not_hers(caller uuid, run uuid, rule text) returns text language sql as $$
  select throws_ok(format('select pg_temp.stopped(%L, %L)', caller, run), '42501', format('the run %s is not yours alone', run), rule);
$$;
select pg_temp.is_not_hers(:'coordinator', :'global', 'a run of everybody is no one''s to stop where there is another organisation, though it has no mentors');
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select pg_temp.is_not_hers(:'coordinator', :'global', 'nor where it has some');
update public.peer_mentors set status = 'inactive' where id = :'stranger';
select pg_temp.is_not_hers(:'coordinator', :'global', 'or has them no more');
delete from public.peer_mentors where id = :'stranger';
delete from public.organisations where id = :'theirs';
delete from scheduler.organisation_state where organisation_id = :'theirs';
select is(pg_temp.stopped(:'coordinator', :'global'), 'true', 'where there is one organisation it is its own');
update scheduler.invocations set stop_requested_at = null;
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values (:'global', :'theirs', 'Theirs.', gen_random_uuid());
select pg_temp.is_not_hers(:'coordinator', :'global', 'unless another, that is gone, wrote a note on it');
delete from scheduler.invocation_notes;
insert into scheduler.invocation_shares (invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed)
values (:'global', :'theirs', 1, 1, 1, '{}');
select pg_temp.is_not_hers(:'coordinator', :'global', 'or had mentors in it');
delete from scheduler.invocation_shares;

-- What has no pages.
select tests.run(array[:'own']::uuid[], 'running', 'hlf-sync') as dry, tests.run(array[:'own']::uuid[], 'running', 'housekeeping') as of_database \gset
update scheduler.invocations set dry_run = true where id = :'dry';
select throws_ok(
  format('select pg_temp.stopped(%L, %L)', :'coordinator', run), '55000', format('the run %s has no pages to stop at', run), 'what has no pages can''t be stopped: ' || what
)
from (values (:'dry'::uuid, 'a dry run'), (:'of_database', 'an SQL job')) as pageless (run, what);
select is(tests.hint_of(format('select pg_temp.stopped(%L, %L)', :'coordinator', :'dry')), 'Wait for its end.', 'with what to do');
select is_empty('select * from scheduler.invocations where stop_requested_at is not null', 'and is not marked');

-- Who is nobody.
select throws_ok(format('select pg_temp.stopped(%L, %L)', :'mentor', :'global'), '42501', 'this is for staff', 'mentors stop nothing');
select throws_ok(format('select pg_temp.stopped(%L, gen_random_uuid())', :'mentor'), '42501', 'this is for staff', 'whether it is there or not');
delete from public.staff where user_id = :'coordinator';
select throws_ok(format('select pg_temp.stopped(%L, %L)', :'coordinator', :'global'), '42501', 'this is for staff', 'nor who is no longer staff');
select is((select stop_requested_at from scheduler.invocations where id = :'global'), null, 'the run goes on');
select is(tests.run_became(:'global'), 'running', 'as it was');

select * from finish();
rollback;
