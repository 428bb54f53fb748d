-- The same key and request within 24 hours: the same answer, and no second run.

begin;
select plan(32);

select tests.staff() as coordinator \gset
select tests.staff() as colleague \gset
select tests.configured();

create function pg_temp.asked(caller uuid, key text, arguments text default '') returns jsonb language plpgsql as $$
declare
  said record;
begin
  perform tests.as_caller(caller);
  execute format('select answer, replayed from public.request_invocation(%sidempotency_key => %L)', arguments, key) into said;
  reset role;
  return said.answer || jsonb_build_object('replayed', said.replayed);
end;
$$;
create function pg_temp.over() returns void language sql as $$
  update scheduler.invocations set status = 'completed', finished_at = now() where status in ('requested', 'running');
$$;

select pg_temp.asked(:'coordinator', 'a') as first \gset
select is(:'first'::jsonb -> 'replayed', 'false', 'the first request is none that comes again');
select pg_temp.asked(:'coordinator', 'a') as again \gset
select is(:'again'::jsonb -> 'replayed', 'true', 'the second is');
select is(:'again'::jsonb - 'replayed', :'first'::jsonb - 'replayed', 'and gets the same answer, word for word');
select is((select count(*) from scheduler.invocations), 1::bigint, 'there is one run');
select is((select count(*) from net.http_request_queue), 1::bigint, 'and one request to the function');
select pg_temp.over();
select is((pg_temp.asked(:'coordinator', 'a') - 'replayed'), :'first'::jsonb - 'replayed', 'the answer stays the same when the run has ended');
delete from scheduler.invocations;
select is((pg_temp.asked(:'coordinator', 'a') - 'replayed'), :'first'::jsonb - 'replayed', 'and when it was deleted');
select is((select count(*) from scheduler.invocations), 0::bigint, 'without a run anew');

-- Defaults are the same request as the same values, said.
select is(
  pg_temp.asked(:'coordinator', 'a', $$ job_name => 'scenario-evaluation', scenarios => null, dry_run => false, $$) -> 'replayed', 'true',
  'what is said is the same as what is left out'
);

-- Another request.
select throws_ok(
  format($$ select pg_temp.asked(%L, 'a', %L) $$, :'coordinator', arguments), '55000',
  'the idempotency key was used for another request in the last 24 hours', 'the same key for another request is refused: ' || arguments
)
from unnest(array['dry_run => true, ', 'scenarios => ''{expiry}'', ', 'job_name => ''dispatch-backlog'', ', 'job_name => ''birthday'', ', 'scenarios => ''{}'', ']) as arguments;
select is(tests.column_of(format($$ select pg_temp.asked(%L, 'a', 'dry_run => true, ') $$, :'coordinator')), 'idempotency_key', 'by its argument');
select is(tests.hint_of(format($$ select pg_temp.asked(%L, 'a', 'dry_run => true, ') $$, :'coordinator')), 'A new request needs a new key.', 'with what to do');
select is((select count(*) from scheduler.invocations), 0::bigint, 'and begins nothing');

-- Each caller has keys of her own.
select is(pg_temp.asked(:'colleague', 'a') -> 'replayed', 'false', 'the same key of a colleague is another');
select is((select requested_by from scheduler.invocations), :'colleague', 'with a run of hers');
select pg_temp.over();
select is(pg_temp.asked(:'colleague', 'a') -> 'replayed', 'true', 'which has its own answer');
select isnt(pg_temp.asked(:'colleague', 'a') ->> 'id', :'first'::jsonb ->> 'id', 'and not that of the other');
select is(pg_temp.asked(:'coordinator', 'A') -> 'replayed', 'false', 'a key in capitals is another');
select pg_temp.over();
select is((select count(*) from scheduler.idempotency_keys), 3::bigint, 'a key is kept once');

-- A day later.
update scheduler.idempotency_keys set used_at = now() - interval '24 hours' where user_id = :'coordinator' and idempotency_key = 'a';
select is(pg_temp.asked(:'coordinator', 'a') -> 'replayed', 'true', 'a key holds for 24 hours');
update scheduler.idempotency_keys set used_at = now() - interval '24 hours 1 second' where user_id = :'coordinator' and idempotency_key = 'a';
select is(pg_temp.asked(:'coordinator', 'a') -> 'replayed', 'false', 'and no longer');
select is((select used_at from scheduler.idempotency_keys where user_id = :'coordinator' and idempotency_key = 'a'), now(), 'then it begins anew');
select pg_temp.over();
update scheduler.idempotency_keys set used_at = now() - interval '25 hours' where user_id = :'coordinator' and idempotency_key = 'a';
select is(pg_temp.asked(:'coordinator', 'a', 'dry_run => true, ') -> 'replayed', 'false', 'also for another request');

-- What failed is not kept.
select throws_ok(format($$ select pg_temp.asked(%L, 'b', 'dry_run => true, ') $$, :'coordinator'), '55000', null, 'a request that is refused gets no run');
select is_empty($$ select * from scheduler.idempotency_keys where idempotency_key = 'b' $$, 'and its key is free still');
select pg_temp.over();
select is(pg_temp.asked(:'coordinator', 'b', 'dry_run => true, ') -> 'replayed', 'false', 'so the same can be asked again');
select is((select answer is not null from scheduler.idempotency_keys where idempotency_key = 'b'), true, 'and is kept then');
delete from public.staff where user_id = :'coordinator';
select throws_ok(format($$ select pg_temp.asked(%L, 'a', 'dry_run => true, ') $$, :'coordinator'), '42501', 'this is for staff', 'who is no longer staff gets no answer again either');

select * from finish();
rollback;
