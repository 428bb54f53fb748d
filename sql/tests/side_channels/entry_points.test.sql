-- A run or a mentor out of reach and one that does not exist: no entry point tells them apart.

begin;
select plan(83);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.staff('admin', :'theirs') as their_admin \gset
select tests.mentor() as in_reach \gset
select tests.mentor() as of_colleague \gset
select tests.mentor(organisation_id => :'theirs') as stranger \gset
select tests.chapter(null, :'theirs') as their_chapter \gset
select tests.placed(:'their_chapter', :'stranger');
select tests.assigned(:'coordinator', :'in_reach');
select tests.assigned(tests.staff(), :'of_colleague');
select tests.run(array[:'theirs']::uuid[]) as ended \gset
select tests.run(array[:'theirs']::uuid[], 'running') as running \gset
select tests.run(array[:'theirs']::uuid[], 'requested', 'dispatch-backlog') as requested \gset
insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by) values (:'ended', :'theirs', 'Theirs.', gen_random_uuid());

create temporary table tried (about text, statement text);
insert into tried values
  ('run', 'select * from public.get_invocation(invocation_id => %1$L)'),
  ('run', 'select * from public.annotate_invocation(invocation_id => %1$L, note => ''Mine.'')'),
  ('run', 'select * from public.annotate_invocation(invocation_id => %1$L, note => null)'),
  ('run', 'select * from public.annotate_invocation(invocation_id => %1$L, note => repeat(''x'', 1001))'),
  ('run', 'select * from public.stop_invocation(invocation_id => %1$L)'),
  ('run', 'select * from public.delete_invocation(invocation_id => %1$L)'),
  ('run', 'select * from public.list_invocations(before_id => %1$L, before_requested_at => now() - interval ''1 day'')'),
  ('mentor', 'select evaluated, candidates from public.evaluate_mentors(user_ids => array[%1$L]::uuid[])'),
  ('mentor', 'select evaluated, candidates from public.evaluate_mentors(user_ids => array[%1$L]::uuid[], dry_run => false)'),
  ('mentor', 'select evaluated, candidates from public.evaluate_mentors(user_ids => array[%1$L]::uuid[], scenarios => ''{birthday}'')'),
  ('mentor', 'select * from public.coordinator_mentor_status(after => %1$L, page_size => 1) where user_id = %1$L'),
  ('mentor', 'select * from public.coordinator_mentor_status() where user_id = %1$L'),
  ('chapter', 'select * from public.coordinator_mentor_status(chapter_id => %1$L)');

create function pg_temp.told_apart(caller uuid, hidden uuid, about text, who text) returns setof text language sql as $$
  select is(
    tests.answer_to(caller, statement, hidden), tests.answer_to(caller, statement, gen_random_uuid()),
    format('%s can''t tell by: %s', who, format(statement, 'id'))
  )
  from tried where tried.about = told_apart.about;
$$;
select is_empty(
  format($$ select statement, answer from tried, tests.answer_to(%L, statement, %L) as answer where answer ~ '^(42|22P)' and answer !~ '^42501' $$, :'admin', :'ended'),
  'the statements are refused for no other reason'
);
select pg_temp.told_apart(:'coordinator', :'ended', 'run', 'a coordinator, of a run that has ended,');
select pg_temp.told_apart(:'coordinator', :'running', 'run', 'a coordinator, of one that is on,');
select pg_temp.told_apart(:'coordinator', :'requested', 'run', 'a coordinator, of one that was asked for,');
select pg_temp.told_apart(:'admin', :'ended', 'run', 'an admin, of a run that has ended,');
select pg_temp.told_apart(:'admin', :'running', 'run', 'an admin, of one that is on,');
select pg_temp.told_apart(:'in_reach', :'ended', 'run', 'a mentor');
select pg_temp.told_apart(:'coordinator', :'of_colleague', 'mentor', 'a coordinator, of a colleague''s mentor,');
select pg_temp.told_apart(:'coordinator', :'stranger', 'mentor', 'a coordinator, of another organisation''s mentor,');
select pg_temp.told_apart(:'admin', :'stranger', 'mentor', 'an admin');
select pg_temp.told_apart(:'in_reach', :'of_colleague', 'mentor', 'a mentor, of another,');
select pg_temp.told_apart(:'in_reach', :'in_reach', 'mentor', 'a mentor, of herself,');
select pg_temp.told_apart(:'coordinator', :'their_chapter', 'chapter', 'a coordinator, of their chapter,');
select pg_temp.told_apart(:'admin', :'their_chapter', 'chapter', 'an admin, of their chapter,');

-- Among others, at the same place.
select is(
  tests.answer_to(:'coordinator', format('select * from public.evaluate_mentors(user_ids => array[%L, %%1$L]::uuid[])', :'in_reach'), :'stranger'),
  tests.answer_to(:'coordinator', format('select * from public.evaluate_mentors(user_ids => array[%L, %%1$L]::uuid[])', :'in_reach'), gen_random_uuid()),
  'nor among others'
);

-- Counts.
select tests.as_caller(:'coordinator');
select is((select count(*) from public.coordinator_mentor_status(page_size => 200)), 1::bigint, 'the list counts the reach and nothing else');
select is((select count(*) from public.list_invocations(page_size => 200)), 0::bigint, 'the runs those that concern the own organisation');
reset role;
select results_eq(
  'select organisation_id, note from scheduler.invocation_notes', format($$ values (%L::uuid, 'Theirs.') $$, :'theirs'), 'and nothing of theirs was touched'
);

-- The same statements, of what is in reach.
select isnt(
  tests.answer_to(:'their_admin', statement, :'ended'), tests.answer_to(:'their_admin', statement, gen_random_uuid()),
  'who may see a run can: ' || format(statement, 'id')
)
from tried where about = 'run' and statement !~ 'list_invocations';
select isnt(
  tests.answer_to(:'admin', statement, :'in_reach'), tests.answer_to(:'admin', statement, gen_random_uuid()),
  'who may see a mentor can: ' || format(statement, 'id')
)
from tried where about = 'mentor' and statement !~ 'birthday|after';

select * from finish();
rollback;
