begin;
select plan(17);

-- Ten old ones in a row, of which the odd ones are kept, and two young ones.
select tests.mentor(joined_on => '2020-01-01') as mentor \gset
insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, created_at, status, title, body)
select :'mentor', 'milestone', 'milestone:' || n, '2020-01-01'::date + n, now() - interval '3 years', 'sent', 'kept', 'body'
from generate_series(1, 10) as n order by n;
update scheduler.notifications set user_id = gen_random_uuid() where substring(occurrence_key from '\d+')::integer % 2 = 0;
insert into scheduler.notifications (user_id, scenario_type, occurrence_key, evaluation_date, created_at, status, title, body)
select gen_random_uuid(), 'milestone', 'milestone:young', tests.today(), now(), 'sent', 'young', 'body' from generate_series(1, 2);

create function pg_temp.swept(looked_at integer) returns bigint language sql as $$
  select scheduler.sweep_notifications(older_than => now() - interval '2 years', looked_at => swept.looked_at);
$$;
create function pg_temp.stopped_at() returns text language sql as $$
  select coalesce((select occurrence_key from scheduler.notifications, scheduler.retention where kept = 'notifications' and id <= swept_to order by id desc limit 1), 'the beginning');
$$;
create function pg_temp.there() returns bigint language sql as $$ select count(*) from scheduler.notifications $$;

select is((select swept_to from scheduler.retention where kept = 'notifications'), 0::bigint, 'the first sweep begins at the beginning');
select is(pg_temp.swept(3), 1::bigint, 'a sweep looks at so many, and takes what is outlived');
select is(pg_temp.there(), 11::bigint, 'which is gone');
select is(pg_temp.stopped_at(), 'milestone:3', 'it keeps where it stopped');
select is(pg_temp.swept(3), 2::bigint, 'and goes on from there');
select is(pg_temp.swept(3), 1::bigint, 'past what is kept');
select is(pg_temp.stopped_at(), 'milestone:9', 'not looking at it again');
select is(pg_temp.swept(3), 1::bigint, 'to the young ones');
select is(pg_temp.there(), 7::bigint, 'which stay');
update scheduler.notifications set user_id = gen_random_uuid() where occurrence_key = 'milestone:1';
select pg_temp.swept(3) from generate_series(1, 4);
select is_empty($$ select * from scheduler.notifications where occurrence_key = 'milestone:1' $$, 'then it begins anew, and finds what was kept before and is not needed any more');
select is((select count(*) from scheduler.notifications where title = 'young'), 2::bigint, 'the young ones stay at every round');
select is((select count(*) from scheduler.notifications where title = 'kept'), 4::bigint, 'and the others that are needed');

-- Everything is kept: the round goes on all the same.
select is(pg_temp.swept(1), 0::bigint, 'a look that finds nothing');
select isnt((select swept_to from scheduler.retention where kept = 'notifications'), null, 'leaves a place to go on');
select is(pg_temp.swept(1000), 0::bigint, 'a look at more than there is');
select is((select swept_to from scheduler.retention where kept = 'notifications'), 0::bigint, 'is the end of a round');
delete from scheduler.notifications;
select is(pg_temp.swept(10), 0::bigint, 'an empty outbox is one too');

select * from finish();
rollback;
