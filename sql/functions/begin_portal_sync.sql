create or replace function public.begin_portal_sync(source text, anew boolean default false)
returns scheduler.portal_round
language plpgsql
security definer
set search_path = ''
as $$
declare
  sync scheduler.portal_syncs;
begin
  if source is null then
    raise exception 'source must not be null'
      using errcode = 'null_value_not_allowed', hint = 'It is the name of the portal, hlf for example.';
  elsif source !~ '^[a-z][a-z0-9_-]{0,62}$' then
    raise exception 'source can''t be %', quote_literal(source)
      using
        errcode = 'invalid_parameter_value',
        hint = 'It is the name of a portal: small letters, digits, - and _, a letter first, 63 at most; hlf for example.';
  end if;
  insert into scheduler.portal_syncs (source) values (begin_portal_sync.source) on conflict do nothing;
  select known.* into strict sync
  from scheduler.portal_syncs as known
  where known.source = begin_portal_sync.source
  for update;

  -- A portal forgets where somebody was after a while.
  if sync.round_started_at is null or anew or sync.round_started_at < now() - interval '2 days' then
    update scheduler.portal_syncs as begun
    set
      round_started_at = clock_timestamp(),
      -- Once a week everything, for what was deleted there without a trace.
      round_is_full = coalesce(sync.modified_since is null or sync.full_round_at < now() - interval '6 days 12 hours', true),
      round_modified_until = null,
      round_cursor = null,
      round_idle_pages = 0,
      round_page = 0
    where begun.source = sync.source
    returning begun.* into sync;
  end if;
  return (
    sync.round_started_at,
    case when not sync.round_is_full then sync.modified_since end,
    sync.round_cursor,
    sync.round_page
  )::scheduler.portal_round;
end;
$$;

comment on function public.begin_portal_sync(text, boolean) is
  'What to ask a portal for next: begins a round, or goes on with one that was cut short, unless anew is asked for.';
