begin;
select plan(5);

create table public.visits (who uuid, day date, cancelled_on date, kind text);
create index on public.visits (who, day);

select throws_ok(
  $$select scheduler.track_activity('public.visits', 'who', 'day', counts => 'cancelled_on > current_date')$$, '42P17', null,
  'a condition that changes with the day is refused: nobody would be folded when the day comes'
);
select throws_ok(
  $$select scheduler.track_activity('public.visits', 'who', 'day', counts => 'exists (select from public.staff)')$$, '0A000', null,
  'a condition on other tables is refused'
);
select throws_ok(
  $$select scheduler.track_activity('public.visits', 'who', 'day', counts => 'true) or (true')$$, '42601', null,
  'a condition that breaks out of its brackets is refused'
);
select is_empty($$select 1 from scheduler.tracked_sources where source = 'public.visits'::regclass$$, 'nothing is tracked after a refusal');
select lives_ok(
  $$select scheduler.track_activity('public.visits', 'who', 'day', counts => 'cancelled_on is null and kind <> ''other''')$$,
  'a condition on the row alone is taken'
);

select * from finish();
rollback;
