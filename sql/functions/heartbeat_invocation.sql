create or replace function public.heartbeat_invocation(invocation_id uuid)
returns void
language sql
security definer
set search_path = ''
as $$
  update scheduler.invocations as invocation
  set heartbeat_at = clock_timestamp()
  where invocation.id = (
    -- An evaluation that ends just now writes the same row: that is a sign of life too.
    select living.id
    from scheduler.invocations as living
    where living.id = heartbeat_invocation.invocation_id and living.status = 'running'
    for update skip locked
  );
$$;

comment on function public.heartbeat_invocation(uuid) is
  'A sign of life of a running run.';
