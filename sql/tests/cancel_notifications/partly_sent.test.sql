begin;
select plan(8);

select tests.waiting() as notification \gset
insert into public.device_tokens (token, user_id) select 'second', user_id from scheduler.notifications;
select tests.claimed();
select tests.recorded(tests.said(:notification, 'sent'), tests.said(:notification, 'retry', 'second'));

select results_eq(
  format('select notification_id, status from scheduler.cancel_notifications(notification_ids => array[%s])', :notification),
  format($$ values (%s::bigint, 'sent') $$, :notification),
  'what one device has stays sent, and the operator is told'
);
select is(tests.became(:notification), 'sent: cancelled by an operator', 'with the reason why the other device doesn''t get it');
select is((select sent_at from scheduler.notifications), now(), 'it says since when');
select is((select count(*) from scheduler.scenario_cooldowns), 1::bigint, 'its window stays');
select tests.let_time_pass(:notification);
select is(tests.claimed(), '{}'::bigint[], 'it is not sent to the other device');
select is(
  tests.foreseen((select user_id from scheduler.notifications), tests.noon(tests.today() + 1), 'inactivity'), null,
  'nor is it due again'
);
select is_empty($$ select * from scheduler.cancel_notifications(scenario_type => 'inactivity') $$, 'it can''t be cancelled a second time');
select throws_ok(
  format($$ select * from scheduler.requeue_notifications(notification_ids => array[%s]) $$, :notification), '22023', null,
  'nor brought back'
);

select * from finish();
rollback;
