begin;
select plan(27);

select tests.organisation() as own \gset
select tests.organisation() as second \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('admin', :'own') as admin \gset
select tests.staff('coordinator', :'theirs') as their_coordinator \gset
select tests.run() as run \gset
select tests.run(array[:'own']::uuid[], 'running') as running \gset

create function pg_temp.noted(caller uuid, run uuid, note text) returns text language plpgsql as $$
declare
  answer text;
begin
  perform tests.as_caller(caller);
  answer := (public.annotate_invocation(invocation_id => run, note => noted.note)).note;
  reset role;
  return answer;
end;
$$;
create function pg_temp.note_for(caller uuid, run uuid) returns text language plpgsql as $$
declare
  answer text;
begin
  perform tests.as_caller(caller);
  answer := (select (entry).note from public.get_invocation(run));
  reset role;
  return answer;
end;
$$;

-- One of the organisation.
select is(pg_temp.noted(:'coordinator', :'run', 'Fewer than usual.'), 'Fewer than usual.', 'staff write a note on a run, and are answered with it');
select is(pg_temp.note_for(:'coordinator', :'run'), 'Fewer than usual.', 'then it is there');
select results_eq(
  'select invocation_id, organisation_id, noted_by, noted_at from scheduler.invocation_notes', format('values (%L::uuid, %L::uuid, %L::uuid, now())', :'run', :'own', :'coordinator'),
  'with who wrote it and when'
);
select is(pg_temp.note_for(:'admin', :'run'), 'Fewer than usual.', 'colleagues read it');
select is(pg_temp.noted(:'admin', :'run', 'A holiday.'), 'A holiday.', 'and may write another in its place');
select is(pg_temp.note_for(:'coordinator', :'run'), 'A holiday.', 'which is then the note');
select is((select noted_by from scheduler.invocation_notes), :'admin', 'of who wrote last');
select is((select count(*) from scheduler.invocation_notes), 1::bigint, 'a run has one of each organisation');

-- Others.
select is(pg_temp.note_for(:'their_coordinator', :'run'), null, 'another organisation does not read it');
select is(pg_temp.noted(:'their_coordinator', :'run', 'Theirs.'), 'Theirs.', 'it writes its own');
select is(pg_temp.note_for(:'coordinator', :'run'), 'A holiday.', 'and neither changes the other''s');
select is(pg_temp.noted(:'their_coordinator', :'run', null), null, 'nor takes it away');
select is(pg_temp.note_for(:'coordinator', :'run'), 'A holiday.', 'with its own');
select throws_ok(
  format('select pg_temp.noted(%L, %L, %L)', :'their_coordinator', :'running', 'Theirs.'), 'P0002', 'there is no run ' || :'running',
  'on a run that does not concern it there is nothing to write'
);

-- Taken away.
select is(pg_temp.noted(:'coordinator', :'run', note), null, format('%s takes the note away', coalesce(to_json(note)::text, 'null')))
from (values (null), (''), ('   '), (E' \n\t')) as nothing (note);
select is_empty('select * from scheduler.invocation_notes', 'then there is none');
select lives_ok(format('select pg_temp.noted(%L, %L, null)', :'coordinator', :'run'), 'taking away what is not there is no error');
select is(pg_temp.noted(:'coordinator', :'running', 'Stop?'), 'Stop?', 'one that is on can have a note too');

-- Of two organisations.
select tests.staff('coordinator', :'second', :'coordinator');
select pg_temp.noted(:'coordinator', :'run', 'Both.');
select set_eq(format('select organisation_id from scheduler.invocation_notes where invocation_id = %L', :'run'), tests.sorted(:'own', :'second'), 'who is staff of two writes for both');
select pg_temp.noted(:'coordinator', :'running', 'One.');
select results_eq(format('select organisation_id, note from scheduler.invocation_notes where invocation_id = %L', :'running'), format('values (%L::uuid, %L)', :'own', 'One.'), 'on a run that concerns one of them for that alone');
select is(pg_temp.note_for(:'admin', :'run'), 'Both.', 'each reads it');

-- How long.
select is(length(pg_temp.noted(:'coordinator', :'run', repeat('ø', 1000))), 1000, 'a note may have a thousand characters');
select is(pg_temp.noted(:'coordinator', :'run', E'<b>Line</b>\n"two"'), E'<b>Line</b>\n"two"', 'and is kept as it was written');
select throws_ok(
  format('select pg_temp.noted(%L, %L, repeat(%L, 1001))', :'coordinator', :'run', 'x'), '22023', 'note must have 1000 characters at most, not 1001', 'a longer one is refused'
);

select * from finish();
rollback;
