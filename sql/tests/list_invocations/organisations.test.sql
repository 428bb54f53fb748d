begin;
select plan(13);

select tests.organisation() as own \gset
select tests.organisation() as second \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('coordinator', :'second', tests.staff('admin', :'own')) as both \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.run(array[:'own']::uuid[], requested_at => '2026-03-01') as of_own \gset
select tests.run(array[:'theirs']::uuid[], requested_at => '2026-03-02') as of_theirs \gset
select tests.run(array[:'own', :'theirs']::uuid[], requested_at => '2026-03-03') as of_several \gset
select tests.run(array[:'second']::uuid[], requested_at => '2026-03-04') as of_second \gset
select tests.run('{}', requested_at => '2026-03-05') as of_none \gset
select tests.run(requested_at => '2026-03-06') as of_all \gset
select tests.run(job_name => 'housekeeping', requested_at => '2026-03-07') as of_database \gset

create function pg_temp.listed(caller uuid) returns uuid[] language plpgsql as $$
declare
  ids uuid[];
begin
  perform tests.as_caller(caller);
  ids := array(select id from public.list_invocations());
  reset role;
  return ids;
end;
$$;

select is(
  pg_temp.listed(:'coordinator'), array[:'of_database', :'of_all', :'of_several', :'of_own']::uuid[],
  'staff see the runs that concern their organisation, alone or among others, and not those of others'
);
select is(pg_temp.listed(:'admin'), pg_temp.listed(:'coordinator'), 'an admin sees the same');
select is(pg_temp.listed(:'both'), array[:'of_database', :'of_all', :'of_second', :'of_several', :'of_own']::uuid[], 'who is staff of two sees those of both, each once');
select is(pg_temp.listed(:'their_admin'), array[:'of_database', :'of_all', :'of_several', :'of_theirs']::uuid[], 'the others see theirs');

select tests.as_caller(:'coordinator');
select is((select all_organisations from public.list_invocations() where id = :'of_all'), true, 'a run of everybody says so');
select is((select all_organisations from public.list_invocations() where id = :'of_own'), false, 'and one of some');
select unalike((select to_jsonb(entry)::text from public.list_invocations() as entry where id = :'of_several'), '%' || :'theirs' || '%', 'but not of which others');
select is_empty(
  format($$ select * from public.list_invocations(before_requested_at => '2026-03-02 00:00:01', before_id => %L, requested_from => '2026-03-02') $$, :'of_theirs'),
  'nor do filters find one of others'
);
reset role;

-- Their own notes.
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values
  (:'of_several', :'own', 'Ours.', :'coordinator'), (:'of_several', :'theirs', 'Theirs.', :'their_admin'), (:'of_all', :'theirs', 'Theirs too.', :'their_admin');
select tests.as_caller(:'coordinator');
select is((select note from public.list_invocations() where id = :'of_several'), 'Ours.', 'a run has the note of the own organisation');
select is((select note from public.list_invocations() where id = :'of_all'), null, 'and not that of another');
reset role;
select tests.as_caller(:'their_admin');
select is((select note from public.list_invocations() where id = :'of_several'), 'Theirs.', 'who read theirs');
reset role;
select tests.as_caller(:'admin');
select is((select note from public.list_invocations() where id = :'of_several'), 'Ours.', 'colleagues share one');
reset role;

select throws_ok(format('select pg_temp.listed(%L)', tests.mentor(organisation_id => :'own')), '42501', 'this is for staff', 'mentors see no runs');

select * from finish();
rollback;
