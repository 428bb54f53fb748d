begin;
select plan(12);

select tests.waiting(due_for => '1 minute') as past \gset
select tests.waiting(due_for => '0') as this_moment \gset
select tests.waiting(due_for => '-1 microsecond') as just_not \gset
select tests.waiting(due_for => '-8 hours') as tomorrow \gset
select tests.waiting() as to_be_retried_later \gset
update scheduler.notifications set attempts = 1, next_attempt_at = now() + interval '1 second' where id = :to_be_retried_later;
select tests.waiting() as to_be_retried_now \gset
update scheduler.notifications set attempts = 1, next_attempt_at = now() where id = :to_be_retried_now;

select is(
  tests.claimed(), array[:past, :this_moment, :to_be_retried_now]::bigint[],
  'a claim takes what is due'
);
select is(tests.became(:just_not), 'pending', 'before its deliver_after a notification is not claimed');
select is(tests.became(:tomorrow), 'pending', 'a notification that waits for the morning is not claimed in the evening');
select is(tests.became(:to_be_retried_later), 'pending', 'before its next_attempt_at a notification is not claimed again');
select is(tests.claimed(), '{}'::bigint[], 'a second claim finds nothing that the first one took');

-- What has come to its end.
create temporary table ended on commit drop as
select unnest(array['sent', 'failed', 'dead', 'expired', 'cancelled', 'quarantined']) as status, tests.waiting() as id;
update scheduler.notifications as notification set status = ended.status from ended where ended.id = notification.id;
select tests.claimed() as page \gset
select isnt(ended.id = any (:'page'), true, 'never claimed is what is ' || ended.status) from ended;
select results_eq(
  'select notification.status from ended join scheduler.notifications as notification using (id) order by 1',
  'select status from ended order by 1',
  'and it stays what it is'
);

select * from finish();
rollback;
