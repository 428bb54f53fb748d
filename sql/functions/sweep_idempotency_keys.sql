create or replace function scheduler.sweep_idempotency_keys()
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.idempotency_keys as used
    -- Whoever uses one in its last moment still finds it.
    where used.used_at < now() - interval '25 hours'
    returning used.user_id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_idempotency_keys() is
  'Forgets keys of requests for a run, some time after the 24 hours in which they count.';
