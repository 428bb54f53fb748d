-- Quiet hours are laid around the present moment, so that the test doesn't ask for the time.

begin;
select plan(18);

create function pg_temp.oslo() returns timestamp language sql as $$ select now() at time zone 'Europe/Oslo' $$;
select (pg_temp.oslo() + interval '1 hour') at time zone 'Europe/Oslo' as morning \gset
update scheduler.organisation_settings
set quiet_start = (pg_temp.oslo() - interval '1 hour')::time, quiet_end = (pg_temp.oslo() + interval '1 hour')::time;

select tests.waiting(due_for => '2 hours') as late \gset
select tests.waiting(due_for => '31 minutes') as just_late \gset
select tests.waiting(due_for => '29 minutes') as not_late \gset
select tests.waiting(due_for => '0') as new \gset
-- Oslo's quiet hours are not those of everybody.
select tests.waiting(tests.mentor(timezone => 'Asia/Tokyo'), due_for => '2 hours') as elsewhere \gset
select tests.organisation(timezone => 'Asia/Tokyo') as far \gset
select tests.waiting(tests.mentor(organisation_id => :'far'), due_for => '2 hours') as of_far \gset
select tests.waiting(tests.mentor(organisation_id => :'far', timezone => 'Europe/Oslo'), due_for => '2 hours') as of_far_in_oslo \gset
select tests.organisation() as other \gset
insert into scheduler.organisation_settings (organisation_id, quiet_start, quiet_end)
values (:'other', (pg_temp.oslo() + interval '2 hours')::time, (pg_temp.oslo() + interval '3 hours')::time);
select tests.waiting(tests.mentor(organisation_id => :'other'), due_for => '2 hours') as of_other \gset
select tests.waiting(tests.mentor(timezone => 'Nowhere/Land'), due_for => '2 hours') as of_nowhere \gset
select tests.waiting(due_for => '2 hours', ttl => '2 hours 10 minutes') as short_lived \gset
select tests.waiting(tests.mentor(), due_for => '2 hours') as opted_out \gset
insert into public.notification_preferences (user_id, scenario_type, push_enabled)
select user_id, 'inactivity', false from scheduler.notifications where id = :opted_out;

select tests.claimed(batch_size => 5) as page \gset
select ok(:not_late = any (:'page'), 'what is not late is sent, even inside quiet hours: the evaluation has chosen its time');
select ok(:new = any (:'page'), 'what is due since this moment, too');
select ok(:elsewhere = any (:'page'), 'what is late is sent where the mentor''s clock is outside quiet hours');
select ok(:of_far = any (:'page'), 'or the organisation''s, where the mentor names no zone');
select ok(:of_other = any (:'page'), 'or where the organisation has quiet hours of its own');

select is(tests.became(:late), 'pending: quiet_hours', 'what is late waits inside quiet hours, with the reason');
select is(tests.became(:just_late), 'pending: quiet_hours', 'late is more than half an hour');
select is(tests.became(:of_far_in_oslo), 'pending: quiet_hours', 'the mentor''s own zone goes before that of the organisation');
select is(tests.became(:of_nowhere), 'pending: quiet_hours', 'an invalid zone stands for that of the organisation');
select is((select next_attempt_at from scheduler.notifications where id = :late), :'morning'::timestamptz, 'it waits for the end of quiet hours');
select is((select attempts from scheduler.notifications where id = :late), 0, 'waiting is no attempt');
select is(cardinality(:'page'::bigint[]), 5, 'what waits takes no place in the page');
select is(
  (select next_attempt_at = expires_at from scheduler.notifications where id = :short_lived), true,
  'what expires inside quiet hours is looked at again when it has expired'
);
select is(tests.became(:opted_out), 'cancelled: opted_out', 'what is no longer true does not wait to be cancelled');
select is(tests.claimed(), '{}'::bigint[], 'what waits is not due before');

-- A retry that falls into quiet hours.
select tests.recorded(tests.said(:new, 'retry'));
update scheduler.notifications set deliver_after = now() - interval '1 hour', created_at = now() - interval '1 hour' where id = :new;
select tests.let_time_pass(:new);
select is(tests.claimed(), '{}'::bigint[], 'a retry that is late waits for the end of quiet hours, too');
select is((select attempts from scheduler.notifications where id = :new), 1, 'and keeps its attempts');

-- The night is over.
update scheduler.organisation_settings set quiet_start = null, quiet_end = null;
select tests.let_time_pass(:late);
select is(tests.claimed(), array[:late]::bigint[], 'after quiet hours what was late is sent');

select * from finish();
rollback;
