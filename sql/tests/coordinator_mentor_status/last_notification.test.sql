begin;
select plan(10);

select tests.staff('admin') as admin \gset
select tests.mentor() as mentor \gset
select tests.mentor() as other \gset
select tests.queued(:'other', 'expiry', 'expiry:x:7', tests.today());

create function pg_temp.last_push(caller uuid, mentor uuid) returns text language plpgsql as $$
declare
  answer text;
begin
  perform tests.as_caller(caller);
  answer := (
    select concat_ws(' ', last_notification_scenario, last_notification_on - tests.today(), last_notification_status, last_notification_reason)
    from public.coordinator_mentor_status() where user_id = mentor
  );
  reset role;
  return answer;
end;
$$;

select is(pg_temp.last_push(:'admin', :'mentor'), '', 'who never had a push has no last one, whatever others had');
select tests.queued(:'mentor', 'inactivity', 'inactivity:x:1', tests.today() - 40) as old \gset
select is(pg_temp.last_push(:'admin', :'mentor'), 'inactivity -40 sent', 'the only one is the last');
select tests.queued(:'mentor', 'milestone', 'milestone:10', tests.today() - 3, status => 'pending') as newer \gset
select is(pg_temp.last_push(:'admin', :'mentor'), 'milestone -3 pending', 'of several that of the latest day, of whatever scenario');
select tests.queued(:'mentor', 'expiry', 'expiry:x:60', tests.today() - 20);
select is(pg_temp.last_push(:'admin', :'mentor'), 'milestone -3 pending', 'and not the one that was written last');
select tests.queued(:'mentor', 'expiry', 'expiry:x:30', tests.today() - 3, status => 'cancelled') as same_day \gset
update scheduler.notifications set status_reason = 'certification_renewed' where id = :same_day;
select is(pg_temp.last_push(:'admin', :'mentor'), 'expiry -3 cancelled certification_renewed', 'of one day the later one; one that was called off too, with the reason');
delete from scheduler.notifications where id = :same_day;

-- Its outcome.
update scheduler.notifications set status = 'expired', status_reason = 'not_sent_in_time' where id = :newer;
select is(pg_temp.last_push(:'admin', :'mentor'), 'milestone -3 expired not_sent_in_time', 'what was not sent in time says so');
update scheduler.notifications set status = 'failed', status_reason = 'no_device' where id = :newer;
select is(pg_temp.last_push(:'admin', :'mentor'), 'milestone -3 failed no_device', 'and what failed');
update scheduler.notifications set status = 'sent', status_reason = null, sent_at = now() where id = :newer;
select is(pg_temp.last_push(:'admin', :'mentor'), 'milestone -3 sent', 'and what was sent');
select tests.as_caller(:'admin');
select is((select last_notification_sent_at from public.coordinator_mentor_status() where user_id = :'mentor'), now(), 'with when');
select unalike((select to_jsonb(listed)::text from public.coordinator_mentor_status() as listed where user_id = :'mentor'), '%title%', 'but not what was written');
reset role;

select * from finish();
rollback;
