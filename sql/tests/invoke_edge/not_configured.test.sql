begin;
select plan(35);

create function pg_temp.failure(run uuid) returns text language sql as $$
  select concat_ws(' | ', status, status_reason, error_type, error_message) from scheduler.invocations where id = run;
$$;

select scheduler.invoke_edge(job_name => 'scenario-evaluation') as run \gset
select is(
  pg_temp.failure(:'run'), 'failed | not_configured | network_error | the url of the function is not set', 'without a url the run fails, and the ledger says why'
);
select unnest(array[
  is(started_at, null, 'it never began'),
  isnt(finished_at, null, 'and is over'),
  is(request_id, null, 'no request was made')
])
from scheduler.invocations where id = :'run';

select tests.configured();
select vault.update_secret(id, new_secret => '') from vault.secrets where name = 'scenario_scheduler_secret';
select scheduler.invoke_edge(job_name => 'scenario-evaluation') as run \gset
select matches(pg_temp.failure(:'run'), '^failed \| not_configured \| authentication_error \| the secret of the function is shorter', 'an empty secret fails it too');
delete from vault.secrets where name = 'scenario_scheduler_secret';
select scheduler.invoke_edge(job_name => 'scenario-evaluation') as run \gset
select is(
  pg_temp.failure(:'run'), 'failed | not_configured | authentication_error | the secret of the function is not set', 'and a missing one'
);
select vault.create_secret('hunter2', 'scenario_scheduler_secret');
select scheduler.invoke_edge(job_name => 'scenario-evaluation') as run \gset
select matches(pg_temp.failure(:'run'), 'not hex', 'and a malformed one');
select unalike(pg_temp.failure(:'run'), '%hunter2%', 'which is not repeated');

-- Written to Vault past configure_edge: looked at again each time.
create function pg_temp.failed_with(url text, problem text, rule text) returns setof text language plpgsql as $$
begin
  perform tests.configured();
  perform vault.update_secret(id, new_secret => failed_with.url) from vault.secrets where name = 'scenario_scheduler_url';
  return next matches(pg_temp.failure(scheduler.invoke_edge(job_name => 'scenario-evaluation')), '^failed \| not_configured \| network_error \| .*' || problem, rule);
  return next is((select count(*) from net.http_request_queue), 0::bigint, 'and no request is made');
  delete from net.http_request_queue;
  delete from scheduler.invocations where status = 'requested';
end;
$$;
select pg_temp.failed_with('', 'form', 'an empty url');
select pg_temp.failed_with('http://example.no/a', 'https', 'a url with http');
select pg_temp.failed_with('https://user:hunter2@example.no/a', 'credentials', 'one with credentials');
select pg_temp.failed_with('https://169.254.169.254/a', 'inside', 'one inside');
select pg_temp.failed_with('https://[::ffff:10.0.0.1]/a', 'inside', 'one inside in disguise');
select pg_temp.failed_with('not a url', 'form', 'one that is none');
select pg_temp.failed_with('https://example.no:99999/a', '.', 'one that no request can go to');
select is((select count(*) from scheduler.invocations where error_message like '%hunter2%'), 0::bigint, 'the ledger does not repeat it');
select is_empty('select * from scheduler.requests', 'there was no request');

-- One tick fails, and may be run when all is set up.
select tests.configured();
delete from vault.secrets;
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'failed: network_error', 'a tick fails without a url');
select tests.configured();
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'requested', 'and can be had again when it is set');
select is(tests.run_became(tests.asked(scheduled_for => '2026-03-10 06:00Z')), 'skipped: duplicate_tick', 'once');
delete from net.http_request_queue;

-- Without the extensions.
select tests.without('net');
select scheduler.invoke_edge(job_name => 'dispatch-backlog') as run \gset
select matches(pg_temp.failure(:'run'), '^failed \| not_configured \| network_error \| pg_net can''t be called', 'without pg_net the run fails, and says so');
select lives_ok($$ select scheduler.reconcile_requests() $$, 'and nothing is looked for where nothing can be');
select tests.without('vault');
select scheduler.invoke_edge(job_name => 'dispatch-backlog') as run \gset
select matches(pg_temp.failure(:'run'), 'url of the function is not set', 'without Vault there is no url');

-- What is set up is found again.
select is((select count(*) from scheduler.invocations where status = 'failed' and status_reason <> 'not_configured'), 0::bigint, 'each of these failures says that it is of the set-up');
select is((select count(*) from scheduler.invocations where status = 'failed' and finished_at is null), 0::bigint, 'and each is over');
select is((select count(*) from scheduler.retry_runs(at => now() + interval '1 hour')), 0::bigint, 'none is tried again by itself');
select matches(tests.detail_of('vault'), 'no Vault', 'the status says what is missing');
select matches(tests.detail_of('pg_net'), 'create extension pg_net', 'of pg_net as well');

select * from finish();
rollback;
