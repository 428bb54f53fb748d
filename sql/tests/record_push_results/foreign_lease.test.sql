begin;
select plan(17);

select tests.waiting() as notification \gset
select tests.claimed();
select tests.said(:notification, 'sent') as late \gset
select tests.let_time_pass(:notification);

-- A lease that ran out, but that nobody took over, is a lease.
select tests.waiting() as overdue \gset
select tests.claimed();
select tests.said(:overdue, 'sent') as overdue_said \gset
select tests.let_time_pass(:overdue);
select is(tests.recorded(:'overdue_said'), 'sent', 'a sender that is late may record as long as nobody took its lease over');

-- The first one was taken over by that claim.
create temporary table before on commit drop as
select * from scheduler.notifications where id = :notification;
create temporary table answer on commit drop as
select * from public.record_push_results(results => jsonb_build_array(:'late'::jsonb));
select results_eq(
  'select notification_id, recorded from answer', format('values (%s::bigint, false)', :notification),
  'a sender whose lease was taken over is told that it has recorded nothing'
);
select results_eq(
  format('select * from scheduler.notifications where id = %s', :notification), 'select * from before', 'the row is left untouched'
);
select is_empty(format('select * from scheduler.push_attempts where notification_id = %s', :notification), 'there is no entry of it');
select is(tests.recorded(tests.said(:notification, 'retry')), 'pending', 'the sender that holds the lease can record');

-- Nobody's lease.
select tests.recorded(tests.said(:notification, 'invalid_token', more => jsonb_build_object('lease_token', gen_random_uuid())));
select is((select count(*) from public.device_tokens where disabled_at is not null), 0::bigint, 'under a made-up lease_token no device is put away');
select is(
  tests.recorded(tests.said(:notification, 'sent', more => jsonb_build_object('lease_token', gen_random_uuid()))), null,
  'a made-up lease_token records nothing'
);
select is(
  (select recorded from public.record_push_results(results => jsonb_build_array(tests.said(:overdue, 'sent', more => jsonb_build_object(
    'lease_token', gen_random_uuid(), 'notification_id', 0
  ))))), false,
  'a notification that doesn''t exist is no error, but told'
);
select tests.let_time_pass(:notification);
select tests.claimed();
select tests.waiting() as other \gset
select tests.claimed();
select is(
  tests.recorded(tests.said(:notification, 'sent', more => jsonb_build_object(
    'lease_token', (select lease_token from scheduler.notifications where id = :other)
  ))), null,
  'the lease of another notification records nothing'
);

-- Twice.
select tests.said(:notification, 'retry') as said \gset
select is(tests.recorded(:'said'), 'pending', 'what is recorded once is recorded');
create temporary table recorded_once on commit drop as select * from scheduler.notifications;
select is(tests.recorded(:'said'), null, 'recorded twice it is not: the lease was given back');
select results_eq('select * from scheduler.notifications order by id', 'select * from recorded_once order by id', 'and changes nothing');
select is((select count(*) from scheduler.push_attempts where notification_id = :notification), 2::bigint, 'nor is there another entry');

-- A page of which a part was taken over.
select is(
  (
    select array_agg(recorded order by notification_id)
    from public.record_push_results(results => jsonb_build_array(
      tests.said(:other, 'sent'),
      :'said'::jsonb
    ))
  ),
  '{false,true}', 'of a page what is the caller''s is recorded, and the rest told'
);
select is(tests.became(:other), 'sent', 'the one is sent');
select is(tests.became(:notification), 'pending: to_be_tried_again', 'the other is as it was');

-- What was cancelled, parked or ended can't be brought back by a sender.
select tests.waiting() as ended \gset
select tests.claimed();
select tests.said(:ended, 'sent') as said_late \gset
select tests.let_time_pass(:ended);
update scheduler.organisation_settings set on_ambiguous = 'quarantine';
select tests.claimed();
select is(tests.recorded(:'said_late'), null, 'what was parked meanwhile can''t be recorded any more');

select * from finish();
rollback;
