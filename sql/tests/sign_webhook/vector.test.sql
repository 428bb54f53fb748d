-- Signatures that Python's hmac computed.

begin;
select plan(14);
set local timezone = 'Asia/Kathmandu';

create function pg_temp.signed(body text, id text default 'msg_1', at timestamptz default '2026-03-10 10:00Z', secret text default repeat('00112233445566778899aabbccddeeff', 2))
returns text language sql as $$
  select scheduler.sign_webhook(webhook_id => id, asked_at => at, body => body, secret => secret) ->> 'webhook-signature';
$$;

select is(
  scheduler.sign_webhook(webhook_id => 'msg_1', asked_at => '2026-03-10 10:00Z', body => '{"a": 1}', secret => repeat('00112233445566778899aabbccddeeff', 2)),
  '{"webhook-id": "msg_1", "webhook-timestamp": "1773136800", "webhook-signature": "v1,5WxnJlLp+/3f0L/IMcnXpSh3ZbnbOjWyuGC+tEza4jA="}',
  'a request has the three headers of Standard Webhooks'
);
select is(pg_temp.signed('', id => 'run_x', at => 'epoch'), 'v1,2AOH7tY66fhjAHQP+pwpQcKmjVcuIaILqyF83bk6AFI=', 'an empty body is signed too');
select is(
  pg_temp.signed('{"name": "Bodø – æøå"}', id => 'msg_2'), 'v1,xIR35XyKJH3CU4H/N0ciL7UcC28Qf0TBfiYCiNzzcsA=', 'the bytes of UTF-8 are signed'
);
select is(
  pg_temp.signed('{}', secret => repeat('ff', 128)), 'v1,mLh23IiGrp0SWYC1mftB+MLmGRphh7zwmFvuv0ZYh9g=', 'a secret may be longer than a block'
);
select is(
  pg_temp.signed('{"a": 1}', secret => upper(repeat('00112233445566778899aabbccddeeff', 2))), pg_temp.signed('{"a": 1}'), 'the secret''s hex is the same in capitals'
);
select is(pg_temp.signed('{"a": 1}', at => '2026-03-10 10:00:00.999Z'), pg_temp.signed('{"a": 1}'), 'the time is cut to the second, not rounded');
select isnt(pg_temp.signed('{"a": 1}', at => '2026-03-10 10:00:01Z'), pg_temp.signed('{"a": 1}'), 'another second has another signature');
select isnt(pg_temp.signed('{"a":1}'), pg_temp.signed('{"a": 1}'), 'another body has');
select isnt(pg_temp.signed('{"a": 1}', id => 'msg_2'), pg_temp.signed('{"a": 1}'), 'another id has');
select isnt(pg_temp.signed('{"a": 1}', secret => repeat('00', 32)), pg_temp.signed('{"a": 1}'), 'another secret has');
select matches(pg_temp.signed(repeat('long ', 10000)), '^v1,[A-Za-z0-9+/]{43}=$', 'a signature is one line, however long the body');
select is(
  array(select jsonb_object_keys(scheduler.sign_webhook(webhook_id => 'a', asked_at => now(), body => 'b', secret => tests.secret())) order by 1),
  array['webhook-id', 'webhook-signature', 'webhook-timestamp'], 'there is nothing else'
);
select unalike(
  lower(scheduler.sign_webhook(webhook_id => 'a', asked_at => now(), body => 'b', secret => tests.secret())::text), '%' || lower(tests.secret()) || '%',
  'the secret is not among it'
);
select is(
  (scheduler.sign_webhook(webhook_id => 'a', asked_at => '2038-01-20Z', body => 'b', secret => tests.secret()) ->> 'webhook-timestamp')::bigint, 2147558400,
  'and it works after January 2038'
);

select * from finish();
rollback;
