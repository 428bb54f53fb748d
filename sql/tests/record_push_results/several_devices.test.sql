begin;
select plan(20);

-- A push to a phone, a tablet and a browser.
create function pg_temp.with_devices() returns bigint language plpgsql as $$
declare
  notification bigint := tests.waiting();
begin
  insert into public.device_tokens (token, user_id)
  select device || notification, user_id
  from scheduler.notifications, unnest(array['tablet', 'browser']) as device
  where id = notification;
  update public.device_tokens set token = 'phone' || notification where token like 'token of %';
  return notification;
end;
$$;
-- The devices that the next claim hands out.
create function pg_temp.devices(notification bigint) returns text language plpgsql as $$
begin
  perform tests.let_time_pass(notification);
  return (
    select string_agg(replace(device ->> 'token', notification::text, ''), ', ' order by device ->> 'token')
    from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null) as page, json_array_elements(page.devices) as device
    where page.notification_id = notification
  );
end;
$$;
create function pg_temp.recorded(notification bigint, outcomes jsonb) returns text language sql as $$
  select tests.recorded(variadic array(
    select tests.said(notification, outcome.value, outcome.key || notification) from jsonb_each_text(outcomes) as outcome
  ));
$$;

select pg_temp.with_devices() as mixed \gset
select is(pg_temp.devices(:mixed), 'browser, phone, tablet', 'a push goes to all devices of a mentor');
select is(
  pg_temp.recorded(:mixed, '{"phone": "sent", "tablet": "retry", "browser": "invalid_token"}'), 'pending',
  'where one device has it and another failed in passing, the other is still to come'
);
select is((select sent_at from scheduler.notifications where id = :mixed), now(), 'the row says that a device has it');
select is((select count(*) from scheduler.push_attempts), 3::bigint, 'every device''s outcome has an entry');
select is(pg_temp.devices(:mixed), 'tablet', 'the next claim carries only the device that failed in passing');
select is(pg_temp.recorded(:mixed, '{"tablet": "retry"}'), 'pending', 'it may fail again');
select is(pg_temp.devices(:mixed), 'tablet', 'and be tried again');
select is(pg_temp.recorded(:mixed, '{"tablet": "sent"}'), 'sent', 'when all have it, it is sent');
select is(
  (select array_agg(outcome order by id) from scheduler.push_attempts where token_hash = sha256(convert_to('phone' || :mixed, 'UTF8'))), array['sent'],
  'a device that has it was tried once'
);

select pg_temp.with_devices() as refused \gset
select pg_temp.devices(:refused);
select is(
  pg_temp.recorded(:refused, '{"phone": "sent", "tablet": "invalid_token", "browser": "failed"}'), 'sent',
  'where one device has it and the others never will, it is sent'
);

select pg_temp.with_devices() as nowhere \gset
select pg_temp.devices(:nowhere);
select is(
  pg_temp.recorded(:nowhere, '{"phone": "retry", "tablet": "failed", "browser": "invalid_token"}'), 'pending',
  'where one device failed in passing and the others for good, the one is still to come'
);
select is(pg_temp.devices(:nowhere), 'phone', 'and the others are not tried again');
select is(pg_temp.recorded(:nowhere, '{"phone": "failed"}'), 'failed', 'where in the end no device has it, it is failed');

-- A lease that ran out after one device had it.
select pg_temp.with_devices() as dying \gset
select pg_temp.devices(:dying);
select pg_temp.recorded(:dying, '{"phone": "sent", "tablet": "retry", "browser": "retry"}');
select pg_temp.devices(:dying);
select is(pg_temp.devices(:dying), 'browser, tablet', 'a lease that ran out sends nothing again to the device that has it');

-- A lease that ran out before anything was recorded.
select pg_temp.with_devices() as lost \gset
select pg_temp.devices(:lost);
select is(pg_temp.devices(:lost), 'browser, phone, tablet', 'a lease that ran out unrecorded sends to all again');
select is(pg_temp.recorded(:lost, '{"phone": "retry", "tablet": "unknown", "browser": "retry"}'), 'pending', 'no device has it yet');
select is(pg_temp.devices(:lost), 'browser, phone, tablet', 'what failed in passing and what nobody knows of are tried again');

-- A wish of one provider holds for all.
select tests.recorded(
  tests.said(:lost, 'retry', 'phone' || :lost, '{"retry_after_seconds": 1200}'),
  tests.said(:lost, 'retry', 'tablet' || :lost, '{"retry_after_seconds": 2400}'),
  tests.said(:lost, 'sent', 'browser' || :lost)
);
select is((select next_attempt_at from scheduler.notifications where id = :lost), now() + interval '40 minutes', 'of several wishes the longest is honoured');
select is((select attempts from scheduler.notifications where id = :lost), 3, 'several devices at once are one attempt');
select is(
  (select array_agg(distinct attempt) from scheduler.push_attempts where notification_id = :lost), '{2,3}',
  'and their entries say which; of a lost one there is none'
);

select * from finish();
rollback;
