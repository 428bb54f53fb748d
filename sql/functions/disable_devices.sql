create or replace function scheduler.disable_devices(tokens text[])
returns void
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  -- A device that is being registered anew just now is left alone.
  update public.device_tokens as device
  set disabled_at = now()
  where device.token in (
    select refused.token
    from public.device_tokens as refused
    where refused.token = any (tokens) and refused.disabled_at is null
    for update skip locked
  );
$$;

comment on function scheduler.disable_devices(text[]) is
  'Puts away devices whose tokens a provider refused for good. A project with a device table of its own replaces it, as it does the view scheduler.device.';
