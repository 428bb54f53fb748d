-- After a restore elsewhere Vault has another key, and can't decrypt what it keeps.

begin;
select plan(18);
select tests.configured();
select tests.asked() as run \gset
select tests.lost();
select tests.cannot_decrypt();

select throws_ok('select decrypted_secret from vault.decrypted_secrets', '22023', null, 'Vault can''t decrypt a secret');
select is(scheduler.read_secret('scenario_scheduler_secret'), null, 'which is as good as none');

-- The status.
select lives_ok('select * from public.scheduler_status()', 'there is a status');
select is(tests.status_of('vault'), 'fail', 'in which it is a failure');
select matches(tests.detail_of('vault'), 'configure_edge', 'with what to do');

-- What is out, and what is due.
select lives_ok($$ select tests.reconciled() $$, 'requests are looked after');
select is(tests.run_became(:'run'), 'failed: network_error', 'a run that would have to be asked for again fails');
select is((select status_reason from scheduler.invocations where id = :'run'), 'not_configured', 'with the reason');
delete from scheduler.invocations;
select scheduler.run_job(job_name => 'scenario-evaluation', scheduled_for => '2026-03-10 06:00Z') as run \gset
select unnest(array[
  is(status, 'failed', 'a job fails in the ledger'),
  is(status_reason, 'not_configured', 'as one that is not set up'),
  isnt(error_message, null, 'and says what is missing'),
  isnt(finished_at, null, 'it is over')
])
from scheduler.invocations where id = :'run';
select tests.ticked_until('2026-03-11 05:59Z');
select is(tests.ticked('scenario-scheduler-daily', '2026-03-11 06:00Z'), 'scenario-evaluation failed not_configured 03-11 06:00', 'so does its tick');
select is_empty('select * from net.http_request_queue', 'nothing is asked');

-- SQL jobs need no secret.
select is(tests.run_became(scheduler.run_job(job_name => 'housekeeping')), 'completed', 'an SQL job runs all the same');
select lives_ok($$ select tests.configured() $$, 'and they can be set again');
select is(tests.status_of('vault'), 'ok', 'as the status says');
select is(tests.run_became(scheduler.run_job(job_name => 'scenario-evaluation')), 'requested', 'then the function is asked');

select * from finish();
rollback;
