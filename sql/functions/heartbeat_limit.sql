create or replace function scheduler.heartbeat_limit()
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select interval '30 seconds';
$$;

comment on function scheduler.heartbeat_limit() is
  'How long a run may give no sign of life. It gives one every five seconds.';
