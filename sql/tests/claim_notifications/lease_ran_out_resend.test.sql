begin;
select plan(14);

select tests.waiting() as notification \gset
create temporary table first on commit drop as
select * from public.claim_notifications(
  batch_size => 10, lease => '1 minute', invocation_id => 'eeeeeeee-0000-4000-8000-000000000001'
);
select tests.let_time_pass(:notification);
create temporary table second on commit drop as
select * from public.claim_notifications(
  batch_size => 10, lease => '1 minute', invocation_id => 'eeeeeeee-0000-4000-8000-000000000002'
);
select unnest(array[
  is(second.notification_id, first.notification_id, 'when a lease ran out, resend sends again'),
  is(second.collapse_key, first.collapse_key, 'under the same collapse key, so that a device shows one'),
  is(second.devices::text, first.devices::text, 'to the same devices'),
  isnt(second.lease_token, first.lease_token, 'under a fresh lease_token'),
  is(first.attempt, 1, 'the first claim was an attempt, whatever became of it'),
  is(second.attempt, 2, 'and this is another one')
])
from first, second;
select is(
  (select claimed_by from scheduler.notifications), 'eeeeeeee-0000-4000-8000-000000000002',
  'the row names the invocation that claimed it last'
);

-- What is no longer true is not sent again, as far as is known nobody has it.
select tests.let_time_pass(:notification);
select tests.active_on(user_id, tests.today()) from scheduler.notifications where id = :notification;
select is(tests.claimed(), '{}'::bigint[], 'what is no longer true when its lease has run out is not sent again');
select is(tests.became(:notification), 'cancelled: active_again', 'but cancelled');
select is((select lease_token from scheduler.notifications where id = :notification), null, 'and nobody has its lease');

-- An organisation's own setting goes before the default one.
update scheduler.organisation_settings set on_ambiguous = 'quarantine' where organisation_id is null;
select tests.organisation() as own \gset
insert into scheduler.organisation_settings (organisation_id, on_ambiguous) values (:'own', 'resend');
select tests.waiting(tests.mentor(organisation_id => :'own')) as of_own \gset
select is(tests.claimed(), array[:of_own]::bigint[], 'it is claimed once');
select tests.let_time_pass(:of_own);
select is(tests.claimed(), array[:of_own]::bigint[], 'an organisation whose own row says resend sends again');

-- Without any setting.
select tests.let_time_pass(:of_own);
delete from scheduler.organisation_settings;
select is(tests.claimed(), array[:of_own]::bigint[], 'without a setting it is resend');
select is((select attempts from scheduler.notifications where id = :of_own), 3, 'and every claim counts');

select * from finish();
rollback;
