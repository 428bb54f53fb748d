begin;
select plan(17);

select tests.staff() as coordinator \gset
select tests.mentor(joined_on => tests.today() - 100) as mentor \gset
select tests.mentor(joined_on => tests.today() - 10) as bare \gset
select tests.chapter(:'coordinator') as chapter \gset
select tests.placed(:'chapter', :'mentor');
select tests.assigned(:'coordinator', :'bare');
update public.peer_mentors set status = 'paused' where id = :'mentor';
select tests.active_on(:'mentor', tests.today() - 40, tests.today() - 31);
select tests.certified_until(:'mentor', tests.today() + 20);
select tests.queued(:'mentor', 'inactivity', 'inactivity:x:1', tests.today() - 1) as notification \gset
update scheduler.notifications set sent_at = '2026-03-10 07:00Z', status = 'sent' where id = :notification;

select tests.as_caller(:'coordinator');
select unnest(array[
  is(organisation_id, 'aaaaaaaa-0000-4000-8000-000000000000', 'of each mentor the list has the organisation'),
  is(chapter_id, :'chapter', 'the chapter'),
  is(status, 'paused', 'the status on the roster'),
  is(last_activity_on, tests.today() - 31, 'the last activity'),
  is(days_silent, 31, 'how many days she has been silent'),
  is(next_certification_expiry, tests.today() + 20, 'when her next certification runs out'),
  is(last_notification_scenario, 'inactivity', 'what her last push was about'),
  is(last_notification_on, tests.today() - 1, 'of which day it was'),
  is(last_notification_status, 'sent', 'what became of it'),
  is(last_notification_reason, null, 'why, if there is a reason'),
  is(last_notification_sent_at, '2026-03-10 07:00Z', 'and when it was sent')
])
from public.coordinator_mentor_status() where user_id = :'mentor';
select unnest(array[
  is(chapter_id, null, 'who is of no chapter has none'),
  is(last_activity_on, null, 'who never did anything has no activity'),
  is(days_silent, 10, 'and is silent since she joined'),
  is(next_certification_expiry, null, 'without a certification nothing runs out'),
  is(
    concat(last_notification_scenario, last_notification_on, last_notification_status, last_notification_reason, last_notification_sent_at),
    '', 'without a push there is none'
  )
])
from public.coordinator_mentor_status() where user_id = :'bare';
select set_eq(
  'select distinct jsonb_object_keys(to_jsonb(listed)) from public.coordinator_mentor_status() as listed',
  array[
    'user_id', 'organisation_id', 'chapter_id', 'status', 'last_activity_on', 'days_silent', 'next_certification_expiry',
    'last_notification_scenario', 'last_notification_on', 'last_notification_status', 'last_notification_reason', 'last_notification_sent_at'
  ],
  'nothing else of her is told'
);
reset role;

select * from finish();
rollback;
