begin;
select plan(14);

select tests.organisation() as own \gset
insert into scheduler.organisation_settings (organisation_id, on_ambiguous) values (:'own', 'quarantine');
select tests.organisation() as silent \gset
insert into scheduler.organisation_settings (organisation_id, on_ambiguous) values (:'silent', null);
select tests.waiting(tests.mentor(organisation_id => :'own')) as of_own \gset
select tests.waiting(tests.mentor(organisation_id => :'silent')) as of_silent \gset
select tests.waiting() as of_others \gset
select is(tests.claimed(), array[:of_own, :of_silent, :of_others]::bigint[], 'a first claim hands out all');
select tests.let_time_pass(id) from scheduler.notifications;

select is(
  tests.claimed(), array[:of_silent, :of_others]::bigint[],
  'when a lease ran out, quarantine sends nothing again: an organisation''s own row'
);
select is(tests.became(:of_own), 'quarantined: outcome_unknown', 'it is parked with the reason');
select is((select attempts from scheduler.notifications where id = :of_own), 1, 'parking is no attempt');

update scheduler.organisation_settings set on_ambiguous = 'quarantine' where organisation_id is null;
select tests.let_time_pass(id) from scheduler.notifications;
select is(tests.claimed(), '{}'::bigint[], 'when a lease ran out, quarantine sends nothing again: the default row');
select is(tests.became(:of_others), 'quarantined: outcome_unknown', 'it holds for organisations without a row');
select is(tests.became(:of_silent), 'quarantined: outcome_unknown', 'and for those whose row says nothing');

update scheduler.organisation_settings set on_ambiguous = 'resend';
select tests.let_time_pass(id) from scheduler.notifications;
select is(tests.claimed(), '{}'::bigint[], 'what is parked is never claimed, whatever the settings say later');
select is((select count(*) from scheduler.scenario_cooldowns), 3::bigint, 'what is parked keeps its window, since it may have arrived');

-- Parked is what nobody knows about, and only that.
update scheduler.organisation_settings set on_ambiguous = 'quarantine';
select tests.waiting() as expired \gset
select tests.waiting() as ended \gset
select tests.waiting() as waiting \gset
select is(tests.claimed(), array[:expired, :ended, :waiting]::bigint[], 'quarantine lets through what was never sent');
select is(tests.recorded(tests.said(:waiting, 'retry')), 'pending', 'and what certainly failed may be tried again');
update scheduler.notifications set deliver_after = now() - interval '2 hours', expires_at = now() - interval '1 hour' where id = :expired;
update public.peer_mentors set status = 'paused' where id = (select user_id from scheduler.notifications where id = :ended);
select tests.let_time_pass(id) from scheduler.notifications;
select is(tests.claimed(), array[:waiting]::bigint[], 'quarantine lets through a retry');
select is(tests.became(:expired), 'quarantined: outcome_unknown', 'what may have arrived is parked rather than expired');
select is(tests.became(:ended), 'quarantined: outcome_unknown', 'and rather than cancelled, so that its window is not opened for another push');

select * from finish();
rollback;
