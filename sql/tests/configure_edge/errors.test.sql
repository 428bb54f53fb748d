begin;
select plan(15);

create function pg_temp.refused(arguments text, problem text, rule text) returns setof text language sql as $$
  select throws_ok(format('select scheduler.configure_edge(%s)', arguments), '22023', problem, rule);
$$;

select pg_temp.refused(
  $$url => 'http://example.no/a'$$, 'the url of the function must be https (http only on loopback)', 'a url with http is refused with the reason'
);
select pg_temp.refused(
  $$url => 'https://user:hunter2@example.no/a'$$, 'the url of the function holds credentials: the secret does that', 'one with credentials'
);
select pg_temp.refused(
  $$url => 'https://10.0.0.1/a'$$, 'the url of the function leads inside: it must be one that the world can reach, or loopback', 'one with an address inside'
);
select pg_temp.refused(
  $$url => 'example.no'$$, 'the url of the function is not of the form https://host/path, without ? and #', 'one that is none'
);
select pg_temp.refused(
  $$secret => repeat('0f', 16)$$, 'the secret of the function is shorter than 256 bits: make one with openssl rand -hex 32', 'a secret that is too short'
);
select pg_temp.refused(
  $$secret => 'hunter2'$$, 'the secret of the function is not hex: make one with openssl rand -hex 32', 'one that is no hex'
);
select pg_temp.refused($$url => '', secret => null$$, null, 'an empty url does not take it away');
select pg_temp.refused($$secret => ''$$, null, 'nor an empty secret');
select pg_temp.refused('', 'neither a url nor a secret is given', 'nothing given is an error too');
select matches(
  tests.hint_of($$ select scheduler.configure_edge(url => 'http://example.no/a') $$),
  'configure_edge\(url => .*https://.*nothing was changed', 'the hint shows how, and says that nothing was changed'
);
select unalike(
  tests.hint_of($$ select scheduler.configure_edge(url => 'https://user:hunter2@example.no/a', secret => 'hunter2') $$), '%hunter2%',
  'and does not repeat what was given'
);
select is_empty('select * from vault.secrets', 'nothing is in Vault');
select is_empty('select * from net.http_request_queue', 'nothing is asked');

select tests.without('vault');
select throws_ok(
  $$ select tests.configured() $$, '55000', 'there is no Vault to keep the url and the secret in', 'without Vault there is no place for them'
);
select matches(tests.hint_of($$ select tests.configured() $$), 'create extension supabase_vault', 'and the hint says how to get one');

select * from finish();
rollback;
