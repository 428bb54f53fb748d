create or replace function public.apply_portal_page(
  source text,
  started_at timestamptz,
  page integer,
  certifications jsonb,
  next_cursor text default null,
  invocation_id uuid default null
)
returns scheduler.portal_page_result
language plpgsql
security definer
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
declare
  sync scheduler.portal_syncs;
  result scheduler.portal_page_result;
  accepted pg_catalog.jsonb;
  rejects pg_catalog.jsonb;
  idle_pages integer;
begin
  if jsonb_typeof(certifications) is distinct from 'array' or jsonb_array_length(certifications) > 5000 then
    raise exception 'certifications must be a list of 5000 at most'
      using errcode = 'invalid_parameter_value', hint = 'Give [{"external_id": "…", "member_id": "…", "name": "…", "expires_on": "2027-05-01", "modified_on": "…", "removed": false}, …].';
  end if;
  select on_the_way.* into sync
  from scheduler.portal_syncs as on_the_way
  where on_the_way.source = apply_portal_page.source
  for update;
  -- A run that was taken for dead must not go on where another went on since.
  if started_at is null or sync.round_started_at is distinct from apply_portal_page.started_at or sync.round_page is distinct from apply_portal_page.page then
    raise exception 'page % of this round was dealt with by another run', coalesce(page, -1)
      using errcode = 'object_not_in_prerequisite_state', hint = 'begin_portal_sync says where the round is.';
  end if;

  select judged.accepted, judged.rejected into accepted, rejects
  from scheduler.judge_portal_page(certifications) as judged;
  -- Named on an earlier page of the round already.
  rejects := rejects || coalesce((
    select jsonb_agg(jsonb_build_object('external_id', item.external_id, 'reason', 'duplicate'))
    from jsonb_to_recordset(accepted) as item (external_id pg_catalog.text)
    join scheduler.portal_certifications as earlier
      on earlier.source = apply_portal_page.source and earlier.external_id = item.external_id
    where earlier.seen_in_round = apply_portal_page.started_at
  ), '[]');

  result.received := jsonb_array_length(certifications);
  result.rejected := coalesce((
    select jsonb_object_agg(by_reason.reason, by_reason.rows)
    from (
      select reject.reason, count(*) as rows
      from jsonb_to_recordset(rejects) as reject (external_id pg_catalog.text, reason pg_catalog.text)
      group by reject.reason
    ) as by_reason
  ), '{}');

  -- The portal's last word stands: of another round's any, of this one's the latest.
  with said as materialized (
    select item.*
    from jsonb_to_recordset(accepted) as item (
      external_id pg_catalog.text, user_id pg_catalog.uuid, name pg_catalog.text, expires_on pg_catalog.date,
      modified_on pg_catalog.timestamptz, removed boolean
    )
  ),
  current_ones as materialized (
    select said.*, earlier.user_id as known_user_id
    from said
    left join scheduler.portal_certifications as earlier
      on earlier.source = apply_portal_page.source and earlier.external_id = said.external_id
    where earlier.modified_on is null
      or earlier.seen_in_round < apply_portal_page.started_at
      or said.modified_on > earlier.modified_on
  ),
  seen as (
    insert into scheduler.portal_certifications as seen (source, external_id, user_id, modified_on, removed, seen_in_round)
    select
      apply_portal_page.source, taken.external_id, coalesce(taken.user_id, taken.known_user_id),
      taken.modified_on, taken.removed, apply_portal_page.started_at
    from current_ones as taken
    where taken.user_id is not null or taken.known_user_id is not null
    order by taken.external_id
    on conflict on constraint portal_certifications_pkey do update set
      user_id = excluded.user_id,
      modified_on = excluded.modified_on,
      removed = excluded.removed,
      seen_in_round = excluded.seen_in_round
  )
  select
    scheduler.write_certifications(coalesce(jsonb_agg(jsonb_build_object(
      'external_id', taken.external_id, 'user_id', taken.user_id, 'name', taken.name,
      'expires_on', taken.expires_on, 'removed', taken.removed
    )), '[]'))
  into result.applied
  from current_ones as taken;
  result.revoked := 0;

  -- What it names and can't be read is not gone; what a later page says of it counts.
  update scheduler.portal_certifications as named
  set seen_in_round = apply_portal_page.started_at, modified_on = '-infinity'
  from jsonb_to_recordset(rejects) as reject (external_id pg_catalog.text)
  where named.source = apply_portal_page.source
    and named.external_id = reject.external_id
    and named.seen_in_round < apply_portal_page.started_at;

  perform scheduler.keep_rejects(
    source => apply_portal_page.source,
    accepted => accepted,
    rejects => rejects,
    invocation_id => apply_portal_page.invocation_id
  );

  result.completed := next_cursor is null;
  if result.completed and sync.round_is_full then
    result.revoked := scheduler.revoke_unnamed(
      source => apply_portal_page.source, started_at => apply_portal_page.started_at, most_losses => sync.most_losses
    );
  end if;
  result.unchanged := greatest(result.received - result.applied - jsonb_array_length(rejects), 0);

  -- What is written meanwhile may be named again, but not on page after page.
  idle_pages := case
    when result.applied + result.unchanged = 0 and (result.received = 0 or result.rejected ? 'duplicate') then sync.round_idle_pages + 1
    else 0
  end;
  if not result.completed and (idle_pages >= 20 or page + 1 >= 10000) then
    raise exception 'the portal has no end: after page % it still names a next one', page + 1
      using errcode = 'data_exception', hint = 'The next run begins from the first page.';
  end if;
  update scheduler.portal_syncs as going_on
  set
    -- What the portal dates in the future says nothing of when it will write next.
    round_modified_until = greatest(going_on.round_modified_until, (
      select max(item.modified_on)
      from jsonb_to_recordset(accepted) as item (modified_on pg_catalog.timestamptz)
      where item.modified_on <= going_on.round_started_at
    )),
    round_idle_pages = idle_pages,
    round_page = going_on.round_page + 1,
    round_cursor = next_cursor
  where going_on.source = apply_portal_page.source;
  if result.completed then
    update scheduler.portal_syncs as completed
    set
      -- By the portal's own clock; what it dates earlier it may write late. Where it named
      -- nothing, it has told nothing of its clock.
      modified_since = coalesce(completed.round_modified_until - interval '10 minutes', completed.modified_since),
      full_round_at = case when completed.round_is_full then completed.round_started_at else completed.full_round_at end,
      completed_at = clock_timestamp(),
      round_started_at = null,
      round_cursor = null
    where completed.source = apply_portal_page.source;
  end if;

  perform scheduler.add_page_figures(
    run_id => apply_portal_page.invocation_id, source => apply_portal_page.source, page => result
  );
  return result;
end;
$$;

comment on function public.apply_portal_page(text, timestamptz, integer, jsonb, text, uuid) is
  'Takes over a page of a portal''s certifications in one go, keeps what can''t be taken over with the reason, and notes where the round goes on. Without next_cursor it was the last page.';
