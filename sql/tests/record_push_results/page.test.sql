begin;
select plan(6);

create temporary table page on commit drop as
select tests.waiting() as id, outcome
from unnest(array['sent', 'retry', 'failed', 'invalid_token', 'held', 'unknown']) as outcome;
select tests.claimed();
create temporary table answer on commit drop as
select * from public.record_push_results(results => (select jsonb_agg(tests.said(id, outcome)) from page));

select results_eq(
  'select outcome, answer.status from page join answer on notification_id = id order by outcome',
  $$ values ('failed', 'failed'), ('held', 'pending'), ('invalid_token', 'failed'), ('retry', 'pending'), ('sent', 'sent'), ('unknown', 'pending') $$,
  'a page is recorded at once, each notification by its own outcome'
);
select is((select bool_and(recorded) from answer), true, 'the sender is told that all is recorded');
select results_eq(
  'select notification_id, outcome from scheduler.push_attempts order by 1',
  'select id, outcome from page order by 1',
  'every outcome has an entry'
);
select is_empty(
  $$ select id, status from scheduler.notifications where status <> 'sent' and status_reason is null $$,
  'every non-send has a reason in a row'
);
select is((select count(*) from scheduler.scenario_cooldowns), 6::bigint, 'and none of them releases its window');

select is_empty($$ select * from public.record_push_results(results => '[]') $$, 'an empty page is no error');

select * from finish();
rollback;
