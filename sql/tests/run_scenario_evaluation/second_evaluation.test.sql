begin;
select plan(11);

select tests.mentor(joined_on => '2026-01-01') as silent \gset
select tests.mentor() as busy \gset
select tests.active_on(:'busy', '2026-03-09');
select tests.mentor() as certified \gset
select tests.certified_until(:'certified', '2026-03-20');
select tests.active_on(:'certified', '2026-03-10');

select set_eq(
  $$ select occurrence_key from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01') $$,
  array['inactivity:2026-01-01:1', 'milestone:1', 'expiry:2026-03-20:30'],
  'a first evaluation finds what is due'
);
create temporary table outbox on commit drop as select * from scheduler.notifications;
create temporary table opened on commit drop as select * from scheduler.scenario_cooldowns;

select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01') $$,
  'a second evaluation of the same moment finds nothing'
);
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 23:00+01') $$,
  'an evaluation later on the same day finds nothing'
);
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 00:30+01') $$,
  'an evaluation of an earlier moment of the same day finds nothing'
);
select is_empty(
  format($$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', user_ids => array[%L]::uuid[]) $$, :'silent'),
  'a second evaluation of a single mentor finds nothing'
);
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01', scenarios => array['expiry']) $$,
  'a second evaluation of a single scenario finds nothing'
);
select results_eq('select * from scheduler.notifications order by id', 'select * from outbox order by id', 'the outbox is as the first evaluation left it');
select results_eq('select * from scheduler.scenario_cooldowns order by id', 'select * from opened order by id', 'the windows are as the first evaluation left them');

-- On other days, too, an occurrence is done once it is in the outbox.
update scheduler.notifications
set status = case scenario_type when 'inactivity' then 'sent' when 'milestone' then 'failed' else 'dead' end;
select is(
  tests.foreseen(:'certified', '2026-03-12 07:00+01', 'expiry'), null,
  'an occurrence is done whatever became of its notification, as long as that was not cancelled'
);
delete from scheduler.scenario_cooldowns;
select is_empty(
  $$ select * from public.run_scenario_evaluation(as_of => '2026-03-10 07:00+01') $$,
  'a notification of the same day is not written twice even where its window is gone'
);
select results_eq(
  'select user_id, occurrence_key from scheduler.notifications order by id', 'select user_id, occurrence_key from outbox order by id',
  'and that is no error'
);

select * from finish();
rollback;
