begin;
select plan(34);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as mentor \gset

create function pg_temp.deleted(caller uuid, run uuid) returns boolean language plpgsql as $$
begin
  perform tests.as_caller(caller);
  perform public.delete_invocation(invocation_id => run);
  reset role;
  return not exists (select from scheduler.invocations where id = run);
end;
$$;

-- With all that hangs on it, and nothing of what it did.
select tests.run(array[:'own']::uuid[]) as run \gset
select public.run_scenario_evaluation(invocation_id => :'run');
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values (:'run', :'own', 'A note.', :'admin');
insert into scheduler.requests (invocation_id, attempt, request_id, webhook_id) values (:'run', 1, 1, 'run_x_1');
insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id) select id, 1, '', 'sent', :'run' from scheduler.notifications;
select tests.run(array[:'own']::uuid[]) as other \gset
select is((select count(*) from scheduler.invocation_shares), 1::bigint, 'the run has a share');
select ok(pg_temp.deleted(:'admin', :'run'), 'an admin deletes a run that has ended');
select is_empty('select * from scheduler.invocation_notes', 'its notes go with it');
select is_empty('select * from scheduler.invocation_shares', 'its figures');
select is_empty('select * from scheduler.requests', 'and its requests');
select is((select count(*) from scheduler.notifications), 1::bigint, 'what it decided stays');
select is((select count(*) from scheduler.scenario_cooldowns), 1::bigint, 'with its windows');
select is((select count(*) from scheduler.push_attempts), 1::bigint, 'and what it sent');
select is((select count(*) from scheduler.invocations), 1::bigint, 'other runs stay');
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'run'), 'P0002', 'there is no run ' || :'run', 'what is deleted is gone');
select is_empty('select * from public.run_scenario_evaluation()', 'and nobody gets the push again');
delete from scheduler.invocations where id <> :'other';

-- In each status.
create function pg_temp.can_be_deleted(caller uuid, organisation uuid, status text) returns text language plpgsql as $$
begin
  return ok(pg_temp.deleted(caller, tests.run(array[organisation], can_be_deleted.status)), format('one that is %s can be deleted', can_be_deleted.status));
end;
$$;
create function pg_temp.has_not_ended(caller uuid, organisation uuid, status text) returns text language plpgsql as $$
declare
  run constant uuid := tests.run(array[organisation], has_not_ended.status);
begin
  return throws_ok(
    format('select pg_temp.deleted(%L, %L)', caller, run), '55000', format('the run %s has not ended', run), format('one that is %s can''t be deleted', has_not_ended.status)
  );
end;
$$;
select pg_temp.can_be_deleted(:'admin', :'own', status) from unnest(array['completed', 'partial', 'failed', 'skipped', 'abandoned']) as status;
select pg_temp.has_not_ended(:'admin', :'own', status) from unnest(array['requested', 'running']) as status;
select is(
  tests.hint_of(format('select pg_temp.deleted(%L, %L)', :'admin', (select id from scheduler.invocations where status = 'running'))), 'Stop it, or wait for its end.', 'the error has a hint'
);
delete from scheduler.invocations where status in ('requested', 'running');

-- Admins only.
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'coordinator', :'other'), '42501', 'only an admin deletes a run', 'a coordinator deletes none');
select is(tests.hint_of(format('select pg_temp.deleted(%L, %L)', :'coordinator', :'other')), 'Ask an admin of the organisation.', 'with whom to ask');
select throws_ok(format('select pg_temp.deleted(%L, %L)', tests.staff('admin', :'theirs', :'coordinator'), :'other'), '42501', format('the run %s is not yours alone', :'other'), 'nor who is admin elsewhere');
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'mentor', :'other'), '42501', 'this is for staff', 'nor a mentor');
select is((select count(*) from scheduler.invocations), 1::bigint, 'it is there still');

-- Of others, of several, of everybody.
select tests.run(array[:'theirs']::uuid[]) as of_theirs \gset
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'of_theirs'), 'P0002', 'there is no run ' || :'of_theirs', 'one of others is none');
select throws_ok(format('select pg_temp.deleted(%L, null)', :'admin'), 'P0002', 'there is no run null', 'nor is no id');
select tests.run(array[:'own', :'theirs']::uuid[]) as shared \gset
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'shared'), '42501', format('the run %s is not yours alone', :'shared'), 'one of several organisations is no one''s to delete');
select tests.staff('coordinator', :'theirs', :'admin');
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'shared'), '42501', null, 'also of who is only coordinator of the other');
update public.staff set role = 'admin' where user_id = :'admin';
select ok(pg_temp.deleted(:'admin', :'shared'), 'but of who administers them all');
delete from public.staff where user_id = :'admin' and organisation_id = :'theirs';
select tests.run() as global \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'global'), '42501', format('the run %s is not yours alone', :'global'), 'one of everybody is not either');
delete from public.peer_mentors where id = :'stranger';
select throws_ok(format('select pg_temp.deleted(%L, %L)', :'admin', :'global'), '42501', null, 'nor where nobody else has mentors any more');
delete from public.organisations where id <> :'own';
delete from scheduler.organisation_state where organisation_id <> :'own';
select ok(pg_temp.deleted(:'admin', :'global'), 'but where there is no other organisation');
select tests.run(job_name => 'housekeeping') as of_database \gset
select ok(pg_temp.deleted(:'admin', :'of_database'), 'what the database did for itself too');

select set_eq('select id from scheduler.invocations', tests.sorted(:'other', :'of_theirs'), 'everything else is in the ledger still');

select * from finish();
rollback;
