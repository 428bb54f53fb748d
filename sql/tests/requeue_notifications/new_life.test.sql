begin;
select plan(10);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.waiting(due_for => '100 hours', ttl => '72 hours') as past \gset
select tests.waiting(due_for => '12 hours', ttl => '72 hours') as living \gset
select tests.waiting(due_for => '2 hours', ttl => '1 hour') as short \gset
select tests.claimed();
select is(tests.became(:past), 'expired: not_sent_in_time', 'one has expired');
update scheduler.notifications set status = 'dead', attempts = 8 where id in (:living, :short);

select is(
  (select count(*) from scheduler.requeue_notifications(statuses => array['dead', 'expired'])), 3::bigint, 'all are brought back'
);
select is(
  (select expires_at from scheduler.notifications where id = :past), now() + interval '72 hours',
  'what is past its expires_at gets as long to live as it had'
);
select is(
  (select expires_at from scheduler.notifications where id = :short), now() + interval '1 hour',
  'which may be short'
);
select cmp_ok(
  (select expires_at from scheduler.notifications where id = :living), '>=', now() + interval '60 hours',
  'what has not expired loses nothing'
);
select is(
  (select deliver_after from scheduler.notifications where id = :past), now() - interval '100 hours',
  'deliver_after stays what was decided'
);
select is(tests.claimed(), array[:past, :living, :short]::bigint[], 'and all are sent');
select is(tests.recorded(tests.said(:past, 'retry', more => '{"retry_after_seconds": 0}')), 'pending', 'the new life has attempts of its own');
select cmp_ok((select next_attempt_at from scheduler.notifications where id = :past), '<=', now() + interval '2 minutes', 'which start from the shortest wait');

-- What is no longer true isn't, whoever brings it back.
update scheduler.notifications set status = 'dead' where id = :living;
select tests.active_on(user_id, tests.today()) from scheduler.notifications where id = :living;
select scheduler.requeue_notifications();
select tests.claimed();
select is(tests.became(:living), 'cancelled: active_again', 'what is no longer true is cancelled, even when an operator brings it back');

select * from finish();
rollback;
