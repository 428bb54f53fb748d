begin;
select plan(11);

select tests.waiting() as notification \gset
select tests.waiting() as other \gset
insert into public.device_tokens (token, user_id, disabled_at) values ('put away before', gen_random_uuid(), '2026-01-01');
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'invalid_token', more => '{"error_type": "invalid_token", "error_code": "UNREGISTERED"}')),
  'failed', 'a notification whose only device is refused for good is failed'
);
select is(tests.became(:notification), 'failed: invalid_token', 'with the reason');
select is(
  (select disabled_at from public.device_tokens where user_id = (select user_id from scheduler.notifications where id = :notification)), now(),
  'the device is put away'
);
select is((select count(*) from public.device_tokens where disabled_at is null), 1::bigint, 'and no other');
select is((select disabled_at from public.device_tokens where token = 'put away before'), '2026-01-01', 'what was put away before stays as it is');
select is((select outcome || ' ' || error_code from scheduler.push_attempts), 'invalid_token UNREGISTERED', 'the entry says so');
select is(
  tests.verdict((select user_id from scheduler.notifications where id = :notification), 'inactivity', tests.noon(tests.today() + 60)), 'no_device',
  'who has no other device gets no push any more'
);

-- Beside another device.
insert into public.device_tokens (token, user_id) select 'second', user_id from scheduler.notifications where id = :other;
select tests.let_time_pass(:other);
select tests.claimed();
select is(
  tests.recorded(tests.said(:other, 'invalid_token'), tests.said(:other, 'failed', 'second', '{"error_code": "INVALID_ARGUMENT"}')),
  'failed', 'where no device takes it, it is failed'
);
select alike(tests.became(:other), 'failed: %', 'with a reason');
select is((select disabled_at is null from public.device_tokens where token = 'second'), true, 'only the refused device is put away');

-- Nothing to put away.
select tests.waiting() as third \gset
select tests.claimed();
delete from public.device_tokens;
select is(tests.recorded(tests.said(:third, 'invalid_token')), 'failed', 'a device that is gone already is no error');

select * from finish();
rollback;
