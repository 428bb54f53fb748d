begin;
select plan(25);

create temporary table present on commit drop as
select status, tests.waiting() as id
from unnest(array['pending', 'sending', 'sent', 'failed', 'expired', 'cancelled', 'dead']) as status;
update scheduler.notifications as notification set status = present.status from present where present.id = notification.id;
create temporary table before on commit drop as select * from scheduler.notifications;
select id as dead from present where status = 'dead' \gset

select throws_ok(
  format('select * from scheduler.requeue_notifications(notification_ids => array[%s, %s])', :dead, id), '22023',
  'can''t bring back notification ' || id || ', which is ' || status,
  'an id that is refused is named: ' || status
)
from present where status <> 'dead';
select throws_ok(
  format('select * from scheduler.requeue_notifications(notification_ids => array[%s, -1])', :dead), '22023',
  'can''t bring back notification -1, which does not exist', 'an id that does not exist is refused'
);
select throws_ok(
  format('select * from scheduler.requeue_notifications(notification_ids => array[%s, null])', :dead), '22023', null,
  'an id of null is refused'
);
select alike(
  tests.hint_of(format('select * from scheduler.requeue_notifications(notification_ids => array[%s])', id)), '%Nothing was changed%statuses%',
  'the hint says that nothing was changed, and how to ask for others: ' || status
)
from present where status in ('sent', 'failed');
select throws_ok(
  format('select * from scheduler.requeue_notifications(notification_ids => array[%s], statuses => array[''expired''])', :dead), '22023', null,
  'what is dead is refused where only expired ones are asked for'
);

-- Statuses.
select throws_ok(
  format('select * from scheduler.requeue_notifications(statuses => array[''dead'', %L])', status), '22023',
  'notifications that are ' || quote_literal(status) || ' can''t be brought back',
  'never to be brought back is what is ' || status
)
from unnest(array['sent', 'pending', 'sending', 'cancelled', 'lost']) as status;
select throws_ok(
  format('select * from scheduler.requeue_notifications(statuses => %s)', statuses), '22023', null,
  'refused are statuses of ' || statuses
)
from unnest(array['null', '''{}''', 'array[null]']) as statuses;
select alike(
  tests.hint_of(format('select * from scheduler.requeue_notifications(statuses => array[%L])', status)),
  '%dead, quarantined, failed and expired%', 'the hint lists what can be asked for instead of ' || status
)
from unnest(array['sent', 'lost']) as status;
select throws_ok(
  format(
    'select * from scheduler.requeue_notifications(notification_ids => array[%s], statuses => array[''sent''])',
    (select id from present where status = 'sent')
  ), '22023', null, 'what is sent is refused even by id'
);
select throws_ok(
  format(
    'select * from scheduler.requeue_notifications(notification_ids => array[%s], statuses => array[''cancelled''])',
    (select id from present where status = 'cancelled')
  ), '22023', null, 'what is cancelled is refused even by id: its window is released, so it may be due anew'
);

select results_eq(
  'select * from scheduler.notifications order by id', 'select * from before order by id', 'and nothing was changed'
);
select is((select status from scheduler.notifications where id = :dead), 'dead', 'not even what could have been brought back');

select * from finish();
rollback;
