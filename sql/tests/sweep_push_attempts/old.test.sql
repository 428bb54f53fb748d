begin;
select plan(8);

create function pg_temp.attempt(notification bigint, ago interval) returns void language sql as $$
  insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, attempted_at) values (notification, 1, sha256('token'), 'sent', now() - ago);
$$;
select pg_temp.attempt(0, '100 days') from generate_series(1, 5);
select pg_temp.attempt(0, '89 days') from generate_series(1, 3);
create function pg_temp.swept(looked_at integer) returns bigint language sql as $$
  select scheduler.sweep_push_attempts(older_than => now() - interval '90 days', looked_at => swept.looked_at);
$$;

select is(pg_temp.swept(2), 2::bigint, 'so many go at most');
select is((select count(*) from scheduler.push_attempts), 6::bigint, 'and no more');
select is(pg_temp.swept(1000), 3::bigint, 'all that are old');
select is((select count(*) from scheduler.push_attempts), 3::bigint, 'the young ones stay');
select is(pg_temp.swept(1000), 0::bigint, 'nothing is left to do');
delete from scheduler.push_attempts;
select is(pg_temp.swept(1000), 0::bigint, 'with nothing there neither');

-- A push that still waits is known to have reached a device.
select tests.waiting() as notification \gset
select pg_temp.attempt(:notification, '100 days');
select pg_temp.swept(1000);
select is((select count(*) from scheduler.push_attempts), 1::bigint, 'those of a push that has not ended are kept: it must not go to the same device twice');
update scheduler.notifications set status = 'sent';
select is(pg_temp.swept(1000), 1::bigint, 'until it has');

select * from finish();
rollback;
