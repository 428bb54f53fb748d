begin;
select plan(11);

select id as run from public.start_invocation(job_name => 'scenario-evaluation') \gset
select throws_ok(
  format($$ select public.finish_invocation(invocation_id => %L, status => %L) $$, :'run', status), '22023',
  'a run ends as completed, partial or failed, not ' || coalesce(quote_literal(status), 'null'),
  'a run doesn''t end as ' || coalesce(status, 'null')
)
from unnest(array['done', 'running', 'requested', 'skipped', 'abandoned', 'COMPLETED', '', null]) as status;
select isnt(
  tests.hint_of(format($$ select public.finish_invocation(invocation_id => %L, status => 'done') $$, :'run')), '',
  'the error has a hint'
);
select is((select status from scheduler.invocations), 'running', 'a refused end is none');
select is((select finished_at from scheduler.invocations), null, 'the run goes on');

select * from finish();
rollback;
