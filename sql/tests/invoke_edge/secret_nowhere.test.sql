-- The secret is in Vault and nowhere else, whatever happens.

begin;
select plan(8);

select tests.configured();
select tests.mentor(joined_on => tests.today() - 40);
create table public.witness (note text);
insert into public.witness values ('so it would be found: ' || tests.secret());
select is(array(select tests.tables_with(tests.secret())), '{public.witness}', 'a sweep of all tables finds it where it is');
update public.witness set note = encode(convert_to(tests.secret(), 'utf8'), 'hex');
select is(array(select tests.tables_with(tests.secret())), '{public.witness}', 'in hex too');
drop table public.witness;

-- Runs of every kind.
select tests.asked() as run \gset
insert into cron.job_run_details (jobid, runid, database, username, command, status, return_message, start_time, end_time)
select jobid, 900000 + jobid, database, username, command, 'succeeded', '1 row', now(), now() from cron.job;
select is_empty($$ select tests.tables_with(tests.secret()) $$, 'when a run is asked for, it is in no table');
select tests.answered(:'run', 401, '{"error": {"type": "authentication_error", "message": "' || tests.secret() || '"}}');
select tests.reconciled();
delete from net._http_response; -- it is pg_net's, with what the other side said
select is_empty($$ select tests.tables_with(tests.secret()) $$, 'nor when it was refused with an answer that holds it');
select tests.taken_on(:'run');
select public.finish_invocation(invocation_id => :'run', status => 'failed', error_type => 'database_error');
select tests.reconciled(now() + interval '1 hour');
select vault.update_secret(id, new_secret => tests.secret() || 'x') from vault.secrets where name = 'scenario_scheduler_secret';
select scheduler.invoke_edge(job_name => 'dispatch-backlog');
select is_empty($$ select tests.tables_with(tests.secret()) $$, 'nor when it is malformed');
select vault.update_secret(id, new_secret => tests.secret()) from vault.secrets where name = 'scenario_scheduler_url';
select scheduler.invoke_edge(job_name => 'dispatch-backlog');
select is_empty($$ select tests.tables_with(tests.secret()) $$, 'nor when it was set as the url');
select is(
  (select count(*) from public.scheduler_status() as line where line::text ilike '%' || tests.secret() || '%'), 0::bigint, 'nor in the status'
);
select is((select count(*) from cron.job where command ilike '%http%' or command ~* '[0-9a-f]{16}'), 0::bigint, 'pg_cron''s commands hold no url and no key');

select * from finish();
rollback;
