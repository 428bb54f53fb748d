begin;
select plan(10);

select tests.staff() as coordinator \gset
select tests.mentor() as mentor \gset
select tests.run() as run \gset

select tests.as_caller(:'coordinator');
select throws_ok('select public.annotate_invocation(invocation_id => null, note => ''A note.'')', 'P0002', 'there is no run null', 'no run has no note');
select throws_ok(
  format('select public.annotate_invocation(invocation_id => %L, note => ''A note.'')', :'mentor'), 'P0002', 'there is no run ' || :'mentor', 'nor does one that there is not'
);
select throws_ok(
  format('select public.annotate_invocation(invocation_id => %L, note => repeat(''x'', 100000))', :'run'), '22023', 'note must have 1000 characters at most, not 100000', 'a novel is none'
);
select is(tests.column_of(format('select public.annotate_invocation(invocation_id => %L, note => repeat(''x'', 1001))', :'run')), 'note', 'by its argument');
select is(tests.hint_of(format('select public.annotate_invocation(invocation_id => %L, note => repeat(''x'', 1001))', :'run')), 'Shorten it.', 'with what to do');
reset role;
select tests.as_caller(:'mentor');
select throws_ok(format('select public.annotate_invocation(invocation_id => %L, note => ''A note.'')', :'run'), '42501', 'this is for staff', 'mentors write none');
select throws_ok(format('select public.annotate_invocation(invocation_id => %L, note => null)', :'run'), '42501', 'this is for staff', 'and take none away');
reset role;
select is_empty('select * from scheduler.invocation_notes', 'none was written');

delete from scheduler.invocations where id = :'run';
select tests.run() as run \gset
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values (:'run', gen_random_uuid(), 'A note.', :'coordinator');
select lives_ok('delete from scheduler.invocations', 'notes don''t keep a run from being swept');
select is_empty('select * from scheduler.invocation_notes', 'and go with it');

select * from finish();
rollback;
