-- What a plain PostgreSQL lacks of pg_net 0.20: the queue, the responses and the
-- functions that fill the queue. scripts/net_worker.ts makes the requests. Run by
-- the superuser, after supabase.sql. Same names and signatures, nothing more.

create schema net;

create domain net.http_method as text
  check (value ilike 'get' or value ilike 'post' or value ilike 'delete');

create unlogged table net.http_request_queue (
  id bigserial,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create unlogged table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);

create index on net._http_response (created);

create function net._urlencode_string(string varchar) returns text
language sql immutable set search_path = ''
as $$
  select coalesce(
    string_agg(
      case
        when part.character ~ '[A-Za-z0-9._~-]' then part.character
        else regexp_replace(
          upper(encode(convert_to(part.character, 'UTF8'), 'hex')), '(..)', '%\1', 'g'
        )
      end,
      '' order by part.place
    ),
    ''
  )
  from string_to_table(string, null) with ordinality part (character, place);
$$;

-- The real one hands the address to curl, which refuses what is none and gives
-- one without a path the path "/".
create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language plpgsql immutable set search_path = ''
as $$
declare
  part text[] := regexp_match(url, '^([a-z][a-z0-9+.-]*://[^/?#]+)([^?#]*)(?:\?([^#]*))?(#.*)?$', 'i');
  query text;
begin
  if part is null and url is not null then
    raise exception 'Malformed URL: %', url;
  end if;
  query := array_to_string(array_remove(nullif(part[3], '') || params_array, null), '&');
  return part[1]
    || coalesce(nullif(part[2], ''), '/')
    || case when query = '' then '' else '?' || query end
    || coalesce(part[4], '');
end;
$$;

create function net.http_get(
  url text,
  params jsonb default '{}',
  headers jsonb default '{}',
  timeout_milliseconds integer default 5000
) returns bigint
language sql set search_path = ''
as $$
  insert into net.http_request_queue (method, url, headers, timeout_milliseconds)
  select
    'GET',
    net._encode_url_with_params_array(
      http_get.url,
      (
        select array_agg(net._urlencode_string(param.key) || '=' || net._urlencode_string(param.value))
        from jsonb_each_text(http_get.params) param
      )
    ),
    http_get.headers,
    http_get.timeout_milliseconds
  returning id;
$$;

create function net.http_post(
  url text,
  body jsonb default '{}',
  params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}',
  timeout_milliseconds integer default 5000
) returns bigint
language plpgsql set search_path = ''
as $$
declare
  content_type text := (
    select header.value
    from jsonb_each_text(http_post.headers) header
    where lower(header.key) = 'content-type'
    limit 1
  );
  request_id bigint;
begin
  if content_type <> 'application/json' then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  select
    'POST',
    net._encode_url_with_params_array(
      http_post.url,
      (
        select array_agg(net._urlencode_string(param.key) || '=' || net._urlencode_string(param.value))
        from jsonb_each_text(http_post.params) param
      )
    ),
    case
      when content_type is null
        then http_post.headers || jsonb_build_object('Content-Type', 'application/json')
      else http_post.headers
    end,
    convert_to(http_post.body::text, 'UTF8'),
    http_post.timeout_milliseconds
  returning id into request_id;
  return request_id;
end;
$$;

create function net.http_delete(
  url text,
  params jsonb default '{}',
  headers jsonb default '{}',
  timeout_milliseconds integer default 5000,
  body jsonb default null
) returns bigint
language sql set search_path = ''
as $$
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  select
    'DELETE',
    net._encode_url_with_params_array(
      http_delete.url,
      (
        select array_agg(net._urlencode_string(param.key) || '=' || net._urlencode_string(param.value))
        from jsonb_each_text(http_delete.params) param
      )
    ),
    http_delete.headers,
    convert_to(http_delete.body::text, 'UTF8'),
    http_delete.timeout_milliseconds
  returning id;
$$;

create function net.worker_restart() returns boolean
language sql set search_path = ''
as $$
  select true;
$$;

-- Every role may do all of this on the platform too, and so can read the
-- headers of what is queued.
grant usage on schema net to public;
grant select, insert, update, delete, truncate, references on all tables in schema net to public;
grant all on all sequences in schema net to public;
