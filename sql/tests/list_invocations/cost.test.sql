-- The cost follows the page and one's own runs, not the runs of others: how many rows of the
-- ledger it reads. The planner looks at the ends of indexes, which are a few.

begin;
select plan(10);

select tests.organisation() as own \gset
select tests.staff('coordinator', :'own') as coordinator \gset
insert into scheduler.invocations (job_name, status, organisation_ids, requested_at)
select
  'dispatch-backlog', 'completed', array[md5('organisation ' || n % 100)::uuid], timestamptz '2026-03-10 06:00Z' - n * interval '1 minute'
from generate_series(1, 20000) as n;
select tests.run(requested_at => '2026-01-01 06:00Z') as of_everybody \gset
select tests.run(array[:'own']::uuid[], requested_at => '2026-01-02 06:00Z') as of_own \gset
analyze scheduler.invocations;

create function pg_temp.rows_read() returns bigint language sql as $$
  select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
  from pg_stat_xact_user_tables where relid = 'scheduler.invocations'::regclass;
$$;
create function pg_temp.read_for(caller uuid, arguments text) returns bigint language plpgsql as $$
declare
  before constant bigint := pg_temp.rows_read();
begin
  perform tests.as_caller(caller);
  execute format('select count(*) from public.list_invocations(%s)', arguments);
  reset role;
  return pg_temp.rows_read() - before;
end;
$$;

select tests.as_caller(:'coordinator');
select is(array(select id from public.list_invocations()), array[:'of_own', :'of_everybody']::uuid[], 'the list has everybody''s runs and one''s own');
reset role;
select cmp_ok(pg_temp.read_for(:'coordinator', arguments), '<', 50::bigint, format('20,000 runs of others are not read: %s', arguments))
from unnest(array[
  '',
  'page_size => 1',
  $$ status => 'completed' $$,
  $$ status => 'failed' $$,
  $$ job_name => 'dispatch-backlog' $$,
  $$ job_name => 'dispatch-backlog', status => 'completed', requested_from => '2026-03-01' $$,
  $$ requested_from => '2026-03-01', requested_to => '2026-03-02' $$,
  $$ before_requested_at => '2026-03-05', before_id => 'ffffffff-ffff-ffff-ffff-ffffffffffff' $$
]) as arguments;

-- Of many that concern everybody, a page is read.
insert into scheduler.invocations (job_name, status, requested_at)
select 'dispatch-backlog', 'completed', timestamptz '2026-03-10 06:00Z' - n * interval '1 minute' from generate_series(1, 20000) as n;
analyze scheduler.invocations;
select cmp_ok(pg_temp.read_for(:'coordinator', 'page_size => 50'), '<', 200::bigint, 'nor more of everybody''s than a page has');

select * from finish();
rollback;
