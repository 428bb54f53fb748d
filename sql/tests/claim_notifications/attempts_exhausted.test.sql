begin;
select plan(8);

select tests.waiting() as notification \gset
create function pg_temp.claim_that_dies(notification bigint) returns integer language plpgsql as $$
declare
  attempt integer;
begin
  select claimed.attempt into attempt
  from public.claim_notifications(batch_size => 10, lease => '1 minute', invocation_id => null) as claimed;
  perform tests.let_time_pass(notification);
  return attempt;
end;
$$;

select is(
  array(select pg_temp.claim_that_dies(:notification) from generate_series(1, 8)), '{1,2,3,4,5,6,7,8}',
  'a sender may die with a notification eight times'
);
select is(tests.became(:notification), 'sending', 'the eighth attempt is one, too');
select is(tests.claimed(), '{}'::bigint[], 'there is no ninth');
select is(tests.became(:notification), 'dead: attempts_exhausted', 'after eight attempts it is dead');
select is((select attempts from scheduler.notifications), 8, 'the row says how many there were');
select is((select lease_token from scheduler.notifications), null, 'and nobody has its lease');
select is((select count(*) from scheduler.scenario_cooldowns), 1::bigint, 'what is dead keeps its window');
select is(tests.claimed(), '{}'::bigint[], 'what is dead is not claimed');

select * from finish();
rollback;
