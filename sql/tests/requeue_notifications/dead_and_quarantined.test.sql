begin;
select plan(13);

create temporary table ended on commit drop as
select status, tests.waiting() as id
from unnest(array['dead', 'quarantined', 'dead', 'failed', 'expired', 'sent', 'cancelled']) as status;
update scheduler.notifications as notification
set status = ended.status, status_reason = 'test', attempts = 8
from ended where ended.id = notification.id;
select tests.waiting() as waiting \gset

-- The given ones.
select min(id) as first from ended where status = 'dead' \gset
create temporary table answer on commit drop as
select * from scheduler.requeue_notifications(notification_ids => array[:first]);
select results_eq(
  'select * from answer',
  format($$ select id, user_id, scenario_type, now() from scheduler.notifications where id = %s $$, :first),
  'the operator is told what was brought back, and from when on it may be sent'
);
select unnest(array[
  is(status, 'pending', 'what is brought back waits in the outbox again'),
  is(status_reason, 'requeued by an operator', 'with a reason'),
  is(attempts, 0, 'and new attempts')
])
from scheduler.notifications where id = :first;
select is(
  (select count(*) from scheduler.notifications where status = 'pending'), 2::bigint, 'only what was asked for is brought back'
);

-- All.
select set_eq(
  $$ select notification_id from scheduler.requeue_notifications(reason => 'provider is up again') $$,
  format($$ select id from ended where status in ('dead', 'quarantined') and id <> %s $$, :first),
  'without ids, all that is dead or quarantined is brought back'
);
select is(
  (select count(*) from scheduler.notifications where status_reason = 'provider is up again'), 2::bigint,
  'with the reason that the operator gives'
);
select results_eq(
  'select status from scheduler.notifications where id in (select id from ended) order by status',
  $$ values ('cancelled'), ('expired'), ('failed'), ('pending'), ('pending'), ('pending'), ('sent') $$,
  'what failed or expired stays as it is unless it is asked for'
);
select is_empty('select * from scheduler.requeue_notifications()', 'a second time there is nothing to bring back');

-- And then they are sent.
select set_eq(
  'select unnest(tests.claimed())',
  format($$ select id from ended where status in ('dead', 'quarantined') union select %s $$, :waiting),
  'what was brought back is claimed'
);
select is((select max(attempts) from scheduler.notifications where status = 'sending'), 1, 'as a first attempt');
select is(tests.recorded(tests.said(:first, 'sent')), 'sent', 'and can be sent');
select throws_ok(
  format('select * from scheduler.requeue_notifications(notification_ids => array[%s])', :first), '22023',
  'can''t bring back notification ' || :first || ', which is sent', 'and then not be brought back any more'
);

select * from finish();
rollback;
