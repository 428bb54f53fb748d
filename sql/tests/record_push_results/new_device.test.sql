begin;
select plan(6);

create function pg_temp.devices(notification bigint) returns text language plpgsql as $$
begin
  perform tests.let_time_pass(notification);
  return (
    select string_agg(device ->> 'token', ', ' order by device ->> 'token')
    from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null) as page, json_array_elements(page.devices) as device
    where page.notification_id = notification
  );
end;
$$;
select tests.mentor() as mentor \gset
update public.device_tokens set token = 'phone';

-- While none has it.
select tests.waiting(:'mentor') as notification \gset
select is(pg_temp.devices(:notification), 'phone', 'a push goes to the device there is');
select is(tests.recorded(tests.said(:notification, 'retry', 'phone')), 'pending', 'which fails in passing');
insert into public.device_tokens (token, user_id) values ('tablet', :'mentor');
select is(pg_temp.devices(:notification), 'phone, tablet', 'a device registered meanwhile gets it, too, if none has it');

-- When one has it.
select is(
  tests.recorded(tests.said(:notification, 'sent', 'tablet'), tests.said(:notification, 'retry', 'phone')), 'pending',
  'now one of them has it'
);
insert into public.device_tokens (token, user_id) values ('browser', :'mentor');
select is(pg_temp.devices(:notification), 'phone', 'a device registered when another has it gets nothing');
delete from public.device_tokens where token = 'phone';
select is(pg_temp.devices(:notification), null, 'not even when it is the only one left to be tried');

select * from finish();
rollback;
