begin;
select plan(16);

-- The devices that the next claim hands out.
create function pg_temp.devices(notification bigint) returns text language plpgsql as $$
begin
  perform tests.let_time_pass(notification);
  return (
    select string_agg(replace(device ->> 'token', 'of ' || notification, ''), ', ' order by device ->> 'token')
    from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null) as page, json_array_elements(page.devices) as device
    where page.notification_id = notification
  );
end;
$$;
create function pg_temp.recorded(notification bigint, outcomes jsonb) returns text language sql as $$
  select tests.recorded(variadic array(
    select tests.said(notification, outcome.value, outcome.key || 'of ' || notification) from jsonb_each_text(outcomes) as outcome
  ));
$$;
create function pg_temp.with_devices() returns bigint language plpgsql as $$
declare
  notification bigint := tests.waiting();
begin
  update public.device_tokens set token = 'phoneof ' || notification where token like 'token of %';
  insert into public.device_tokens (token, user_id)
  select 'tabletof ' || notification, user_id from scheduler.notifications where id = notification;
  return notification;
end;
$$;

-- What was refused is tried again: that is what an operator wants.
select pg_temp.with_devices() as failed \gset
select is(pg_temp.devices(:failed), 'phone, tablet', 'a push goes to two devices');
select is(pg_temp.recorded(:failed, '{"phone": "failed", "tablet": "failed"}'), 'failed', 'both refuse it');
-- All of this is one transaction, with a single now(): a minute goes by.
update scheduler.push_attempts set attempted_at = now() - interval '1 minute';
select scheduler.requeue_notifications(statuses => array['failed']);
update scheduler.notifications set requeued_at = now() - interval '1 second' where id = :failed;
select is(pg_temp.devices(:failed), 'phone, tablet', 'after it is brought back, devices that refused it are tried again');
select is(pg_temp.recorded(:failed, '{"phone": "failed", "tablet": "retry"}'), 'pending', 'one of them refuses again');
select is(pg_temp.devices(:failed), 'tablet', 'and is not tried a third time, until it is brought back again');
select is(pg_temp.recorded(:failed, '{"tablet": "sent"}'), 'sent', 'the other one has it');

-- A device that is put away is not a device any more.
select pg_temp.with_devices() as invalid \gset
select pg_temp.devices(:invalid);
select is(pg_temp.recorded(:invalid, '{"phone": "invalid_token", "tablet": "failed"}'), 'failed', 'one device is put away');
select scheduler.requeue_notifications(statuses => array['failed']);
select is(pg_temp.devices(:invalid), 'tablet', 'a device that was put away is not tried again');
select is(pg_temp.recorded(:invalid, '{"tablet": "sent"}'), 'sent', 'the other one has it');

-- A parked one may have arrived: the operator decides.
select pg_temp.with_devices() as parked \gset
select pg_temp.devices(:parked);
update scheduler.organisation_settings set on_ambiguous = 'quarantine';
select is(pg_temp.recorded(:parked, '{"phone": "unknown", "tablet": "retry"}'), 'quarantined', 'a doubt parks it');
insert into public.device_tokens (token, user_id) select 'browserof ' || id, user_id from scheduler.notifications where id = :parked;
select scheduler.requeue_notifications();
select is(pg_temp.devices(:parked), 'browser, phone, tablet', 'when it is brought back all devices are tried, a new one too');

-- A device that has it: an operator set it to dead by hand.
select pg_temp.with_devices() as half \gset
select pg_temp.devices(:half);
select pg_temp.recorded(:half, '{"phone": "sent", "tablet": "retry"}');
update scheduler.notifications set status = 'dead' where id = :half;
insert into public.device_tokens (token, user_id) select 'browserof ' || id, user_id from scheduler.notifications where id = :half;
select is((select count(*) from scheduler.requeue_notifications()), 1::bigint, 'what one device has may be brought back for the others');
select is(pg_temp.devices(:half), 'tablet', 'the device that has it gets it no second time, nor does one that is new');
select is(pg_temp.recorded(:half, '{"tablet": "failed"}'), 'sent', 'whatever becomes of the others, it is sent');
select is(
  (select count(*) from scheduler.push_attempts where notification_id = :half and outcome = 'sent'), 1::bigint,
  'once'
);
select is((select count(*) from scheduler.scenario_cooldowns), 4::bigint, 'every window stays');

select * from finish();
rollback;
