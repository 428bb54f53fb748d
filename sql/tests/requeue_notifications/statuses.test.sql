begin;
select plan(6);

create temporary table ended on commit drop as
select status, tests.waiting() as id from unnest(array['dead', 'quarantined', 'failed', 'expired', 'sent', 'cancelled']) as status;
update scheduler.notifications as notification set status = ended.status from ended where ended.id = notification.id;

select set_eq(
  $$ select notification_id from scheduler.requeue_notifications(statuses => array['expired']) $$,
  $$ select id from ended where status = 'expired' $$,
  'what expired is brought back when it is asked for'
);
select set_eq(
  $$
    select notification_id
    from scheduler.requeue_notifications(
      notification_ids => array(select id from ended where status in ('failed', 'dead')), statuses => array['failed', 'dead']
    )
  $$,
  $$ select id from ended where status in ('failed', 'dead') $$,
  'what failed is brought back when it is asked for, beside others'
);
select is_empty(
  $$ select * from scheduler.requeue_notifications(notification_ids => '{}') $$, 'no id is none, not all'
);
select is(
  (select status from scheduler.notifications where id = (select id from ended where status = 'quarantined')), 'quarantined',
  'what was not asked for stays as it is'
);
select is(
  (select array_agg(status order by status) from scheduler.notifications where id in (select id from ended where status in ('sent', 'cancelled'))),
  array['cancelled', 'sent'], 'what is sent or cancelled is never brought back by asking for others'
);
select is((select count(*) from scheduler.scenario_cooldowns), 5::bigint, 'bringing back opens no window and releases none');

select * from finish();
rollback;
