begin;
select plan(22);

create function pg_temp.accepted(url text, rule text) returns text language sql as $$
  select is(scheduler.edge_url_problem(url), null, rule);
$$;

select pg_temp.accepted('https://abcdefghijklmnopqrst.supabase.co/functions/v1/scenario-scheduler', 'a function of a project is');
select pg_temp.accepted('https://api.example.no/functions/v1/scenario-scheduler', 'at an own domain');
select pg_temp.accepted('https://example.no', 'without a path');
select pg_temp.accepted('https://example.no/', 'with the shortest');
select pg_temp.accepted('https://example.no:8443/a', 'at another port');
select pg_temp.accepted('https://example.no:65535/a', 'up to the last');
select pg_temp.accepted('HTTPS://Example.NO/A', 'in capitals');
select pg_temp.accepted('https://example.no./a', 'with a dot behind');
select pg_temp.accepted('https://example.no/a@b', 'with an at sign in the path');
select pg_temp.accepted('https://1password.example.no/', 'with digits in the name');
select pg_temp.accepted('https://93.184.216.34/a', 'at a public address');
select pg_temp.accepted('https://172.15.0.1/', 'just below an inside one');
select pg_temp.accepted('https://172.32.0.1/', 'and just above');
select pg_temp.accepted('https://[2606:2800:220:1:248:1893:25c8:1946]/a', 'at a public IPv6 address');

select pg_temp.accepted('http://localhost/a', 'http is on loopback');
select pg_temp.accepted('http://localhost:54321/functions/v1/scenario-scheduler', 'at any port');
select pg_temp.accepted('http://127.0.0.1:8000/', 'by its address');
select pg_temp.accepted('http://127.255.255.254/', 'by all of them');
select pg_temp.accepted('http://[::1]:8000/a', 'in IPv6 too');
select pg_temp.accepted('http://[::ffff:127.0.0.1]/', 'in whatever way');
select pg_temp.accepted('https://localhost/a', 'https is on loopback also');
select pg_temp.accepted('https://127.0.0.1/a', 'by its address as well');

select * from finish();
rollback;
