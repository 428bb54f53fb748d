begin;
select plan(8);

create function pg_temp.status_of(part text) returns text language sql
as $$ select status from public.scheduler_status() where component = part $$;
create function pg_temp.detail_of(part text) returns text language sql
as $$ select detail from public.scheduler_status() where component = part $$;

select tests.waiting() as notification \gset
select tests.claimed();
select is(pg_temp.status_of('sending'), 'ok', 'a lease that runs is ok');
update scheduler.notifications set lease_expires_at = now() - interval '1 minute';
select is(pg_temp.status_of('sending'), 'warn', 'a lease that ran out is a warning');

select is(pg_temp.status_of('given up'), 'ok', 'nothing given up is ok');
update scheduler.notifications set status = 'dead';
select is(pg_temp.status_of('given up'), 'warn', 'a dead notification is a warning');
select matches(pg_temp.detail_of('given up'), '^1 dead, 0 quarantined: .*requeue_notifications', 'which says what to do');
update scheduler.notifications set status = 'quarantined';
select matches(pg_temp.detail_of('given up'), '^0 dead, 1 quarantined', 'a quarantined one too');
select is((select count(*) from scheduler.requeue_notifications()), 1::bigint, 'what it says brings them back');
select is(pg_temp.status_of('given up'), 'ok', 'and the warning is gone');

select * from finish();
rollback;
