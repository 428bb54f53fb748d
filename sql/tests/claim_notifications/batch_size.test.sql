begin;
select plan(9);

-- Written in another order than that in which they are due.
select tests.waiting(due_for => '10 minutes') as third \gset
select tests.waiting(due_for => '20 minutes') as first \gset
select tests.waiting(due_for => '1 minute') as fifth \gset
select tests.waiting(due_for => '15 minutes') as second \gset
select tests.waiting(due_for => '5 minutes') as fourth \gset

select is(
  tests.claimed(batch_size => 2), array[:first, :second]::bigint[],
  'a claim takes at most batch_size, the oldest first'
);
select is(tests.claimed(batch_size => 2), array[:third, :fourth]::bigint[], 'the next claim takes those that are next');
select is(tests.claimed(batch_size => 2), array[:fifth]::bigint[], 'the last page holds what is left');
select is(tests.claimed(batch_size => 2), '{}'::bigint[], 'and then there is nothing');

-- A retry takes its turn by its own time, not by that of the push.
select tests.waiting(due_for => '20 minutes') as retried \gset
update scheduler.notifications set attempts = 1, next_attempt_at = now() - interval '1 minute' where id = :retried;
select tests.waiting(due_for => '10 minutes') as waiting \gset
select is(tests.claimed(batch_size => 1), array[:waiting]::bigint[], 'a retry waits behind what has been due for longer');
select is(tests.claimed(batch_size => 1), array[:retried]::bigint[], 'and has its turn then');

-- Seven that are no longer true, before, between and after two that are.
create temporary table gone on commit drop as
select tests.waiting(due_for => age) as id
from unnest('{20 min, 19 min, 18 min, 17 min, 15 min, 14 min, 12 min}'::interval[]) as age;
select tests.waiting(due_for => '16 minutes') as early \gset
select tests.waiting(due_for => '13 minutes') as late \gset
update public.peer_mentors set status = 'paused'
where id in (select user_id from scheduler.notifications join gone using (id));
select is(
  tests.claimed(batch_size => 2), array[:early, :late]::bigint[],
  'what is no longer true takes no place in the page'
);
select is(
  (select count(*) from scheduler.notifications join gone using (id) where status = 'cancelled'), 6::bigint,
  'what stands before the page is cancelled'
);
select is(tests.claimed(batch_size => 2), '{}'::bigint[], 'a page can be empty because all that is due is no longer true');

select * from finish();
rollback;
