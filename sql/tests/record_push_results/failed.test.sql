begin;
select plan(7);

select tests.waiting() as notification \gset
select tests.waiting() as without_reason \gset
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'failed', more => '{"error_type": "provider_error", "error_code": "INVALID_ARGUMENT"}')),
  'failed', 'what never will arrive is failed'
);
select is(tests.became(:notification), 'failed: INVALID_ARGUMENT', 'the reason is what the provider said');
select is(tests.recorded(tests.said(:without_reason, 'failed')), 'failed', 'a failure without a reason is one, too');
select is(tests.became(:without_reason), 'failed: refused', 'and has a reason of its own');
select is(tests.claimed(), '{}'::bigint[], 'what failed is not claimed again');
select is((select count(*) from scheduler.scenario_cooldowns), 2::bigint, 'what failed keeps its window');
select is((select count(*) from scheduler.device), 2::bigint, 'a message that is refused says nothing against the device');

select * from finish();
rollback;
