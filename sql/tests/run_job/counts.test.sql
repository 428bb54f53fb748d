-- Of what a job returns row by row, the ledger keeps how many there were for which reason.

begin;
select plan(9);
create type public.outcome as (id integer, reason text);
create function public.with_reasons() returns setof public.outcome language sql as $$
  values (1, 'late'), (2, 'early'), (3, 'late'), (4, null);
$$;
create function public.without_reasons() returns setof integer language sql as $$ select generate_series(1, 5) $$;
create function public.nothing_to_say() returns setof public.outcome language sql as $$ select 1, 'late' where false $$;
create function public.as_table() returns table (reason text, more text) language sql as $$ values ('late', 'a'), ('late', 'b') $$;
create function public.one() returns public.outcome language sql as $$ select 1, 'late' $$;
create function public.failing_midway() returns setof integer language plpgsql as $$ begin return next 1; raise exception 'no'; end $$;
create function pg_temp.details(target text) returns jsonb language plpgsql as $$
declare
  run uuid;
begin
  insert into scheduler.jobs (job_name, kind, target) values (replace(target, '_', '-'), 'sql', 'public.' || target);
  run := scheduler.run_job(job_name => replace(target, '_', '-'));
  return (select details from scheduler.invocations where id = run);
end;
$$;

select is(pg_temp.details('with_reasons'), '{"late": 2, "early": 1, "rows": 1}', 'rows are counted by reason, and without one as rows');
select is(pg_temp.details('without_reasons'), '{"rows": 5}', 'as are those that can have none');
select is(pg_temp.details('nothing_to_say'), '{}', 'none is none');
select is(pg_temp.details('as_table'), '{"late": 2}', 'a table''s are counted like a type''s');
select is(pg_temp.details('one'), '{"id": 1, "reason": "late"}', 'what returns one thing has it kept as it is');
select is(pg_temp.details('failing_midway'), null, 'a job that fails on the way has none');

-- As shipped: no mentor is named.
select tests.requires();
select tests.certified_until(mentor, tests.today() - 1) from (select tests.mentor() as mentor from generate_series(1, 3)) as mentors;
select scheduler.run_job(job_name => 'certification-expiry') as run \gset
select is((select details from scheduler.invocations where id = :'run'), '{"certification_expired": 3}', 'certification-expiry tells how many it paused');
update public.certifications set expires_on = tests.today() + 9 where user_id in (select user_id from public.certifications order by user_id limit 2);
select scheduler.run_job(job_name => 'certification-expiry') as run \gset
select is((select details from scheduler.invocations where id = :'run'), '{"certification_renewed": 2}', 'and resumed');
select scheduler.run_job(job_name => 'certification-expiry') as run \gset
select is((select details from scheduler.invocations where id = :'run'), '{}', 'or neither');

select * from finish();
rollback;
