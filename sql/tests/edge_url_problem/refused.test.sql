begin;
select plan(88);

create function pg_temp.refused(url text, problem text, rule text) returns text language sql as $$
  select matches(scheduler.edge_url_problem(url), problem, rule);
$$;

-- The form.
select pg_temp.refused(null, 'not set', 'no url at all');
select pg_temp.refused('', 'form', 'an empty one');
select pg_temp.refused('example.no', 'form', 'one without a scheme');
select pg_temp.refused('//example.no/a', 'form', 'a relative one');
select pg_temp.refused('https:/example.no/a', 'form', 'one slash too few');
select pg_temp.refused('https:///a', 'form', 'no host');
select pg_temp.refused('https://example.no/a?b=c', 'form', 'a query, in which a secret may stand');
select pg_temp.refused('https://example.no?b=c', 'form', 'a query without a path');
select pg_temp.refused('https://example.no/a#b', 'form', 'a fragment');
select pg_temp.refused(' https://example.no/a', 'form', 'a blank before');
select pg_temp.refused('https://example.no/a ', 'form', 'or after');
select pg_temp.refused('https://example.no/a b', 'form', 'or in between');
select pg_temp.refused(E'https://example.no/a\n', 'form', 'an end of line');
select pg_temp.refused(E'https://example.no/a\r\nX-Header: b', 'form', 'a header in disguise');
select pg_temp.refused(E'https://example.no/a\x01b', 'form', 'a control character, over which pg_net stumbles');
select pg_temp.refused('https://example.no\@10.0.0.1/a', '.', 'a backslash');
select pg_temp.refused('https://example.no/a\b', 'form', 'in the path as well');
select pg_temp.refused('https://exa mple.no/', 'form', 'a blank in the name');
select pg_temp.refused('https://exa_mple.no/', 'form', 'a name that is none');
select pg_temp.refused('https://exa%6dple.no/', 'form', 'a name in disguise');
select pg_temp.refused('https://blåbær.no/', 'form', 'letters that DNS has not');
select pg_temp.refused('https://example.no:/a', 'form', 'a port without a number');
select pg_temp.refused('https://example.no:8a/', 'form', 'a port that is none');
select pg_temp.refused('https://example.no:123456/', 'form', 'one with too many digits');
select pg_temp.refused('https://example.no:65536/', '.', 'one past the last');
select pg_temp.refused('https://example.no:99999/', '.', 'far past the last');
select pg_temp.refused('https://example.no:0/', '.', 'or before the first');
select pg_temp.refused('https://[::1/a', 'form', 'half a bracket');
select pg_temp.refused('https://::1/a', 'form', 'none');
select pg_temp.refused('https://[fe80::1%25eth0]/', 'form', 'an address with a zone');
select pg_temp.refused('https://example..no/', '.', 'an empty part of a name');
select pg_temp.refused('https://.example.no/', '.', 'at the beginning too');
select pg_temp.refused('https://-example.no/', '.', 'a part that begins with a hyphen');
select pg_temp.refused('https://300.1.1.1/', 'address that is none', 'an address that is none');
select pg_temp.refused('https://[1:2:3]/', 'address that is none', 'in IPv6 too');

-- The scheme.
select pg_temp.refused('http://example.no/a', 'must be https', 'http out in the world');
select pg_temp.refused('HTTP://EXAMPLE.NO/A', 'must be https', 'in capitals');
select pg_temp.refused('http://93.184.216.34/a', 'must be https', 'by address');
select pg_temp.refused('http://10.0.0.1/a', 'must be https', 'inside');
select pg_temp.refused('http://localhost.example.no/a', 'must be https', 'at a name that only looks like loopback');
select pg_temp.refused('http://example.localhost.no/a', 'must be https', 'or has it in the middle');
select pg_temp.refused('http://127.0.0.1.nip.io/a', 'must be https', 'or looks like its address');
select pg_temp.refused('ftp://example.no/a', 'must be https', 'other schemes');
select pg_temp.refused('file://localhost/etc/passwd', 'must be https', 'on loopback as well');
select pg_temp.refused('gopher://localhost/a', 'must be https', 'however old');
select pg_temp.refused('javascript:alert(1)', 'form', 'and what is none');

-- Credentials.
select pg_temp.refused('https://user:password@example.no/a', 'credentials', 'a name and a password');
select pg_temp.refused('https://token@example.no/a', 'credentials', 'a name alone');
select pg_temp.refused('https://:password@example.no/a', 'credentials', 'a password alone');
select pg_temp.refused('https://@example.no/a', 'credentials', 'neither, but the sign');
select pg_temp.refused('https://example.no:443@10.0.0.1/a', 'credentials', 'a host that is none');
select pg_temp.refused('http://user:password@localhost/a', 'credentials', 'on loopback too');
select unalike(scheduler.edge_url_problem('https://user:hunter2@example.no/a'), '%hunter2%', 'the password is not repeated');

-- Inside.
select pg_temp.refused('https://10.1.2.3/', 'inside', 'an address of a private network');
select pg_temp.refused('https://172.16.0.1/', 'inside', 'of another');
select pg_temp.refused('https://172.31.255.255/', 'inside', 'to its end');
select pg_temp.refused('https://192.168.1.1/', 'inside', 'at home');
select pg_temp.refused('https://169.254.169.254/latest/meta-data', 'inside', 'where clouds keep their keys');
select pg_temp.refused('https://100.64.0.1/', 'inside', 'behind a carrier');
select pg_temp.refused('https://0.0.0.0/', 'inside', 'this host, whichever');
select pg_temp.refused('https://224.0.0.1/', 'inside', 'everybody');
select pg_temp.refused('https://255.255.255.255/', 'inside', 'really everybody');
select pg_temp.refused('https://[fd00::1]/', 'inside', 'a private network in IPv6');
select pg_temp.refused('https://[fe80::1]/', 'inside', 'a link');
select pg_temp.refused('https://[::]/', 'inside', 'this host in IPv6');
select pg_temp.refused('https://[::ffff:10.0.0.1]/', 'inside', 'IPv4 in IPv6');
select pg_temp.refused('https://[::ffff:a00:1]/', 'inside', 'in hex');
select pg_temp.refused('https://[::10.0.0.1]/', 'inside', 'as it was written once');
select pg_temp.refused('https://[64:ff9b::a00:1]/', 'inside', 'through a translator');
select pg_temp.refused('https://[2002:a00:1::]/', 'inside', 'through a tunnel');
select pg_temp.refused('https://[64:ff9b:1::a00:1]/', 'inside', 'through a translator of one''s own');
select pg_temp.refused('https://[2001:0:a00:1::1]/', 'inside', 'through another tunnel');
select pg_temp.refused('https://[fec0::1]/', 'inside', 'an address of a site, as they once were');
select pg_temp.refused('https://192.0.2.1/', 'inside', 'an address of books');
select pg_temp.refused('https://2130706433/', 'may hide', 'an address as one number');
select pg_temp.refused('https://0x7f000001/', 'may hide', 'in hex');
select pg_temp.refused('https://127.1/', 'may hide', 'or cut short');
select pg_temp.refused('https://0177.0.0.1/', 'may hide', 'or in octal');
select pg_temp.refused('https://012.1.1.1/', '.', 'octal that looks decimal: 10.1.1.1 to who makes the request');
select pg_temp.refused('https://10.0.0.0x1/', 'may hide', 'or in between');
select pg_temp.refused('https://kong/', 'inside', 'a name without a dot');
select pg_temp.refused('https://metadata.google.internal/', 'inside', 'a name of a cloud');
select pg_temp.refused('https://printer.local/', 'inside', 'a name of a house');
select pg_temp.refused('https://printer.local./', 'inside', 'with a dot behind');
select pg_temp.refused('https://kubernetes.default.svc/', 'inside', 'a name of a cluster');
select pg_temp.refused('https://evil.localhost/', 'inside', 'a name that may be loopback');
select pg_temp.refused('https://.../', '.', 'only dots');
select is(
  (select count(*) from unnest(array[
    'https://user:hunter2@example.no', 'http://hunter2.no', 'https://hunter2', 'https://10.0.0.1/hunter2', 'hunter2', 'https://300.0.0.1/hunter2'
  ]) as url where scheduler.edge_url_problem(url) like '%hunter2%'),
  0::bigint, 'no problem repeats what was given'
);

select * from finish();
rollback;
