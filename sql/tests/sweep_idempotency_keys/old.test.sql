begin;
select plan(7);

insert into scheduler.idempotency_keys (user_id, idempotency_key, request, used_at)
select gen_random_uuid(), name, '{}', now() - age
from (values ('new', interval '0'), ('of a day', interval '25 hours'), ('older', interval '25 hours 1 second'), ('old', interval '1 year')) as kept (name, age);

select is(scheduler.sweep_idempotency_keys(), 2::bigint, 'keys go an hour after they have lost their force, and it says how many');
select set_eq('select idempotency_key from scheduler.idempotency_keys', array['new', 'of a day'], 'younger ones stay');
select is(scheduler.sweep_idempotency_keys(), 0::bigint, 'they go once');

-- With housekeeping.
update scheduler.idempotency_keys set used_at = now() - interval '2 days' where idempotency_key = 'new';
select is(scheduler.run_housekeeping() ->> 'idempotency_keys', '1', 'housekeeping does it, and says so');
select is((select count(*) from scheduler.idempotency_keys), 1::bigint, 'then it is gone');
update scheduler.idempotency_keys set used_at = now() - interval '2 days';
select scheduler.run_job(job_name => 'housekeeping') as run \gset
select is((select details ->> 'idempotency_keys' from scheduler.invocations where id = :'run'), '1', 'every night');
select is_empty('select * from scheduler.idempotency_keys', 'none is kept for good');

select * from finish();
rollback;
