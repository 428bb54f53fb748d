begin;
select plan(7);

select tests.waiting(due_for => '14 minutes') as notification \gset
select is(tests.status_of('outbox'), 'ok', 'what is due is ok');
update scheduler.notifications set deliver_after = now() - interval '15 minutes', expires_at = now() + interval '1 day';
select is(tests.status_of('outbox'), 'ok', 'for a quarter of an hour');
update scheduler.notifications set deliver_after = now() - interval '15 minutes 1 second';
select is(tests.status_of('outbox'), 'warn', 'due for more than that is a warning');
select matches(tests.detail_of('outbox'), '^1 pending, .*, 1 due for more than a quarter of an hour: nothing is sending$', 'which says how many');
update scheduler.notifications set next_attempt_at = now() + interval '1 hour';
select is(tests.status_of('outbox'), 'ok', 'what waits for its next attempt is not due');
update scheduler.notifications set next_attempt_at = null, deliver_after = now() + interval '1 hour';
select is(tests.status_of('outbox'), 'ok', 'nor what waits for the morning');
update scheduler.notifications set deliver_after = now() - interval '1 day', status = 'sent';
select is(tests.status_of('outbox'), 'ok', 'nor what was sent');

select * from finish();
rollback;
