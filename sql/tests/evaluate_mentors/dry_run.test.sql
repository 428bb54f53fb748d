begin;
select plan(19);

select tests.organisation() as own \gset
select tests.staff('coordinator', :'own') as coordinator \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as silent \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 1) as newcomer \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as opted_out \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as gone \gset
select tests.mentor(organisation_id => :'own', joined_on => tests.today() - 40) as not_asked_for \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled) values (:'opted_out', 'inactivity', false);
update public.peer_mentors set status = 'inactive' where id = :'gone';
select tests.assigned(:'coordinator', :'silent', :'newcomer', :'opted_out', :'gone', :'not_asked_for');
select tests.active_on(:'newcomer', tests.today() - 1);

create temporary table before on commit drop as select * from tests.engine_contents();
select tests.as_caller(:'coordinator');
select invocation_id is null as without_run, evaluated, candidates
from public.evaluate_mentors(user_ids => array[:'silent', :'newcomer', :'opted_out', :'gone']::uuid[]) \gset
reset role;
select results_eq('select * from tests.engine_contents()', 'select * from before', 'who says nothing else only looks: nothing is written');
select ok(:'without_run', 'there is no run');
select is(:evaluated, 3, 'it counts the active mentors that it looked at');
select is(jsonb_array_length(:'candidates'), 2, 'and lists who would get a push');
select is(
  array(select item ->> 'user_id' from jsonb_array_elements(:'candidates'::jsonb) as item),
  array(select id::text from unnest(tests.sorted(:'silent', :'newcomer')) as id), 'in the order of the ids'
);
select unnest(array[
  is(item ->> 'scenario_type', 'inactivity', 'with the scenario'),
  is(item ->> 'occurrence_key', format('inactivity:%s:1', tests.today() - 40), 'the occurrence'),
  is(item ->> 'evaluation_date', tests.today()::text, 'the day'),
  is(item -> 'notification_id', 'null', 'no notification'),
  isnt(item ->> 'title', null, 'and what it would say'),
  is(item ? 'data', false, 'but not the facts it rests on')
])
from jsonb_array_elements(:'candidates'::jsonb) as item where item ->> 'user_id' = :'silent';

-- As a run of the same moment would decide.
select results_eq(
  format('select item ->> ''user_id'', item ->> ''occurrence_key'' from jsonb_array_elements(%L::jsonb) as item order by 1', :'candidates'),
  format(
    $$ select user_id::text, occurrence_key from public.run_scenario_evaluation(dry_run => true, user_ids => array[%L, %L]::uuid[]) order by 1 $$,
    :'silent', :'newcomer'
  ),
  'it decides as every evaluation does'
);

-- Scenarios, and somebody twice.
select tests.as_caller(:'coordinator');
select is(
  (select candidates from public.evaluate_mentors(user_ids => array[:'silent']::uuid[], scenarios => '{expiry}')), '[]', 'only the scenarios that are named are looked at'
);
select is((select jsonb_array_length(candidates) from public.evaluate_mentors(user_ids => array[:'silent']::uuid[], scenarios => '{inactivity,expiry}')), 1, 'one or several');
select is((select evaluated from public.evaluate_mentors(user_ids => array[:'silent', :'silent', :'silent']::uuid[])), 1, 'who is named twice is one');
select is((select jsonb_array_length(candidates) from public.evaluate_mentors(user_ids => array[:'silent', :'silent']::uuid[])), 1, 'with one push');
select is((select evaluated from public.evaluate_mentors(user_ids => array[:'gone']::uuid[])), 0, 'who left is not evaluated');
reset role;

-- Whoever is in reach can be asked about.
select tests.staff('admin', :'own') as admin \gset
select tests.as_caller(:'admin');
select is((select evaluated from public.evaluate_mentors(user_ids => array[:'silent', :'not_asked_for']::uuid[], dry_run => true)), 2, 'an admin asks about anybody of the organisation');
reset role;
select is((select count(*) from scheduler.invocations), 0::bigint, 'and still nothing is in the ledger');

select * from finish();
rollback;
