create or replace function scheduler.attempt_limit()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 8 $$;

comment on function scheduler.attempt_limit() is
  'After so many attempts a notification is dead.';
