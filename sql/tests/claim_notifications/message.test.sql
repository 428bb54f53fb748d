begin;
select plan(19);

update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.mentor(organisation_id => 'bbbbbbbb-0000-4000-8000-000000000000', id => 'cccccccc-0000-4000-8000-000000000001', locale => 'en') as mentor \gset
delete from public.device_tokens;
insert into public.device_tokens (token, user_id, platform, provider, disabled_at)
values
  ('tablet', :'mentor', 'android', 'fcm', null),
  ('phone', :'mentor', 'ios', null, null),
  ('browser', :'mentor', null, null, null),
  ('lost phone', :'mentor', 'ios', 'fcm', now() - interval '1 day');
insert into public.device_tokens (token, user_id) values ('of somebody else', gen_random_uuid());
select tests.pushed(:'mentor', now(), 'inactivity') as key \gset

create temporary table page on commit drop as
select *
from public.claim_notifications(batch_size => 10, lease => '2 minutes', invocation_id => null)
where user_id = :'mentor';
select is((select count(*) from page), 1::bigint, 'a push to several devices is one row of the page');
select unnest(array[
  is(page.organisation_id, 'bbbbbbbb-0000-4000-8000-000000000000', 'the page says of which organisation'),
  is(page.scenario_type, 'inactivity', 'the page says of which scenario'),
  is(page.title, 'It has been a while', 'the page holds the title that was decided'),
  is(page.body, notification.body, 'the page holds the body that was decided'),
  is(
    page.data,
    jsonb_build_object(
      'notification_id', page.notification_id::text, 'scenario_type', 'inactivity', 'occurrence_key', notification.occurrence_key
    ),
    'the data for the app says what it is about, and no fact about the mentor besides'
  ),
  is(page.data ->> 'occurrence_key', :'key', 'the data names the occurrence'),
  is(page.expires_at, now() + interval '72 hours', 'the page says until when the push makes sense'),
  is(page.ttl_seconds, 72 * 60 * 60, 'the page says for how many seconds the provider may keep it'),
  isnt(page.collapse_key, null, 'the page holds a collapse key'),
  cmp_ok(octet_length(page.collapse_key), '<=', 64, 'the collapse key is not longer than apns-collapse-id may be')
])
from page join scheduler.notifications as notification on notification.id = page.notification_id;
select set_eq(
  $$
    select device ->> 'token' as token, device ->> 'platform' as platform, device ->> 'provider' as provider
    from page, json_array_elements(page.devices) as device
  $$,
  $$ values ('tablet', 'android', 'fcm'), ('phone', 'ios', null), ('browser', null, null) $$,
  'the page holds all enabled devices of the mentor, with platform and provider, and no others'
);

-- How much of its life is left.
select tests.waiting(due_for => '1 hour', ttl => '1 hour 1 second') as a_second \gset
select tests.waiting(due_for => '1 hour', ttl => '1 hour 0.001 second') as less \gset
create temporary table short on commit drop as
select * from public.claim_notifications(batch_size => 10, lease => '2 minutes', invocation_id => null);
select is(
  (select count(distinct collapse_key) from (select * from page union all select * from short) as claimed), 3::bigint,
  'two notifications never collapse into one'
);
select is((select ttl_seconds from short where notification_id = :a_second), 1, 'ttl_seconds is what is left of its life');
select is((select ttl_seconds from short where notification_id = :less), 1, 'ttl_seconds is never 0, which would mean now or never');

-- A retry is the same message.
select notification_id as id from page \gset
select tests.recorded(tests.said(:id, 'retry', 'tablet'), tests.said(:id, 'retry', 'phone'), tests.said(:id, 'retry', 'browser'));
select tests.let_time_pass(:id);
create temporary table again on commit drop as
select * from public.claim_notifications(batch_size => 10, lease => '2 minutes', invocation_id => null);
select results_eq(
  'select notification_id, collapse_key, expires_at, title, body, data from again',
  'select notification_id, collapse_key, expires_at, title, body, data from page',
  'a retry carries the same message under the same collapse key'
);
select is((select attempt from again), 2, 'as another attempt');
select isnt((select lease_token from again), (select lease_token from page), 'under another lease');

-- An organisation that is known to nobody.
select tests.mentor() as alone \gset
select tests.waiting(:'alone') as of_nobody \gset
update scheduler.notifications set organisation_id = null where id = :of_nobody;
select is(tests.claimed(), array[:of_nobody]::bigint[], 'a notification without an organisation follows the default settings');

select * from finish();
rollback;
