begin;
select plan(17);

create temporary table drawn on commit drop as
select attempt, scheduler.retry_delay(attempt => attempt, wished_seconds => 0) as delay
from generate_series(1, 8) as attempt, generate_series(1, 200);

select ok(
  min(delay) >= interval '1 minute' * 3 ^ (attempt - 1) * 0.75 and max(delay) <= interval '1 minute' * 3 ^ (attempt - 1) * 1.25,
  'after attempt ' || attempt || ', three times as long as before, a quarter more or less'
)
from drawn where attempt <= 7 group by attempt order by attempt;
select cmp_ok(
  (select count(distinct delay) from drawn where attempt = 1), '>', 100::bigint, 'no two wait for the same time'
);
select is(
  (select bool_and(delay < interval '1 day') from drawn where attempt = 8), true, 'no wait is longer than a day'
);

select is(scheduler.retry_delay(attempt => 1, wished_seconds => 7200), interval '2 hours', 'what the provider wishes is honoured where it is longer');
select cmp_ok(scheduler.retry_delay(attempt => 3, wished_seconds => 1), '>=', interval '6 minutes', 'and makes nothing shorter');
select cmp_ok(scheduler.retry_delay(attempt => 1, wished_seconds => -10), '>', interval '0', 'not even a wish below zero');
select cmp_ok(scheduler.retry_delay(attempt => 1, wished_seconds => -1e300), '<', interval '2 minutes', 'however far below');
select cmp_ok(scheduler.retry_delay(attempt => 1, wished_seconds => 1e300), '<=', interval '30 days', 'an absurd wish is no error');
select cmp_ok(
  scheduler.retry_delay(attempt => 2), '<=', interval '1 minute' * 3.75, 'a provider that wishes nothing makes nothing longer'
);
select isnt(
  scheduler.retry_delay(attempt => 2), scheduler.retry_delay(attempt => 2), 'nor the same for all'
);
select cmp_ok(scheduler.retry_delay(attempt => 0), '>', interval '0', 'there is no attempt without a wait');

select * from finish();
rollback;
