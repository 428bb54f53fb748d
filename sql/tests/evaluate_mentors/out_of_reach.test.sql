-- One mentor out of reach, and nobody is evaluated.

begin;
select plan(19);

select tests.organisation() as theirs \gset
select tests.staff() as coordinator \gset
select tests.staff('admin') as admin \gset
select tests.mentor(joined_on => tests.today() - 40) as mine \gset
select tests.mentor(joined_on => tests.today() - 40) as also_mine \gset
select tests.mentor(joined_on => tests.today() - 40) as of_colleague \gset
select tests.mentor(joined_on => tests.today() - 40, organisation_id => :'theirs') as stranger \gset
select tests.assigned(:'coordinator', :'mine', :'also_mine', :'stranger');

create function pg_temp.evaluated(caller uuid, variadic ids uuid[]) returns integer language plpgsql as $$
declare
  answer integer;
begin
  perform tests.as_caller(caller);
  answer := (select evaluated from public.evaluate_mentors(user_ids => ids, dry_run => false));
  reset role;
  return answer;
end;
$$;
create temporary table before on commit drop as select * from tests.engine_contents();

select throws_ok(
  format('select pg_temp.evaluated(%L, %L, %L, %L)', :'coordinator', :'mine', :'of_colleague', :'also_mine'), '22023', 'user_ids[1] is no mentor in your reach',
  'one of a colleague among one''s own is refused, by the place in the list'
);
select throws_ok(
  format('select pg_temp.evaluated(%L, %L, %L, %L)', :'coordinator', :'mine', gen_random_uuid(), :'also_mine'), '22023', 'user_ids[1] is no mentor in your reach',
  'an id of nobody in the same words'
);
select throws_ok(
  format('select pg_temp.evaluated(%L, %L, %L, %L)', :'coordinator', :'mine', :'stranger', :'also_mine'), '22023', 'user_ids[1] is no mentor in your reach',
  'and one of another organisation, assigned or not'
);
select throws_ok(format('select pg_temp.evaluated(%L, %L, null)', :'coordinator', :'mine'), '22023', 'user_ids[1] is no mentor in your reach', 'and no id');
select throws_ok(
  format('select pg_temp.evaluated(%L, %L, %L)', :'coordinator', :'stranger', :'of_colleague'), '22023', 'user_ids[0] is no mentor in your reach', 'of several the first is named'
);
select is(
  tests.column_of(format('select pg_temp.evaluated(%L, %L, %L)', :'coordinator', :'mine', :'stranger')), 'user_ids/1', 'the error names the place for programs too'
);
select is(
  tests.hint_of(format('select pg_temp.evaluated(%L, %L, %L)', :'coordinator', :'mine', :'stranger')), 'Take it out; nothing was evaluated.', 'with what to do'
);
select unalike(
  tests.answer_to(:'coordinator', format('select * from public.evaluate_mentors(user_ids => array[%L, %L]::uuid[])', :'mine', :'stranger')), '%' || :'stranger' || '%',
  'the id is not repeated'
);
select results_eq('select * from tests.engine_contents()', 'select * from before', 'nobody was evaluated, and nothing written');
select throws_ok(format('select pg_temp.evaluated(%L, %L)', :'admin', :'stranger'), '22023', 'user_ids[0] is no mentor in your reach', 'an admin reaches nobody of another organisation');
select is(pg_temp.evaluated(:'admin', :'mine', :'of_colleague'), 2, 'but all of her own');
select is(pg_temp.evaluated(:'coordinator', :'mine', :'also_mine'), 2, 'a coordinator those whom she follows up');

-- Who asks is looked at first.
select throws_ok(format('select pg_temp.evaluated(%L, %L)', :'mine', :'mine'), '42501', 'this is for staff', 'mentors evaluate nobody, not even themselves');
select throws_ok(format('select pg_temp.evaluated(%L, %L)', gen_random_uuid(), :'mine'), '42501', 'this is for staff', 'nor does somebody unknown');
select throws_ok(format('select pg_temp.evaluated(%L, null)', :'mine'), '42501', 'this is for staff', 'whatever they ask about');
delete from public.coordinator_assignments where peer_mentor_id = :'mine';
select throws_ok(format('select pg_temp.evaluated(%L, %L)', :'coordinator', :'mine'), '22023', 'user_ids[0] is no mentor in your reach', 'an assignment that is taken away ends it');
delete from public.staff where user_id = :'coordinator';
select throws_ok(format('select pg_temp.evaluated(%L, %L)', :'coordinator', :'also_mine'), '42501', 'this is for staff', 'so does the end of being staff');
select tests.staff('coordinator', id => :'coordinator');
select is(pg_temp.evaluated(:'coordinator', :'also_mine'), 1, 'and nothing else');
select is((select count(*) from scheduler.invocations), 3::bigint, 'each that was done is one run');

select * from finish();
rollback;
