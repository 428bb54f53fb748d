begin;
select plan(14);

select tests.waiting() as notification \gset
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'held', more => '{"error_code": "QUOTA_EXCEEDED", "retry_after_seconds": 300}')),
  'pending', 'what was not even tried is to be tried'
);
select is(tests.became(:notification), 'pending: QUOTA_EXCEEDED', 'with the reason');
select is((select attempts from scheduler.notifications), 0, 'it is no attempt');
select is((select next_attempt_at from scheduler.notifications), now() + interval '5 minutes', 'it waits as long as the provider wishes');
select is((select outcome from scheduler.push_attempts), 'held', 'the entry says so');

-- A provider that is out of order for long uses up nothing.
create function pg_temp.held_again(notification bigint) returns text language plpgsql as $$
begin
  perform tests.let_time_pass(notification);
  perform tests.claimed();
  return tests.recorded(tests.said(notification, 'held'));
end;
$$;
select is(
  (select array_agg(distinct pg_temp.held_again(:notification)) from generate_series(1, 20)), array['pending'],
  'however often it is held back it is not dead'
);
select is((select attempts from scheduler.notifications), 0, 'and has used up no attempt');
select cmp_ok((select next_attempt_at from scheduler.notifications), '>', now(), 'it is not tried again at once, even where the provider wishes nothing');
select cmp_ok((select next_attempt_at from scheduler.notifications), '<=', now() + interval '2 minutes', 'but soon');

-- At the end of its life.
select tests.let_time_pass(:notification);
select tests.claimed();
update scheduler.notifications set expires_at = now() + interval '10 minutes';
select tests.recorded(tests.said(:notification, 'held', more => '{"retry_after_seconds": 3600}'));
select is((select next_attempt_at from scheduler.notifications), now() + interval '10 minutes', 'a wish never reaches past expires_at');

-- Beside devices that were tried.
select tests.waiting() as both \gset
insert into public.device_tokens (token, user_id) select 'second', user_id from scheduler.notifications where id = :both;
select tests.claimed();
select is(
  tests.recorded(tests.said(:both, 'held'), tests.said(:both, 'sent', 'second')), 'pending',
  'where one device has it and another was held back, the other is still to come'
);
select is((select attempts from scheduler.notifications where id = :both), 1, 'an attempt at one device is an attempt');
select tests.let_time_pass(:both);
create temporary table page on commit drop as
select * from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null);
select is(
  (select json_agg(device ->> 'token')::text from page, json_array_elements(devices) as device where notification_id = :both),
  (select json_agg('token of ' || user_id)::text from scheduler.notifications where id = :both),
  'only the one that was held back is tried next'
);
select is(tests.recorded(tests.said(:both, 'sent')), 'sent', 'and then it is sent');

select * from finish();
rollback;
