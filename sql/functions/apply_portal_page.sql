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
  missed bigint;
  known bigint;
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

  delete from scheduler.certification_rejects as mended
  where mended.source = apply_portal_page.source
    and mended.external_id in (
      select item.external_id from jsonb_to_recordset(accepted) as item (external_id pg_catalog.text)
    )
    and not exists (
      select from jsonb_to_recordset(rejects) as reject (external_id pg_catalog.text, reason pg_catalog.text)
      where reject.external_id = mended.external_id and reject.reason = mended.reason
    );
  insert into scheduler.certification_rejects as rejected (source, external_id, reason, invocation_id)
  select distinct apply_portal_page.source, reject.external_id, reject.reason, apply_portal_page.invocation_id
  from jsonb_to_recordset(rejects) as reject (external_id pg_catalog.text, reason pg_catalog.text)
  order by 2, 3
  on conflict on constraint certification_rejects_pkey do update set
    last_seen_at = now(),
    times = rejected.times + 1,
    invocation_id = excluded.invocation_id;

  result.completed := next_cursor is null;
  if result.completed and sync.round_is_full then
    select count(*) filter (where listed.seen_in_round < apply_portal_page.started_at), count(*)
    into missed, known
    from scheduler.portal_certifications as listed
    where listed.source = apply_portal_page.source and not listed.removed;
    -- Nothing at all is no answer, however little there was.
    if missed > greatest(10, known * sync.most_losses) or (missed = known and known > 0 and sync.most_losses < 1) then
      raise exception 'the portal named % of the % certifications that it is known to have: that is not believed, and nothing is revoked', known - missed, known
        using
          errcode = 'data_exception',
          hint = 'If it is right, raise most_losses in scheduler.portal_syncs for a night.';
    end if;
    with gone as (
      update scheduler.portal_certifications as listed
      set removed = true
      where listed.source = apply_portal_page.source and not listed.removed and listed.seen_in_round < apply_portal_page.started_at
      returning listed.external_id, listed.user_id
    )
    select scheduler.write_certifications(coalesce(jsonb_agg(jsonb_build_object(
      'external_id', gone.external_id, 'user_id', gone.user_id, 'removed', true
    )), '[]'))
    into result.revoked
    from gone;
  end if;
  result.unchanged := greatest(result.received - result.applied - jsonb_array_length(rejects), 0);

  update scheduler.portal_syncs as going_on
  set
    -- What the portal dates in the future says nothing of when it will write next.
    round_modified_until = greatest(going_on.round_modified_until, (
      select max(item.modified_on)
      from jsonb_to_recordset(accepted) as item (modified_on pg_catalog.timestamptz)
      where item.modified_on <= going_on.round_started_at
    )),
    round_seen = going_on.round_seen + result.received,
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

  update scheduler.invocations as run
  set details = jsonb_build_object(
    'portal', apply_portal_page.source,
    'pages', coalesce((run.details ->> 'pages')::integer, 0) + 1,
    'received', coalesce((run.details ->> 'received')::integer, 0) + result.received,
    'applied', coalesce((run.details ->> 'applied')::integer, 0) + result.applied,
    'revoked', coalesce((run.details ->> 'revoked')::integer, 0) + result.revoked,
    'rejected', (
      select coalesce(jsonb_object_agg(summed.reason, summed.rows), '{}')
      from (
        select counted.key as reason, sum(counted.value::integer) as rows
        from (
          select earlier.* from jsonb_each_text(coalesce(run.details -> 'rejected', '{}')) as earlier
          union all
          select now_rejected.* from jsonb_each_text(result.rejected) as now_rejected
        ) as counted
        group by counted.key
      ) as summed
    ),
    'completed', result.completed
  )
  where run.id = apply_portal_page.invocation_id;
  return result;
end;
$$;

comment on function public.apply_portal_page(text, timestamptz, integer, jsonb, text, uuid) is
  'Takes over a page of a portal''s certifications in one go, keeps what can''t be taken over with the reason, and notes where the round goes on. Without next_cursor it was the last page.';
