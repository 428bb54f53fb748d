-- The collapse key is the occurrence's: what is decided on anew replaces the first on the device.

begin;
select plan(5);

create function pg_temp.claimed_keys() returns table (id bigint, collapse_key text) language sql as $$
  select notification_id, collapse_key
  from public.claim_notifications(batch_size => 500, lease => '2 minutes', invocation_id => null);
$$;

select tests.mentor() as mentor \gset
select tests.waiting(:'mentor') as first \gset
select tests.waiting() as of_another \gset
create temporary table before on commit drop as select * from pg_temp.claimed_keys();
select is((select count(distinct collapse_key) from before), 2::bigint, 'two mentors have two keys');

-- It may have left when its lease ran out, and is sent again.
select tests.let_time_pass(:first);
select is(
  (select array_agg(collapse_key) from pg_temp.claimed_keys()), array[(select collapse_key from before where id = :first)],
  'what is sent again has the key that it had'
);

-- It may have left, was taken back all the same, and is decided on anew: another row.
update scheduler.notifications set status = 'cancelled', lease_token = null, lease_expires_at = null, evaluation_date = evaluation_date - 1
where id = :first;
select tests.waiting(:'mentor') as again \gset
select isnt(:again::bigint, :first::bigint, 'what is decided on anew is another notification');
select is(
  (select array_agg(collapse_key) from pg_temp.claimed_keys()), array[(select collapse_key from before where id = :first)],
  'under the key of the first'
);

-- Another silence is another occurrence.
update scheduler.notifications set status = 'sent', lease_token = null, lease_expires_at = null, evaluation_date = evaluation_date - 2
where id = :again;
delete from scheduler.scenario_cooldowns;
update public.peer_mentors set joined_on = joined_on - 1 where id = :'mentor';
select tests.waiting(:'mentor') as other \gset
select isnt(
  (select collapse_key from pg_temp.claimed_keys()), (select collapse_key from before where id = :first),
  'another occurrence has another key'
);

select * from finish();
rollback;
