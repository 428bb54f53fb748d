begin;
select plan(6);

-- A token that can be told from everything else.
select tests.mentor() as mentor \gset
update public.device_tokens set token = 'fKx:tokenåthatisasecret0123456789';
select tests.waiting(:'mentor') as notification \gset
select tests.claimed();
select tests.recorded(tests.said(
  :notification, 'invalid_token', (select token from public.device_tokens), '{"error_code": "UNREGISTERED"}'
));

select is(
  (select token_hash from scheduler.push_attempts), sha256(convert_to('fKx:tokenåthatisasecret0123456789', 'UTF8')),
  'push_attempts knows a device by the SHA-256 of its token'
);

-- Every row of every table in scheduler, as text; what is bytea is shown in hex.
create function pg_temp.search(secret text) returns setof text language plpgsql as $$
declare
  relation regclass;
  hits bigint;
begin
  for relation in
    select c.oid from pg_class as c where c.relnamespace = 'scheduler'::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format(
      'select count(*) from %s as entry where strpos(entry::text, $1) > 0 or strpos(entry::text, $2) > 0', relation
    ) into hits using secret, encode(convert_to(secret, 'UTF8'), 'hex');
    if hits > 0 then
      return next relation::text;
    end if;
  end loop;
end;
$$;
select is_empty(
  $$ select pg_temp.search('fKx:tokenåthatisasecret0123456789') $$, 'no table of the engine holds the token'
);
select is_empty($$ select pg_temp.search('thatisasecret') $$, 'nor a part of it');
select isnt_empty(
  $$ select pg_temp.search('UNREGISTERED') $$, 'the search would find it: it finds what else was recorded'
);
select isnt_empty(
  format($$ select pg_temp.search(%L) $$, (select user_id from scheduler.notifications)), 'and whose it was'
);
select is(
  (select count(*) from public.device_tokens where disabled_at is not null), 1::bigint,
  'the device is found by its token all the same'
);

select * from finish();
rollback;
