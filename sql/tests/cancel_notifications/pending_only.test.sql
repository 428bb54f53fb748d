begin;
select plan(15);

create temporary table present on commit drop as
select status, tests.waiting() as id
from unnest(array['pending', 'sending', 'sent', 'failed', 'dead', 'expired', 'quarantined', 'cancelled']) as status;
select id as pending from present where status = 'pending' \gset
update scheduler.notifications as notification
set
  status = present.status,
  lease_token = case when present.status = 'sending' then gen_random_uuid() end,
  lease_expires_at = case when present.status = 'sending' then now() + interval '1 minute' end
from present where present.id = notification.id;
create temporary table before on commit drop as select * from scheduler.notifications where id <> :pending;

create temporary table answer on commit drop as
select * from scheduler.cancel_notifications(
  notification_ids => array(select id from present), reason => 'written in error'
);
select results_eq(
  'select * from answer',
  format($$ select id, user_id, occurrence_key, 'cancelled' from scheduler.notifications where id = %s $$, :pending),
  'only what is pending is cancelled, and the operator is told what that was'
);
select is(tests.became(:pending), 'cancelled: written in error', 'it is cancelled, with the reason that the operator gives');
select results_eq(
  format('select * from scheduler.notifications where id <> %s order by id', :pending), 'select * from before order by id',
  'what is sending or has ended stays as it is'
);
select is((select due_at from scheduler.notifications where id = :pending), null, 'what is cancelled is never due again');
select is(tests.claimed(), '{}'::bigint[], 'nor claimed');
select is_empty(
  $$ select * from scheduler.cancel_notifications(notification_ids => array(select id from present)) $$, 'a second time there is nothing to cancel'
);
select is_empty(
  $$ select * from scheduler.cancel_notifications(notification_ids => '{}') $$, 'no id is none, not all'
);
select is_empty(
  $$ select * from scheduler.cancel_notifications(notification_ids => array[-1]) $$, 'an id that does not exist is no error'
);

-- What is being sent can be cancelled when it comes back.
select id as sending from present where status = 'sending' \gset
select is(tests.recorded(tests.said(:sending, 'retry')), 'pending', 'what was being sent comes back');
select scheduler.cancel_notifications(notification_ids => array[:sending]);
select is(tests.became(:sending), 'cancelled: cancelled by an operator', 'and then it can be cancelled');
select is((select next_attempt_at from scheduler.notifications where id = :sending), null, 'and waits for nothing any more');

-- Its window.
update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.mentor(joined_on => tests.today() - 40) as mentor \gset
select tests.pushed(:'mentor', now(), 'inactivity') as key \gset
select is(
  (select count(*) from scheduler.scenario_cooldowns where user_id = :'mentor'), 1::bigint, 'an evaluation has opened a window'
);
select scheduler.cancel_notifications(notification_ids => array(select id from scheduler.notifications where user_id = :'mentor'));
select is_empty(
  format('select * from scheduler.scenario_cooldowns where user_id = %L', :'mentor'), 'the window of what is cancelled is released'
);
select is(tests.foreseen(:'mentor', now(), 'inactivity'), null, 'it is not due again on the same day');
select is(tests.foreseen(:'mentor', tests.noon(tests.today() + 1), 'inactivity'), :'key', 'but on the next day, under the same key');

select * from finish();
rollback;
