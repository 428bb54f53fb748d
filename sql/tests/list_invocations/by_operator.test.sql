-- What an operator evaluates for some organisations or mentors concerns these, like what staff ask for.

begin;
select plan(11);

select tests.organisation() as own \gset
select tests.organisation() as theirs \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.staff('coordinator', :'theirs') as their_coordinator \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as mine \gset
select tests.mentor(organisation_id => :'theirs', joined_on => tests.today() - 40) as stranger \gset

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

select gen_random_uuid() as of_organisation, gen_random_uuid() as of_mentor, gen_random_uuid() as of_both, gen_random_uuid() as of_scenario \gset
select count(*) from public.run_scenario_evaluation(invocation_id => :'of_organisation', organisation_ids => array[:'theirs']::uuid[], scenarios => '{expiry}');
select results_eq(
  'select organisation_ids, scenarios from scheduler.invocations', format($$ values (array[%L]::uuid[], '{expiry}'::text[]) $$, :'theirs'),
  'the ledger says for which organisations and scenarios'
);
select is(pg_temp.listed(:'coordinator'), '{}', 'one of their organisation is not shown to others');
select is(pg_temp.listed(:'their_coordinator'), array[:'of_organisation']::uuid[], 'but to them');
delete from scheduler.invocations;

select count(*) from public.run_scenario_evaluation(invocation_id => :'of_mentor', user_ids => array[:'stranger']::uuid[]);
select is((select organisation_ids from scheduler.invocations), array[:'theirs']::uuid[], 'one of a mentor concerns her organisation');
select is(pg_temp.listed(:'coordinator'), '{}', 'and no other');
select is(pg_temp.listed(:'their_coordinator'), array[:'of_mentor']::uuid[], 'which sees it');
delete from scheduler.invocations;

select count(*) from public.run_scenario_evaluation(invocation_id => :'of_both', user_ids => array[:'mine', :'stranger']::uuid[]);
select is(pg_temp.listed(:'coordinator') || pg_temp.listed(:'their_coordinator'), array[:'of_both', :'of_both']::uuid[], 'one of mentors of both is shown to both');
delete from scheduler.invocations;

select count(*) from public.run_scenario_evaluation(invocation_id => :'of_scenario', scenarios => '{milestone}');
select is((select organisation_ids from scheduler.invocations), null, 'one of a scenario concerns everybody');
select is((select scenarios from scheduler.invocations), '{milestone}', 'and says which');
select is(pg_temp.listed(:'coordinator'), array[:'of_scenario']::uuid[], 'and is shown to everybody''s staff');
select count(*) from public.run_scenario_evaluation(user_ids => '{}');
select is(pg_temp.listed(:'coordinator'), array[:'of_scenario']::uuid[], 'one of nobody concerns nobody');

select * from finish();
rollback;
