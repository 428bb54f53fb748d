begin;
select plan(17);

select tests.waiting() as notification \gset
select tests.claimed();
create temporary table answer on commit drop as
select * from public.record_push_results(
  results => jsonb_build_array(tests.said(
    :notification, 'sent',
    more => '{"provider": "fcm", "platform": "ios", "message_id": "projects/p/messages/1"}'
  )),
  invocation_id => 'eeeeeeee-0000-4000-8000-000000000001'
);
select results_eq('select * from answer', format($$ values (%s::bigint, 'sent', true) $$, :notification), 'the sender is told what became of it');
select unnest(array[
  is(status, 'sent', 'what a device has is sent'),
  is(status_reason, null, 'which needs no reason'),
  is(sent_at, now(), 'the row says when'),
  is(attempts, 1, 'and at which attempt'),
  is(lease_token, null, 'the lease is given back'),
  is(lease_expires_at, null, 'with its end'),
  is(due_at, null, 'it is never due again')
])
from scheduler.notifications where id = :notification;
select is(tests.claimed(), '{}'::bigint[], 'what is sent is not claimed again');
select unnest(array[
  is(notification_id, :notification::bigint, 'an entry says of which notification it is'),
  is(attempt, 1, 'of which attempt'),
  is(outcome, 'sent', 'what became of it'),
  is(provider || ' ' || platform, 'fcm ios', 'at which provider and platform'),
  is(provider_message_id, 'projects/p/messages/1', 'under which id at the provider'),
  is(invocation_id, 'eeeeeeee-0000-4000-8000-000000000001', 'by which invocation'),
  is(attempted_at, now(), 'and when')
])
from scheduler.push_attempts;
select is((select count(*) from scheduler.scenario_cooldowns), 1::bigint, 'what is sent keeps its window');

select * from finish();
rollback;
