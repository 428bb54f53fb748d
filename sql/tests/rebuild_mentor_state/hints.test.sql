-- A rebuild keeps what evaluations noted, where it still holds, and the next
-- evaluation decides the same after it.

begin;
select plan(6);

select tests.mentor(joined_on => '2026-01-01') as silent \gset
select tests.mentor(joined_on => '2025-01-01') as tenth \gset
select tests.active_on(:'tenth', variadic array(select date '2026-03-08' - n from generate_series(0, 9) as n));
select tests.evaluate(tests.noon('2026-03-10'));

create temp table noted as
select user_id, inactivity_rests_until, inactivity_reminders from scheduler.mentor_state order by user_id;
select is((select inactivity_reminders from noted where user_id = :'silent'), 1, 'an evaluation notes what it reminded of');
select is(scheduler.rebuild_mentor_state(), 0::bigint, 'a rebuild has nothing to correct after it');
select results_eq(
  'select user_id, inactivity_rests_until, inactivity_reminders from scheduler.mentor_state order by user_id', 'select * from noted',
  'and keeps what is noted'
);

truncate scheduler.mentor_state, scheduler.organisation_state;
select is(scheduler.rebuild_mentor_state(), 2::bigint, 'a state that is lost is made anew');
select is_empty('select * from scheduler.verify_mentor_state()', 'as the sources say');
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => tests.noon('2026-03-11')) $$, 'and nobody is notified again'
);

select * from finish();
rollback;
