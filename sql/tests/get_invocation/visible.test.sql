begin;
select plan(13);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.run(array[:'theirs']::uuid[]) as of_theirs \gset
select tests.run(array[:'own', :'theirs']::uuid[]) as of_several \gset
select tests.run(job_name => 'housekeeping') as of_database \gset
update scheduler.invocations set total_candidates = 3, total_evaluated = 4, details = '{"notifications": 7}' where id = :'of_database';
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values (:'of_several', :'own', 'Ours.', :'admin'), (:'of_several', :'theirs', 'Theirs.', gen_random_uuid());

select tests.as_caller(:'coordinator');
select is((select (entry).id from public.get_invocation(:'of_several')), :'of_several', 'a run that concerns the own organisation is shown');
select is((select (entry).note from public.get_invocation(:'of_several')), 'Ours.', 'with the own note');
select throws_ok(format('select * from public.get_invocation(%L)', :'of_theirs'), 'P0002', 'there is no run ' || :'of_theirs', 'one that does not is none');
select throws_ok(format('select * from public.get_invocation(%L)', :'coordinator'), 'P0002', 'there is no run ' || :'coordinator', 'like an id of nothing');
select throws_ok('select * from public.get_invocation(null)', 'P0002', 'there is no run null', 'and no id');
select is(tests.hint_of('select * from public.get_invocation(null)'), 'Look for its id in the list of runs.', 'with where to look');
select is((select figures is null from public.get_invocation(:'of_database')), true, 'what the database does for itself has no figures of mentors');
select is((select (entry).job_name from public.get_invocation(:'of_database')), 'housekeeping', 'but is shown');
select is((select count(*) from public.get_invocation(:'of_several')), 1::bigint, 'a run is one row');
reset role;
select tests.as_caller(:'admin');
select is((select figures is null from public.get_invocation(:'of_database')), true, 'for an admin neither');
select throws_ok(format('select * from public.get_invocation(%L)', :'of_theirs'), 'P0002', null, 'who sees no run of others');
reset role;
select tests.as_caller(gen_random_uuid());
select throws_ok(format('select * from public.get_invocation(%L)', :'of_several'), '42501', 'this is for staff', 'who is not staff sees none');
select throws_ok(format('select * from public.get_invocation(%L)', :'of_theirs'), '42501', 'this is for staff', 'whether it is there or not');
reset role;

select * from finish();
rollback;
