begin;
select plan(20);

select tests.staff() as coordinator \gset
select tests.run(status => 'completed', requested_at => '2026-03-01 06:00Z') as first \gset
select tests.run(status => 'failed', requested_at => '2026-03-02 06:00Z') as second \gset
select tests.run(status => 'completed', job_name => 'dispatch-backlog', requested_at => '2026-03-03 06:00Z') as third \gset
select tests.run(status => 'skipped', job_name => 'dispatch-backlog', requested_at => '2026-03-04 06:00Z') as fourth \gset

create function pg_temp.listed(arguments text) returns uuid[] language plpgsql as $$
declare
  ids uuid[];
begin
  execute format('select array(select id from public.list_invocations(%s))', arguments) into ids;
  return ids;
end;
$$;

select tests.as_caller(:'coordinator');
select is(pg_temp.listed(''), array[:'fourth', :'third', :'second', :'first']::uuid[], 'without filters all are listed');
select is(pg_temp.listed($$ job_name => 'dispatch-backlog' $$), array[:'fourth', :'third']::uuid[], 'with a job only its runs');
select is(pg_temp.listed($$ job_name => 'birthday' $$), '{}', 'with one that there is not none');
select is(pg_temp.listed($$ status => 'completed' $$), array[:'third', :'first']::uuid[], 'with a status only those that have it');
select is(pg_temp.listed($$ status => 'completed', job_name => 'scenario-evaluation' $$), array[:'first']::uuid[], 'with both only those that have both');
select is(pg_temp.listed($$ requested_from => '2026-03-02 06:00Z' $$), array[:'fourth', :'third', :'second']::uuid[], 'from a moment: that moment too');
select is(pg_temp.listed($$ requested_to => '2026-03-02 06:00Z' $$), array[:'first']::uuid[], 'to a moment: not that moment');
select is(pg_temp.listed($$ requested_from => '2026-03-02 06:00Z', requested_to => '2026-03-03 06:00Z' $$), array[:'second']::uuid[], 'so days that follow each other share no run');
select is(pg_temp.listed($$ requested_from => '2026-03-02 06:00Z', status => 'completed', job_name => 'dispatch-backlog' $$), array[:'third']::uuid[], 'all filters work together');
select is(
  pg_temp.listed(format($$ before_requested_at => '2026-03-03 06:00Z', before_id => %L, status => 'completed' $$, :'third')), array[:'first']::uuid[],
  'a filtered list has pages too'
);
select is(
  pg_temp.listed(format($$ before_requested_at => '2026-03-04 06:00Z', before_id => %L, requested_from => '2026-03-03 00:00Z' $$, :'fourth')),
  array[:'third']::uuid[], 'and a page stays within what is asked for'
);
select is(pg_temp.listed($$ requested_from => '2027-01-01' $$), '{}', 'of a time to come there is none');
select is(pg_temp.listed($$ requested_from => '-infinity', requested_to => 'infinity' $$), array[:'fourth', :'third', :'second', :'first']::uuid[], 'all times are all');
select is(pg_temp.listed(format($$ status => %L $$, status)), '{}', format('the status %s is known', status)) from unnest(array['requested', 'running', 'partial', 'abandoned']) as status;
reset role;
select tests.run(status => status, job_name => 'hlf-sync') from unnest(array['requested', 'running', 'partial', 'abandoned']) as status;
select tests.as_caller(:'coordinator');
select is(cardinality(pg_temp.listed(format($$ status => %L $$, status))), 1, format('and lists what is %s', status)) from unnest(array['requested', 'running', 'partial']) as status;
reset role;

select * from finish();
rollback;
