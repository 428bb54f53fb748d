begin;
select plan(6);

select tests.mentor(id => 'cccccccc-0000-4000-8000-000000000000') as mentor \gset

select throws_ok(
  $$ select * from public.explain_scenario_evaluation('dddddddd-0000-4000-8000-000000000000') $$,
  'P0002', 'no mentor dddddddd-0000-4000-8000-000000000000 on the roster',
  'a mentor who is not on the roster is an error that names the id'
);
select alike(
  tests.hint_of($$ select * from public.explain_scenario_evaluation('dddddddd-0000-4000-8000-000000000000') $$), '%peer_mentors%',
  'the hint says where to look'
);
select throws_ok(
  $$ select * from public.explain_scenario_evaluation(null) $$,
  '22004', 'user_id must not be null',
  'a mentor of null is refused'
);
select isnt(
  tests.hint_of($$ select * from public.explain_scenario_evaluation(null) $$), '',
  'and the error has a hint'
);
select lives_ok(
  $$ select * from explain_scenario_evaluation('cccccccc-0000-4000-8000-000000000000') $$,
  'the mentor''s id is all that it takes'
);
delete from public.peer_mentors;
select throws_ok(
  $$ select * from public.explain_scenario_evaluation('cccccccc-0000-4000-8000-000000000000') $$,
  'P0002', null,
  'a mentor who has left the roster is an error'
);

select * from finish();
rollback;
