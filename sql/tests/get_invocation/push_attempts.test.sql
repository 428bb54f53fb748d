-- What was sent, and what went wrong, is counted from what became of each push at each device.

begin;
select plan(14);

select tests.organisation() as theirs \gset
select tests.staff('admin') as admin \gset
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.waiting(:'mentor') as push \gset
select tests.waiting(:'other') as other_push \gset
select tests.waiting(:'stranger') as their_push \gset
select tests.run() as run \gset

create function pg_temp.attempted(push bigint, run uuid, outcome text, error_type text default null, error_code text default null) returns void language sql as $$
  insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, error_type, error_code, invocation_id)
  values (push, 1, '', outcome, error_type, error_code, run);
$$;
create function pg_temp.said(caller uuid, run uuid) returns text language plpgsql as $$
declare
  answer text;
begin
  perform tests.as_caller(caller);
  select concat_ws(' ', (got.figures).total_dispatched, (got.figures).total_errors, (got.figures).errors) into answer from public.get_invocation(run) as got;
  reset role;
  return answer;
end;
$$;

select is(pg_temp.said(:'admin', :'run'), '0 0 {}', 'before anything was tried nothing is counted');
select pg_temp.attempted(:push, :'run', 'sent');
select is(pg_temp.said(:'admin', :'run'), '1 0 {}', 'a push that a provider took is one');
select pg_temp.attempted(:push, :'run', 'sent');
select is(pg_temp.said(:'admin', :'run'), '1 0 {}', 'at however many devices');
select pg_temp.attempted(:other_push, :'run', 'retry', 'network_error');
select is(pg_temp.said(:'admin', :'run'), '1 1 {"network_error": 1}', 'one that failed is an error, by type');
select pg_temp.attempted(:push, :'run', 'invalid_token', 'invalid_token', 'UNREGISTERED');
select is(pg_temp.said(:'admin', :'run'), '1 2 {"invalid_token": 1, "network_error": 1}', 'also at a device of one that was sent to another');
select pg_temp.attempted(:other_push, :'run', 'failed');
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'without a type it is the provider''s');
select pg_temp.attempted(:other_push, :'run', 'held', 'provider_error', 'NOT_TRIED');
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'what was not tried is no error');
select pg_temp.attempted(:their_push, :'run', 'sent'), pg_temp.attempted(:their_push, :'run', 'failed', 'timeout_error');
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'another organisation''s pushes are not counted');
select is(pg_temp.said(tests.staff('admin', :'theirs'), :'run'), '1 1 {"timeout_error": 1}', 'but by its own admin');
select pg_temp.attempted(:other_push, tests.run(), 'sent');
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'nor what another run sent');

-- As long as attempts are kept.
update scheduler.invocations set requested_at = now() - interval '89 days' where id = :'run';
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'while attempts are kept they are counted');
update scheduler.invocations set requested_at = now() - interval '91 days' where id = :'run';
select is(pg_temp.said(:'admin', :'run'), '', 'of an older run nobody knows any more, and nothing is not said to be none');
update scheduler.retention set keep = '1 year' where kept = 'push_attempts';
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'who keeps them for longer knows for longer');
delete from scheduler.retention where kept = 'push_attempts';
update scheduler.invocations set requested_at = now() - interval '20 years' where id = :'run';
select is(pg_temp.said(:'admin', :'run'), '1 3 {"invalid_token": 1, "network_error": 1, "provider_error": 1}', 'and who keeps them for good for good');

select * from finish();
rollback;
