-- The whole of a delivery under the dispatcher's own login, which may read no table.

begin;
select plan(5);

select tests.mentor() as mentor \gset
select tests.waiting(:'mentor') as notification \gset
select tests.waiting(tests.mentor()) as refused \gset
do $$
begin
  execute format('grant scheduler_dispatcher to %I', session_user);
end $$;
grant usage on schema extensions to scheduler_dispatcher;

create function pg_temp.as_dispatcher(statement text) returns jsonb
language plpgsql
as $$
declare
  answer jsonb;
begin
  set local role scheduler_dispatcher;
  execute format('select jsonb_agg(row) from (%s) as row', statement) into answer;
  reset role;
  return answer;
end;
$$;

select throws_ok(
  $$ select pg_temp.as_dispatcher('select * from scheduler.notifications') $$, '42501', null, 'the dispatcher may not look into the outbox'
);
select throws_ok(
  $$ select pg_temp.as_dispatcher('select * from public.device_tokens') $$, '42501', null, 'nor at devices'
);
select pg_temp.as_dispatcher($$
  select * from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null)
$$) as page \gset
select is(jsonb_array_length(:'page'), 2, 'but may claim');
select set_eq(
  format($$
    select item ->> 'status' from jsonb_array_elements(pg_temp.as_dispatcher(%L)) as item
  $$, format(
    'select * from public.record_push_results(%L::jsonb)',
    jsonb_build_array(tests.said(:notification, 'sent'), tests.said(:refused, 'invalid_token'))
  )),
  array['sent', 'failed'],
  'and record'
);
select is((select count(*) from scheduler.device), 1::bigint, 'which puts away refused devices');

select * from finish();
rollback;
