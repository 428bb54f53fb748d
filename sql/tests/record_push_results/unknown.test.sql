begin;
select plan(13);

select tests.waiting() as notification \gset
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'unknown', more => '{"error_type": "timeout_error"}')), 'pending',
  'where nobody knows whether it left, resend tries again'
);
select is((select attempts from scheduler.notifications), 1, 'the attempt counts');
select cmp_ok((select next_attempt_at from scheduler.notifications), '>', now() + interval '40 seconds', 'the next one has to wait like any other');
select is((select outcome from scheduler.push_attempts), 'unknown', 'the entry says that nobody knows');

update scheduler.organisation_settings set on_ambiguous = 'quarantine' where organisation_id is null;
select tests.let_time_pass(:notification);
select is(tests.claimed(), array[:notification]::bigint[], 'a retry is sent');
select is(tests.recorded(tests.said(:notification, 'unknown')), 'quarantined', 'where nobody knows whether it left, quarantine parks it: the default row');
select is(tests.became(:notification), 'quarantined: outcome_unknown', 'with the reason');
select is(tests.claimed(), '{}'::bigint[], 'what is parked is not claimed');

-- An organisation's own row.
select tests.organisation() as own \gset
insert into scheduler.organisation_settings (organisation_id, on_ambiguous) values (:'own', 'resend');
select tests.waiting(tests.mentor(organisation_id => :'own')) as of_own \gset
select tests.claimed();
select is(tests.recorded(tests.said(:of_own, 'unknown')), 'pending', 'an organisation whose own row says resend tries again');
update scheduler.organisation_settings set on_ambiguous = case when organisation_id is null then 'resend' else 'quarantine' end;
select tests.let_time_pass(:of_own);
select tests.claimed();
select is(tests.recorded(tests.said(:of_own, 'unknown')), 'quarantined', 'one whose own row says quarantine parks it');

-- What certainly failed is no doubt.
update scheduler.organisation_settings set on_ambiguous = 'quarantine';
select tests.waiting() as certain \gset
select tests.claimed();
select is(tests.recorded(tests.said(:certain, 'retry')), 'pending', 'quarantine tries again what certainly failed in passing');

-- Beside other devices.
insert into public.device_tokens (token, user_id) select 'second', user_id from scheduler.notifications where id = :certain;
select tests.let_time_pass(:certain);
select tests.claimed();
select is(
  tests.recorded(tests.said(:certain, 'retry'), tests.said(:certain, 'unknown', 'second')), 'quarantined',
  'a doubt about one of two devices parks the notification'
);
select tests.waiting() as half \gset
insert into public.device_tokens (token, user_id) select 'third', user_id from scheduler.notifications where id = :half;
select tests.claimed();
select is(
  tests.recorded(tests.said(:half, 'sent'), tests.said(:half, 'unknown', 'third')), 'sent',
  'a doubt about one device, where another certainly has it, is not sent again'
);

select * from finish();
rollback;
