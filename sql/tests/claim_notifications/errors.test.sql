begin;
select plan(16);

create function pg_temp.claim(batch_size integer, lease interval) returns bigint language sql as $$
  select count(*)
  from public.claim_notifications(batch_size => claim.batch_size, lease => claim.lease, invocation_id => null);
$$;
select tests.waiting() as notification \gset

select throws_ok(
  format('select pg_temp.claim(%s, %L)', batch_size, '1 minute'), '22023', 'batch_size must be between 1 and 10000, not ' || batch_size,
  'a batch_size of ' || batch_size || ' is refused'
)
from unnest(array['0', '-1', '10001', 'null']) as batch_size;
select throws_ok(
  format('select pg_temp.claim(1, %L)', lease), '22023', null,
  'a lease of ' || coalesce(lease, 'null') || ' is refused'
)
from unnest(array['0', '-1 minute', '1 hour 1 second', '-1 millisecond', null]) as lease;
select throws_ok(
  $$ select pg_temp.claim(1, '2 hours') $$, '22023', 'lease must be longer than nothing and at most 1 hour, not 02:00:00',
  'the error names the lease'
);
select alike(tests.hint_of('select pg_temp.claim(0, interval ''1 minute'')'), '%500%', 'the hint shows a batch_size');
select alike(tests.hint_of('select pg_temp.claim(1, null)'), '%2 minutes%', 'the hint shows a lease');
select is(tests.became(:notification), 'pending', 'a refused claim takes nothing');

select is(pg_temp.claim(1, '1 millisecond'), 1::bigint, 'a lease may be short');
select tests.let_time_pass(:notification);
select is(pg_temp.claim(10000, '1 hour'), 1::bigint, 'the longest is an hour, and the largest page 10,000');
select is(pg_temp.claim(1, '1 hour'), 0::bigint, 'an empty outbox is no error');

select * from finish();
rollback;
