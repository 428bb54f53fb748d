begin;
select plan(16);

select tests.waiting() as one \gset
select tests.waiting() as other \gset
update scheduler.notifications set status_reason = 'timeout' where id = :one;

create temporary table page on commit drop as
select * from public.claim_notifications(
  batch_size => 1, lease => '90 seconds', invocation_id => 'eeeeeeee-0000-4000-8000-000000000001'
);
select unnest(array[
  is(notification.status, 'sending', 'what is claimed is sending'),
  is(notification.status_reason, null, 'a reason of before is gone'),
  is(notification.attempts, 1, 'the attempt is counted at the claim'),
  is(page.attempt, 1, 'the sender is told which attempt it is'),
  isnt(page.lease_token, null, 'the sender gets a lease_token'),
  is(notification.lease_token, page.lease_token, 'and the row holds the same'),
  is(notification.lease_expires_at, now() + interval '90 seconds', 'the lease runs from now, by the clock of the database'),
  is(notification.claimed_by, 'eeeeeeee-0000-4000-8000-000000000001', 'the row names the invocation that claimed it'),
  is(notification.sent_at, null, 'it is not sent yet')
])
from page join scheduler.notifications as notification on notification.id = page.notification_id;
select is((select notification_id from page), :one::bigint, 'of two that are due since the same moment the first is the first');
select unnest(array[
  is(attempts, 0, 'what is not claimed has no attempt'),
  is(lease_token, null, 'and no lease')
])
from scheduler.notifications where id = :other;

select is(tests.claimed(), array[:other]::bigint[], 'what is being sent is not claimed again while its lease lasts');
select isnt(
  (select lease_token from scheduler.notifications where id = :other), (select lease_token from page),
  'another claim has another lease_token'
);
update scheduler.notifications set lease_expires_at = now() + interval '1 microsecond' where id = :one;
select is(tests.claimed(), '{}'::bigint[], 'not a microsecond before it ends');
update scheduler.notifications set lease_expires_at = now() where id = :one;
select is(tests.claimed(), array[:one]::bigint[], 'but when it has ended');

select * from finish();
rollback;
