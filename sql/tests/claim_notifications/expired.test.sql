begin;
select plan(10);

select tests.waiting(due_for => '72 hours') as just_now \gset
select tests.waiting(due_for => '100 hours') as long_ago \gset
select tests.waiting(due_for => '10 minutes', ttl => '10 minutes 1 second') as in_time \gset
update scheduler.organisation_settings set quiet_start = null, quiet_end = null;

select is(tests.claimed(batch_size => 1), array[:in_time]::bigint[], 'what expires in a second is sent still, and what has expired takes no place');
select is(tests.became(:long_ago), 'expired: not_sent_in_time', 'what was not sent in time is expired');
select is(tests.became(:just_now), 'expired: not_sent_in_time', 'at the very moment of expires_at, too');
select is((select sum(attempts) from scheduler.notifications where status = 'expired'), 0::bigint, 'what expires has no attempt');
select is((select count(*) from scheduler.scenario_cooldowns where notification_id = :long_ago), 1::bigint, 'what expires keeps its window');
select is(
  tests.foreseen((select user_id from scheduler.notifications where id = :long_ago), tests.noon(tests.today() + 1), 'inactivity'), null,
  'and is not due again on the next day'
);

-- After attempts.
select tests.waiting() as refused \gset
select tests.claimed();
select tests.recorded(tests.said(:refused, 'retry'));
update scheduler.notifications set expires_at = now(), deliver_after = now() - interval '1 hour' where id = :refused;
select tests.let_time_pass(:refused);
select tests.waiting() as unknown \gset
update scheduler.notifications set status = 'sending', attempts = 1, lease_expires_at = now(), deliver_after = now() - interval '1 hour', expires_at = now() where id = :unknown;
select is(tests.claimed(), '{}'::bigint[], 'what expires between two attempts is not tried again');
select is(tests.became(:refused), 'expired: not_sent_in_time', 'it is expired, whatever went wrong before');
select is(tests.became(:unknown), 'expired: not_sent_in_time', 'so is what expires while nobody knows whether it left');
select is(
  (select count(*) from scheduler.notifications where status = 'expired' and (lease_token is not null or lease_expires_at is not null or next_attempt_at is not null)),
  0::bigint, 'and nothing is left of lease and retry'
);

select * from finish();
rollback;
