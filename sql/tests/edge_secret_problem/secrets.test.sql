begin;
select plan(15);

create function pg_temp.refused(secret text, problem text, rule text) returns text language sql as $$
  select matches(scheduler.edge_secret_problem(secret), problem, rule);
$$;

select is(scheduler.edge_secret_problem(repeat('0f', 32)), null, '256 bits in hex are a secret');
select is(scheduler.edge_secret_problem(repeat('0F', 32)), null, 'in capitals too');
select is(scheduler.edge_secret_problem(repeat('0f', 64)), null, 'more is one too');
select is(scheduler.edge_secret_problem(repeat('0f', 128)), null, 'up to 1024 bits');

select pg_temp.refused(null, 'not set', 'none is none');
select pg_temp.refused('', 'shorter', 'nor is an empty one');
select pg_temp.refused(repeat('0f', 31), 'shorter than 256 bits', 'one byte less is too short');
select pg_temp.refused(repeat('0f', 31) || '0', 'not hex', 'as is half a byte');
select pg_temp.refused(repeat('0f', 129), 'longer', 'there is an end');
select pg_temp.refused(repeat('g0', 32), 'not hex', 'letters after f are no hex');
select pg_temp.refused('whsec_' || repeat('0f', 32), 'not hex', 'nor are prefixes');
select pg_temp.refused(repeat('0f', 32) || E'\n', 'not hex', 'nor is an end of line');
select pg_temp.refused('correct horse battery staple', 'not hex', 'nor is a sentence');
select is(
  (select count(*) from unnest(array['hunter2', repeat('0f', 20), repeat('0f', 130)]) as secret
   where scheduler.edge_secret_problem(secret) like '%' || secret || '%'),
  0::bigint, 'no problem repeats the secret'
);
select matches(scheduler.edge_secret_problem('short'), 'openssl rand -hex 32', 'but it says how to make one');

select * from finish();
rollback;
