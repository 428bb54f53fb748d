begin;
select plan(25);

-- Minutes until the next attempt, after a number of attempts; what the provider wishes in seconds.
create function pg_temp.waits_for(attempts integer, wish numeric default null, ttl interval default '72 hours') returns numeric
language plpgsql
as $$
declare
  notification bigint := tests.waiting(due_for => '1 minute', ttl => ttl);
begin
  update scheduler.notifications set attempts = waits_for.attempts - 1 where id = notification;
  perform tests.claimed();
  perform tests.recorded(tests.said(notification, 'retry', more => jsonb_strip_nulls(jsonb_build_object('retry_after_seconds', wish))));
  return (select extract(epoch from next_attempt_at - now()) / 60 from scheduler.notifications where id = notification);
end;
$$;

select tests.waiting() as notification \gset
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'retry', more => '{"error_type": "provider_error", "error_code": "UNAVAILABLE"}')),
  'pending', 'what failed in passing is to be tried again'
);
select is(tests.became(:notification), 'pending: UNAVAILABLE', 'the reason is what the provider said');
select unnest(array[
  is(attempts, 1, 'the attempt counts'),
  is(sent_at, null, 'it is not sent'),
  is(lease_token, null, 'the lease is given back')
])
from scheduler.notifications where id = :notification;
select results_eq(
  'select outcome, error_type, error_code from scheduler.push_attempts', $$ values ('retry', 'provider_error', 'UNAVAILABLE') $$,
  'the entry says what was wrong'
);
select is(tests.claimed(), '{}'::bigint[], 'it is not tried again at once');
select tests.let_time_pass(:notification);
select is(tests.claimed(), array[:notification]::bigint[], 'but when its time has come');
select is(tests.recorded(tests.said(:notification, 'retry')), 'pending', 'a retry without a reason is one, too');
select is(tests.became(:notification), 'pending: to_be_tried_again', 'and has a reason of its own');
delete from scheduler.notifications;
delete from scheduler.scenario_cooldowns;

-- Three times as long each time, a quarter more or less.
create temporary table waited on commit drop as
select attempts, pg_temp.waits_for(attempts, wish => 0) as minutes
from generate_series(1, 7) as attempts, generate_series(1, 20);
select ok(
  min(minutes) >= 3 ^ (attempts - 1) * 0.75 and max(minutes) <= 3 ^ (attempts - 1) * 1.25,
  'after attempt ' || attempts || ' it waits for ' || 3 ^ (attempts - 1) || ' minutes, a quarter more or less'
)
from waited
group by attempts
order by attempts;
select is(
  (select count(distinct minutes) > 10 from waited where attempts = 3), true,
  'not all for the same time, so that they don''t come back together'
);

-- What the provider wishes.
select cmp_ok(pg_temp.waits_for(2), '<=', 3.75, 'a provider that wishes nothing makes nothing longer');
select is(pg_temp.waits_for(1, wish => 3600), 60::numeric, 'Retry-After is honoured where it is longer');
select cmp_ok(pg_temp.waits_for(3, wish => 60), '>=', 6.75, 'and makes nothing shorter');
select cmp_ok(pg_temp.waits_for(1, wish => 0), '>=', 0.75, 'not even if it says at once');

-- Its life has an end.
select is(round(pg_temp.waits_for(5, ttl => '11 minutes')), 10::numeric, 'a retry is never past expires_at');
select is(round(pg_temp.waits_for(1, wish => 86400, ttl => '11 minutes')), 10::numeric, 'not even if the provider wishes it');
select is(round(pg_temp.waits_for(1, wish => 1e30)), 60 * 72::numeric - 1, 'an absurd wish is no error');

select * from finish();
rollback;
