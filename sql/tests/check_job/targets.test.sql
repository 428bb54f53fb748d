begin;
select plan(27);

create function pg_temp.job(kind text, target text, enabled boolean default true, scenarios text[] default null) returns void language sql as $$
  insert into scheduler.jobs (job_name, kind, target, enabled, scenarios) values ('job', kind, target, enabled, scenarios)
  on conflict (job_name) do update set kind = excluded.kind, target = excluded.target, enabled = excluded.enabled, scenarios = excluded.scenarios;
$$;
create function public.of_mine() returns void language sql as $$ $$;
create function public.of_mine_with_default(number integer default 1) returns integer language sql as $$ select number $$;
create function public.of_mine_with_argument(number integer) returns integer language sql as $$ select number $$;
create procedure public.procedure_of_mine() language sql as $$ $$;

-- SQL.
select lives_ok($$ select pg_temp.job('sql', 'public.of_mine') $$, 'a function of one''s own can be a job');
select lives_ok($$ select pg_temp.job('sql', 'public.of_mine_with_default') $$, 'also if its arguments have defaults');
select throws_ok(
  $$ select pg_temp.job('sql', 'public.of_mine_with_argument') $$, '22023',
  'the target ''public.of_mine_with_argument'' of job job is no function that can be called without arguments', 'one that needs an argument can''t'
);
select throws_ok($$ select pg_temp.job('sql', 'public.nothing') $$, '22023', null, 'nor one that is not there');
select matches(tests.hint_of($$ select pg_temp.job('sql', 'public.nothing') $$), 'with its schema', 'the hint says how to name one');
select throws_ok($$ select pg_temp.job('sql', 'public.of_mine()') $$, '22023', null, 'a call is no name');
select throws_ok($$ select pg_temp.job('sql', 'public.of_mine; drop table public.activities') $$, null, null, 'nor is more than a call');
select throws_ok($$ select pg_temp.job('sql', '"') $$, null, null, 'nor a quote');
select throws_ok($$ select pg_temp.job('sql', '') $$, null, null, 'nor nothing');
select throws_ok($$ select pg_temp.job('sql', 'scheduler.check_job') $$, '22023', null, 'a trigger''s function can''t be called');
select throws_ok($$ select pg_temp.job('sql', 'public.procedure_of_mine') $$, '22023', null, 'nor can a procedure like one');
select throws_ok($$ select pg_temp.job('sql', 'pg_catalog.row_number') $$, '22023', null, 'nor a window''s function');
select lives_ok($$ select pg_temp.job('sql', 'public.nothing', enabled => false) $$, 'a function may come later, if nothing starts it');
select throws_ok(
  $$ update scheduler.jobs set enabled = true where job_name = 'job' $$, '22023', null, 'but the job can''t be switched on before'
);
select lives_ok($$ update scheduler.jobs set enabled = true where job_name <> 'job' $$, 'those that are shipped can');

-- Edge.
select lives_ok($$ select pg_temp.job('edge', 'scenario-evaluation') $$, 'two jobs may be one to the function');
select throws_ok($$ select pg_temp.job('edge', 'Scenario Evaluation') $$, '22023', null, 'a target of the function has a plain name');
select throws_ok($$ select pg_temp.job('edge', 'public.of_mine') $$, '22023', null, 'and is no SQL');
select throws_ok($$ select pg_temp.job('http', 'scenario-evaluation') $$, '23514', null, 'there is no other kind');

-- Scenarios.
select lives_ok($$ select pg_temp.job('edge', 'scenario-evaluation', scenarios => '{milestone,expiry}') $$, 'a job may evaluate some scenarios only');
select throws_ok(
  $$ select pg_temp.job('edge', 'scenario-evaluation', scenarios => '{milestone,birthday}') $$, '22023',
  'job job can''t have the scenarios ''birthday'', which is not known', 'but none that is not known'
);
select matches(
  tests.hint_of($$ select pg_temp.job('edge', 'scenario-evaluation', scenarios => '{birthday}') $$), 'Known scenarios: expiry, inactivity, milestone',
  'the hint lists those that are'
);
select throws_ok($$ select pg_temp.job('edge', 'scenario-evaluation', scenarios => '{null}') $$, '22023', null, 'null is none');
select throws_ok($$ select pg_temp.job('edge', 'scenario-evaluation', scenarios => '{}') $$, '22023', null, 'a job that evaluates nothing is none');
select throws_ok($$ select pg_temp.job('edge', 'dispatch-backlog', scenarios => '{expiry}') $$, '22023', null, 'one that only sends has no scenarios');
select throws_ok($$ select pg_temp.job('sql', 'public.of_mine', scenarios => '{expiry}') $$, '22023', null, 'nor has a function');
select is((select scenarios from scheduler.jobs where job_name = 'job'), '{milestone,expiry}', 'what was refused changed nothing');

select * from finish();
rollback;
