-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

drop function if exists scheduler.note_mentors(uuid[]);

create or replace function scheduler.add_page_figures(run_id uuid, source text, page scheduler.portal_page_result)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update scheduler.invocations as run
  set details = jsonb_build_object(
    'portal', add_page_figures.source,
    'pages', coalesce((run.details ->> 'pages')::integer, 0) + 1,
    'received', coalesce((run.details ->> 'received')::integer, 0) + page.received,
    'applied', coalesce((run.details ->> 'applied')::integer, 0) + page.applied,
    'revoked', coalesce((run.details ->> 'revoked')::integer, 0) + page.revoked,
    'rejected', (
      select coalesce(jsonb_object_agg(summed.reason, summed.rows), '{}')
      from (
        select counted.key as reason, sum(counted.value::integer) as rows
        from (
          select earlier.* from jsonb_each_text(coalesce(run.details -> 'rejected', '{}')) as earlier
          union all
          select of_page.* from jsonb_each_text(page.rejected) as of_page
        ) as counted
        group by counted.key
      ) as summed
    ),
    'completed', page.completed
  )
  where run.id = add_page_figures.run_id;
$$;

comment on function scheduler.add_page_figures(uuid, text, scheduler.portal_page_result) is
  'Adds what became of a portal''s page to the run''s details in the ledger.';

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

create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  granted record;
  for_operators constant text[] := array['explain_scenario_evaluation', 'scheduler_status'];
  for_the_dispatcher constant text[] := array[
    'start_invocation', 'run_scenario_evaluation', 'claim_notifications', 'record_push_results',
    'heartbeat_invocation', 'finish_invocation', 'invocation_summary', 'begin_portal_sync', 'apply_portal_page',
    'run_certification_expiry'
  ];
  -- Each looks for itself at who calls.
  for_staff constant text[] := array[
    'coordinator_mentor_status', 'list_invocations', 'get_invocation', 'request_invocation', 'annotate_invocation',
    'stop_invocation', 'delete_invocation', 'evaluate_mentors'
  ];
  -- Policies know them by what they are; by their names nobody can call them.
  for_policies constant text[] := array['organisations_of_caller', 'mentors_of_caller', 'chapters_of_caller'];
begin
  revoke all on schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all tables in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all sequences in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;
  revoke all on all functions in schema scheduler from public, anon, authenticated, scheduler_dispatcher, scheduler_api;

  grant usage on schema public to scheduler_dispatcher;
  for granted in
    select
      p.oid::regprocedure as signature,
      wanted.grantee::regrole as grantee,
      row_number() over (partition by p.oid) = 1 as is_first
    from pg_catalog.pg_proc as p
    join (
      values
        ('public', 'service_role', for_operators || for_the_dispatcher),
        ('public', 'scheduler_dispatcher', for_the_dispatcher),
        ('public', 'authenticated', for_staff),
        ('scheduler', 'authenticated', for_policies)
    ) as wanted (schema_name, grantee, functions)
      on wanted.schema_name::regnamespace = p.pronamespace and p.proname = any (wanted.functions)
    order by p.oid, is_first desc
  loop
    if granted.is_first then
      execute format(
        'revoke all on function %s from public, anon, authenticated, service_role, scheduler_dispatcher, scheduler_api', granted.signature
      );
    end if;
    execute format('grant execute on function %s to %s', granted.signature, granted.grantee);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points, the dispatcher''s login those it needs, and people who are logged in those that look at who calls. The last line of every migration that makes functions or tables in scheduler.';

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

create or replace function scheduler.cancel_notifications(
  notification_ids bigint[] default null,
  organisation_id uuid default null,
  scenario_type text default null,
  reason text default 'cancelled by an operator'
)
returns table (notification_id bigint, user_id uuid, occurrence_key text, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if notification_ids is null and cancel_notifications.organisation_id is null and cancel_notifications.scenario_type is null then
    raise exception 'nothing says which notifications to cancel'
      using
        errcode = 'invalid_parameter_value',
        hint = 'Give notification_ids, organisation_id or scenario_type. To hold everything back: pause, see organisation_settings.';
  end if;

  return query
  update scheduler.notifications as notification
  set
    -- One that a device has already is not tried again at the others, and stays sent.
    status = case when notification.sent_at is null then 'cancelled' else 'sent' end,
    status_reason = reason,
    next_attempt_at = null
  where notification.status = 'pending'
    and (notification_ids is null or notification.id = any (notification_ids))
    and (cancel_notifications.organisation_id is null or notification.organisation_id = cancel_notifications.organisation_id)
    and (cancel_notifications.scenario_type is null or notification.scenario_type = cancel_notifications.scenario_type)
  returning notification.id, notification.user_id, notification.occurrence_key, notification.status;
end;
$$;

comment on function scheduler.cancel_notifications(bigint[], uuid, text, text) is
  'Takes pending notifications back and releases their windows: the given ones, or all of an organisation or scenario. What is being sent or recorded at that moment is not among them, also if it comes back to be tried again.';

create or replace function scheduler.count_invocation(run scheduler.invocations)
returns scheduler.invocation_figures
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  administered constant uuid[] := scheduler.organisations_of_caller('admin');
  is_admin constant boolean := coalesce(run.organisation_ids && administered, cardinality(administered) > 0);
  followed constant uuid[] := case when not is_admin then scheduler.mentors_of_caller('coordinator') end;
  figures scheduler.invocation_figures;
begin
  if exists (select from scheduler.jobs as job where job.job_name = run.job_name and job.kind = 'sql') then
    return figures;
  end if;

  -- A dry run's shares are what it would have done.
  if is_admin then
    select
      sum(share.total_active_mentors), sum(share.total_evaluated), sum(share.total_candidates)
    into figures.total_active_mentors, figures.total_evaluated, figures.total_candidates
    from scheduler.invocation_shares as share
    where share.invocation_id = run.id and share.organisation_id = any (administered);

    -- Without a share of hers it evaluated nobody of hers.
    if figures.total_evaluated is not null then
      select summed.total_suppressed, summed.suppressed into figures.total_suppressed, figures.suppressed
      from scheduler.sum_shares(invocation_id => run.id, organisations => administered) as summed;
    end if;
  elsif run.as_of is not null then
    select count(*) into figures.total_candidates
    from scheduler.notifications as decided
    where decided.user_id = any (followed) and decided.invocation_id = run.id;
  end if;

  -- Longer ago than attempts are kept, nobody knows any more.
  if exists (
    select from scheduler.retention as rule where rule.kept = 'push_attempts' and run.requested_at < now() - rule.keep
  ) then
    return figures;
  end if;
  with met as materialized (
    select
      attempt.notification_id,
      case when attempt.outcome <> 'sent' then coalesce(attempt.error_type, 'provider_error') end as error_type
    from scheduler.push_attempts as attempt
    join scheduler.notifications as pushed on pushed.id = attempt.notification_id
    where attempt.invocation_id = run.id
      and attempt.error_code is distinct from 'NOT_TRIED'
      and (pushed.organisation_id = any (administered) or pushed.user_id = any (followed))
  ),
  broken as (
    select met.error_type, count(*) as errors from met where met.error_type is not null group by met.error_type
  )
  select
    (select count(distinct met.notification_id) from met where met.error_type is null),
    (select coalesce(sum(broken.errors), 0) from broken),
    (select coalesce(jsonb_object_agg(broken.error_type, broken.errors), '{}') from broken)
  into figures.total_dispatched, figures.total_errors, figures.errors;
  return figures;
end;
$$;

comment on function scheduler.count_invocation(scheduler.invocations) is
  'What a run did to the mentors in the caller''s reach: those of the organisations that the caller administers, else those whom the caller follows up.';

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

create or replace function scheduler.find_portal_members(member_ids text[])
returns table (member_id text, user_id uuid, timezone text)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  select distinct on (known.member_id)
    known.member_id,
    known.user_id,
    scheduler.organisation_zone(mentor.organisation_id)
  from scheduler.portal_member as known
  join scheduler.mentor as mentor on mentor.user_id = known.user_id
  where known.member_id = any (find_portal_members.member_ids)
  order by known.member_id, known.user_id;
$$;

comment on function scheduler.find_portal_members(text[]) is
  'Who these members of a portal are here, and in which zone their certifications expire. Unknown ones are left out.';

create or replace function public.finish_invocation(
  invocation_id uuid,
  status text,
  total_candidates integer default null,
  total_dispatched integer default 0,
  pages_processed integer default 0,
  errors jsonb default '{}',
  error_type text default null,
  error_message text default null,
  details jsonb default null
)
returns scheduler.invocation_summary
language plpgsql
security definer
set search_path = ''
as $$
declare
  remaining integer := 0;
  stopped boolean;
  sends boolean;
  concerned pg_catalog.uuid[];
begin
  if status is null or status not in ('completed', 'partial', 'failed') then
    raise exception 'a run ends as completed, partial or failed, not %', coalesce(quote_literal(status), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give one of the three.';
  end if;
  if jsonb_typeof(errors) is distinct from 'object' then
    raise exception 'errors must be an object of counts by type, not %', coalesce(errors::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give {} where there was none, or {"timeout_error": 2} for example.';
  end if;
  if coalesce(jsonb_typeof(details), 'object') <> 'object' then
    raise exception 'details must be an object, not %', details
      using errcode = 'invalid_parameter_value', hint = 'Leave it out where there is nothing to tell.';
  end if;
  select run.stop_requested_at is not null, scheduler.sends_pushes(run.job_name), run.organisation_ids
  into stopped, sends, concerned
  from scheduler.invocations as run
  where run.id = finish_invocation.invocation_id;
  if sends and (status <> 'completed' or stopped or exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id and invocation.dry_run
  )) then
    -- A run for some organisations is judged by what is left of them: nobody learns of others'.
    select count(*) into remaining
    from scheduler.notifications as waiting
    where waiting.due_at <= now() and (concerned is null or waiting.organisation_id = any (concerned));
  end if;
  update scheduler.invocations as invocation
  set
    -- A run that ran out of time when nothing was left to do is complete. One that was
    -- asked to stop was told that nothing is left.
    status = case
      when finish_invocation.status = 'partial' and sends and remaining = 0 then 'completed'
      when finish_invocation.status = 'completed' and stopped and remaining > 0 then 'partial'
      else finish_invocation.status
    end,
    status_reason = case when stopped and remaining > 0 then 'stopped' else invocation.status_reason end,
    finished_at = clock_timestamp(),
    total_candidates = coalesce(invocation.total_candidates, finish_invocation.total_candidates),
    total_dispatched = finish_invocation.total_dispatched,
    pages_processed = finish_invocation.pages_processed,
    errors = finish_invocation.errors,
    total_errors = (select coalesce(sum(by_type.value::integer), 0) from jsonb_each_text(finish_invocation.errors) as by_type),
    error_type = finish_invocation.error_type,
    error_message = finish_invocation.error_message,
    details = case when finish_invocation.details is null then invocation.details
      else coalesce(invocation.details, '{}') || finish_invocation.details end,
    remaining_unprocessed_count = remaining
  -- One that was taken for dead, and lived, ends as it did.
  where invocation.id = finish_invocation.invocation_id and invocation.status in ('running', 'abandoned');
  if not found and not exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id
  ) then
    raise exception 'there is no run %', coalesce(finish_invocation.invocation_id::pg_catalog.text, 'null')
      using errcode = 'no_data_found', hint = 'Open it with start_invocation first.';
  end if;
  return public.invocation_summary(finish_invocation.invocation_id);
end;
$$;

comment on function public.finish_invocation(uuid, text, integer, integer, integer, jsonb, text, text, jsonb) is
  'Closes a run in the ledger with what it did, and returns its figures. One that has ended stays as it ended.';

create or replace function scheduler.judge_certifications(as_of timestamptz, user_ids uuid[])
returns setof scheduler.status_change
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
as $$
  with clock as materialized (
    select
      required.organisation_id,
      -- A run of a day before the last that was looked at takes nothing back.
      greatest(
        (as_of at time zone scheduler.organisation_zone(required.organisation_id))::date,
        watermark.checked_until
      ) as today,
      watermark.checked_until
    from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
    left join scheduler.certification_watermarks as watermark on watermark.organisation_id = required.organisation_id
  ),
  concerned as materialized (
    select noted.user_id
    from unnest(user_ids) as noted (user_id)
    union
    select held.user_id
    from scheduler.held_certification as held
    where held.revoked_at is null
      and held.expires_on >= (select min(clock.checked_until) from clock)
      and held.expires_on < (select max(clock.today) from clock)
  ),
  judged as materialized (
    select
      mentor.user_id, mentor.organisation_id, mentor.status, paused_for.names is not null as is_paused_by_the_job,
      array(
        select required.name
        from scheduler.required_certifications as required
        where required.organisation_id = mentor.organisation_id
          -- Who never held one is left alone. What she was paused for counts even if it is gone since.
          and (
            lower(required.name) = any (paused_for.names)
            or exists (
              select from scheduler.held_certification as held
              where held.user_id = mentor.user_id and lower(held.name) = lower(required.name)
            )
          )
          and not exists (
            select from scheduler.held_certification as held
            where held.user_id = mentor.user_id
              and lower(held.name) = lower(required.name)
              and held.revoked_at is null
              and (held.expires_on is null or held.expires_on >= clock.today)
          )
        order by required.name
      ) as lacking
    from concerned
    -- One by one: a range of unknown ends is taken for half a percent of all, and the roster would be read whole.
    cross join lateral (
      select every.user_id, every.organisation_id, every.status
      from scheduler.mentor as every
      where every.user_id = concerned.user_id and every.status in ('active', 'paused')
      limit 1
    ) as mentor
    -- Whom a person paused stays paused: the last line of the history says who it was.
    left join lateral (
      select array(select lower(name) from unnest(latest.certifications) as name) as names
      from (
        select line.* from public.mentor_status_history as line where line.user_id = mentor.user_id order by line.id desc limit 1
      ) as latest
      where mentor.status = 'paused'
        and latest.to_status = 'paused'
        and latest.reason = 'certification_expired'
        and latest.changed_by = 'certification-expiry'
    ) as paused_for on true
    -- Without one, her organisation requires nothing.
    left join clock on clock.organisation_id = mentor.organisation_id
  )
  select
    judged.user_id,
    judged.organisation_id,
    judged.status,
    case when judged.lacking = '{}' then 'active' else 'paused' end,
    case when judged.lacking = '{}' then 'certification_renewed' else 'certification_expired' end,
    nullif(judged.lacking, '{}')
  from judged
  where (judged.status = 'active' and judged.lacking <> '{}')
    or (judged.is_paused_by_the_job and judged.lacking = '{}')
  order by judged.user_id;
$$;

comment on function scheduler.judge_certifications(timestamptz, uuid[]) is
  'Who is to be paused because a required certification has run out, and resumed because it was renewed: among the mentors given, and those with one that expired since the last look.';

create or replace function scheduler.keep_rejects(source text, accepted jsonb, rejects jsonb, invocation_id uuid)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  delete from scheduler.certification_rejects as mended
  where mended.source = keep_rejects.source
    and mended.external_id in (select item.external_id from jsonb_to_recordset(accepted) as item (external_id text))
    and not exists (
      select from jsonb_to_recordset(rejects) as reject (external_id text, reason text)
      where reject.external_id = mended.external_id and reject.reason = mended.reason
    );
  insert into scheduler.certification_rejects as rejected (source, external_id, reason, invocation_id)
  select distinct keep_rejects.source, reject.external_id, reject.reason, keep_rejects.invocation_id
  from jsonb_to_recordset(rejects) as reject (external_id text, reason text)
  order by 2, 3
  on conflict on constraint certification_rejects_pkey do update set
    last_seen_at = now(),
    times = rejected.times + 1,
    invocation_id = excluded.invocation_id;
end;
$$;

comment on function scheduler.keep_rejects(text, jsonb, jsonb, uuid) is
  'Keeps what of a portal''s page could not be taken over, with the reason, and forgets what could be now.';

create or replace function scheduler.note_certification_changes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    perform scheduler.recheck_certifications();
    return null;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    perform scheduler.note_checks(array(select changed.user_id from new_rows as changed));
  end if;
  if tg_op in ('DELETE', 'UPDATE') then
    perform scheduler.note_checks(array(select changed.user_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_certification_changes() is
  'Has the certifications of a mentor looked at again when one changes. For a table with user_id.';

create or replace function scheduler.note_checks(user_ids uuid[])
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In one order, so that two who note the same mentors don't wait for each other.
  with waits as (
    insert into scheduler.certification_checks as waiting (user_id)
    select distinct noted.user_id from unnest(user_ids) as noted (user_id) order by noted.user_id
    on conflict on constraint certification_checks_pkey do update set noted_at = clock_timestamp()
    returning waiting.user_id
  )
  select count(*) from waits;
$$;

comment on function scheduler.note_checks(uuid[]) is
  'Has the next run_certification_expiry look at these mentors, and returns how many they are.';

create or replace function scheduler.note_status_changes()
returns trigger
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('scheduler.status_is_noted', true) is distinct from 'yes' then
    insert into public.mentor_status_history (user_id, from_status, to_status, reason, changed_by)
    select changed.id, before.status, changed.status,
      nullif(current_setting('scheduler.status_reason', true), ''),
      -- Who comes through the API is logged in as another than who she is.
      coalesce((select auth.uid())::text, nullif(current_setting('role'), 'none'), session_user)
    from new_rows as changed
    join old_rows as before on before.id = changed.id
    where changed.status is distinct from before.status
      -- Whoever pauses a mentor whom the job has paused, and says why, takes it over.
      or (changed.status = 'paused' and nullif(current_setting('scheduler.status_reason', true), '') is not null)
    order by changed.id;

    perform scheduler.note_checks(array(
      select changed.id
      from new_rows as changed
      join old_rows as before on before.id = changed.id
      where (changed.status, changed.organisation_id) is distinct from (before.status, before.organisation_id)
    ));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_status_changes() is
  'Writes every change of a mentor''s status to its history, and has the certifications looked at again. For a table with id, status and organisation_id.';

create or replace function scheduler.organisation_zone(organisation_id uuid)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select scheduler.usable_timezone(array[
    (
      select described.timezone
      from scheduler.organisation as described
      where described.organisation_id = organisation_zone.organisation_id
      limit 1
    ),
    (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
  ]);
$$;

comment on function scheduler.organisation_zone(uuid) is
  'The time zone of an organisation; where it has none that can be used, the default one.';

create or replace function scheduler.preview_evaluation(run_id uuid, scenarios text[], organisation_ids uuid[])
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  scopes scheduler.evaluation_scope[] := array(
    select scope
    from scheduler.evaluation_scopes(
      scenarios => preview_evaluation.scenarios,
      as_of => now(),
      organisation_ids => preview_evaluation.organisation_ids,
      user_ids => null
    ) as scope
  );
  by_organisation jsonb;
  queued_by_organisation jsonb;
begin
  with verdict as materialized (
    select judged.organisation_id, judged.scenario_type, judged.reason, count(*) as mentors
    from scheduler.judge_occurrences(as_of => now(), scopes => scopes, user_ids => null, explaining => false) as judged
    where judged.due
    group by judged.organisation_id, judged.scenario_type, judged.reason
  ),
  held_back as materialized (
    select each_reason.organisation_id, each_reason.scenario_type, each_reason.reason, sum(each_reason.mentors) as mentors
    from (
      select verdict.* from verdict where verdict.reason is not null
      union all
      select resting.organisation_id, 'inactivity', resting.reason, resting.mentors
      from scheduler.count_resting_mentors(scopes) as resting
    ) as each_reason
    group by each_reason.organisation_id, each_reason.scenario_type, each_reason.reason
  )
  select
    (
      select jsonb_object_agg(organisation.organisation_id, organisation.suppressed)
      from (
        select scenario.organisation_id, jsonb_object_agg(scenario.scenario_type, scenario.reasons) as suppressed
        from (
          select held_back.organisation_id, held_back.scenario_type, jsonb_object_agg(held_back.reason, held_back.mentors) as reasons
          from held_back
          group by held_back.organisation_id, held_back.scenario_type
        ) as scenario
        group by scenario.organisation_id
      ) as organisation
    ),
    (
      select jsonb_object_agg(organisation.organisation_id, organisation.mentors)
      from (
        select verdict.organisation_id, sum(verdict.mentors) as mentors
        from verdict
        where verdict.reason is null
        group by verdict.organisation_id
      ) as organisation
    )
  into by_organisation, queued_by_organisation;

  perform scheduler.record_shares(
    run_id => run_id,
    scopes => scopes,
    queued_by_organisation => coalesce(queued_by_organisation, '{}'),
    suppressed_by_organisation => coalesce(by_organisation, '{}')
  );
  update scheduler.invocations as run
  set total_evaluated = scheduler.count_evaluated(scopes), suppressed = summed.suppressed, total_suppressed = summed.total_suppressed
  from scheduler.sum_shares(run_id) as summed
  where run.id = run_id;
end;
$$;

comment on function scheduler.preview_evaluation(uuid, text[], uuid[]) is
  'Writes beside a dry run what an evaluation would find now: how many mentors it would look at, and how many pushes it would hold back and why.';

create or replace function scheduler.read_expiry(said text, zone text)
returns date
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A day as such, or midnight somewhere as a moment.
  if said ~ '^[1-9]\d{3}-\d\d-\d\d$' then
    return said::date;
  end if;
  return (scheduler.read_moment(said) at time zone zone)::date;
exception
  when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
    return null;
end;
$$;

comment on function scheduler.read_expiry(text, text) is
  'The day on which a certification expires, as a portal writes it; null where it is none.';

create or replace function scheduler.read_moment(said text)
returns timestamptz
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if said !~ '^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$' then
    return null;
  end if;
  return said::timestamptz;
exception
  when datetime_field_overflow or invalid_datetime_format or invalid_time_zone_displacement_value then
    return null;
end;
$$;

comment on function scheduler.read_moment(text) is
  'A moment as a portal writes it; null where it is none.';

create or replace function scheduler.read_schedule(schedule text)
returns scheduler.cron_schedule
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  field_names constant text[] := array['minute', 'hour', 'day of the month', 'month', 'day of the week'];
  least_values constant integer[] := array[0, 0, 1, 1, 0];
  most_values constant integer[] := array[59, 23, 31, 12, 7];
  months constant text[] := array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
  weekdays constant text[] := array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  fields text[] := regexp_split_to_array(lower(btrim(schedule, E' \t\r\n')), '\s+');
  field_values integer[];
  names text[];
  read scheduler.cron_schedule;
  item text;
  parts text[];
  low integer;
  high integer;
  step integer;
begin
  if schedule is null or cardinality(fields) <> 5 then
    raise exception 'the schedule % has not five fields', coalesce(quote_literal(schedule), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = 'minute, hour, day of the month, month, day of the week, in UTC: ''0 6 * * *'' is every day at six.';
  end if;

  for place in 1..5 loop
    field_values := '{}';
    names := case place when 4 then months when 5 then weekdays end;
    foreach item in array string_to_array(fields[place], ',') loop
      parts := regexp_match(item, '^(?:(\*)|([a-z]{3}|[0-9]{1,2})(?:-([a-z]{3}|[0-9]{1,2}))?)(?:/([0-9]{1,2}))?$');
      low := case
        when parts[1] is not null then least_values[place]
        when parts[2] ~ '^[0-9]+$' then parts[2]::integer
        else least_values[place] - 1 + array_position(names, parts[2])
      end;
      high := case
        when parts[1] is not null then most_values[place]
        when parts[3] is null then low
        when parts[3] ~ '^[0-9]+$' then parts[3]::integer
        else least_values[place] - 1 + array_position(names, parts[3])
      end;
      step := coalesce(parts[4]::integer, 1);
      if parts is null
        or low is null or high is null
        or low < least_values[place] or high > most_values[place] or low > high
        or step = 0
        or (parts[4] is not null and parts[1] is null and parts[3] is null)
      then
        raise exception 'the schedule % can''t be read: % is no %', quote_literal(schedule), quote_literal(item), field_names[place]
          using
            errcode = 'invalid_parameter_value',
            hint = format('A %s is *, a number from %s to %s, a range like %2$s-%3$s, either with a step like */2, or a list of these.',
              field_names[place], least_values[place], most_values[place]);
      end if;
      field_values := field_values || array(select generate_series(low, high, step));
    end loop;
    case place
      when 1 then read.minutes := field_values;
      when 2 then read.hours := field_values;
      when 3 then read.days := field_values;
      when 4 then read.months := field_values;
      -- Sunday is 0 and 7.
      else read.weekdays := array(select distinct day % 7 from unnest(field_values) as day);
    end case;
  end loop;
  read.either_day := fields[3] not like '*%' and fields[5] not like '*%';
  return read;
end;
$$;

comment on function scheduler.read_schedule(text) is
  'Reads a cron expression as pg_cron does, and refuses what it can''t read with the field at fault.';

create or replace function scheduler.recheck_certifications(organisation_ids uuid[] default null)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  select scheduler.note_checks(array(
    select mentor.user_id
    from scheduler.mentor as mentor
    where mentor.status in ('active', 'paused')
      and (organisation_ids is null or mentor.organisation_id = any (organisation_ids))
  ));
$$;

comment on function scheduler.recheck_certifications(uuid[]) is
  'Has the next run_certification_expiry look at all mentors, or those of some organisations: where certifications are in a table without this project''s triggers.';

create or replace function public.record_push_results(results jsonb, invocation_id uuid default null)
returns table (notification_id bigint, status text, recorded boolean)
language plpgsql
security definer
set search_path = ''
set jit = off
as $$
#variable_conflict use_column
begin
  perform scheduler.check_push_results(results);

  return query
  select written.notification_id, written.status, written.recorded
  from scheduler.write_push_results(results => results, invocation_id => record_push_results.invocation_id) as written;

  if results @? '$[*] ? (@.outcome == "invalid_token")' then
    begin
      -- Only what was recorded just now: a sender that comes too late puts nothing away.
      perform scheduler.disable_devices(array(
        select distinct result.item ->> 'token'
        from jsonb_array_elements(results) as result (item)
        join scheduler.push_attempts as attempt
          on attempt.notification_id = (result.item ->> 'notification_id')::bigint
          and attempt.token_hash = sha256(convert_to(result.item ->> 'token', 'UTF8'))
        where result.item ->> 'outcome' = 'invalid_token'
          and attempt.outcome = 'invalid_token'
          and attempt.attempted_at = now()
      ));
    exception
      -- What was sent stays recorded, whatever a table of the application's says.
      when others then
        raise warning 'refused devices could not be put away: % (%)', sqlerrm, sqlstate
          using hint = 'Replace scheduler.disable_devices for device tables of your own; scheduler_status() counts what is left.';
    end;
  end if;
end;
$$;

comment on function public.record_push_results(jsonb, uuid) is
  'Records what became of a page, from [{notification_id, lease_token, token, outcome, …}], an entry for each device. A notification whose lease is not the caller''s is left untouched, and returned with recorded = false and the status that it had when the call began.';

create or replace function scheduler.retry_runs(at timestamptz)
returns table (job_name text, invocation_id uuid, found text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  run record;
  configured constant boolean := scheduler.edge_url_problem(scheduler.read_secret('scenario_scheduler_url')) is null
    and scheduler.edge_secret_problem(scheduler.read_secret('scenario_scheduler_secret')) is null;
  retry_id uuid;
begin
  for run in
    select broken.id, broken.job_name, broken.scheduled_for, broken.scenarios, broken.organisation_ids,
      counted.tries + (broken.status <> 'skipped')::integer as attempt_now,
      broken.status || coalesce(': ' || coalesce(broken.error_message, broken.status_reason), '') as said
    from scheduler.invocations as broken
    join scheduler.jobs as job on job.job_name = broken.job_name and job.kind = 'edge' and job.enabled
    -- One that got somewhere begins to count anew.
    cross join lateral (
      select case when broken.status = 'partial' and broken.pages_processed > 0 then 0 else broken.attempt end as tries
    ) as counted
    where broken.requested_at > retry_runs.at - job.catch_up
      -- Nobody waits for what was asked for by hand: they see that it failed.
      and broken.scheduled_for is not null
      and not broken.dry_run
      and (
        -- Where the evaluation stands, the rest is sent by the next minute's tick.
        (broken.status in ('failed', 'abandoned', 'partial') and broken.started_at is not null and broken.as_of is null and broken.status_reason is null)
        -- The run that it met may have been a narrower one.
        or (broken.status = 'skipped' and broken.status_reason = 'overlap')
        or (broken.status_reason = 'not_configured' and configured)
      )
      and broken.finished_at + scheduler.wait_before_asking(greatest(counted.tries, 1), job.catch_up) <= retry_runs.at
      and not exists (select from scheduler.invocations as retry where retry.retry_of = broken.id)
      and not scheduler.is_paused(job.job_name)
      -- One that is on, or ended since and did as much, makes it needless.
      and not exists (
        select from scheduler.invocations as other
        where other.job_name = broken.job_name
          and other.id <> broken.id
          and not other.dry_run
          and (
            other.status in ('requested', 'running')
            or (
              other.status in ('completed', 'partial')
              and other.heartbeat_at is not null
              and other.finished_at >= broken.requested_at
              and other.organisation_ids is null
              and (other.scenarios is null or other.scenarios @> broken.scenarios)
            )
          )
      )
    order by broken.requested_at
    for update of broken skip locked
  loop
    retry_id := null;
    insert into scheduler.invocations (
      id, job_name, status, triggered_by, scheduled_for, scenarios, organisation_ids, attempt, retry_of
    )
    values (
      gen_random_uuid(), run.job_name, 'requested', 'retry', run.scheduled_for, run.scenarios, run.organisation_ids,
      run.attempt_now, run.id
    )
    on conflict do nothing
    returning id into retry_id;
    if retry_id is not null then
      perform scheduler.request_run(retry_id);
      return query select run.job_name, retry_id, run.said;
    end if;
  end loop;
end;
$$;

comment on function scheduler.retry_runs(timestamptz) is
  'Has runs of a tick begun anew, under rows of their own, that failed or died before their work was safe, met another run, were not done in time, or could not be asked for.';

create or replace function scheduler.revoke_unnamed(source text, started_at timestamptz, most_losses numeric)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  missed bigint;
  known bigint;
  revoked bigint;
begin
  select count(*) filter (where listed.seen_in_round < revoke_unnamed.started_at), count(*)
  into missed, known
  from scheduler.portal_certifications as listed
  where listed.source = revoke_unnamed.source and not listed.removed;
  -- Nothing at all is no answer, however little there was.
  if missed > greatest(10, known * most_losses) or (missed = known and known > 0 and most_losses < 1) then
    raise exception 'the portal named % of the % certifications that it is known to have: that is not believed, and nothing is revoked', known - missed, known
      using errcode = 'data_exception', hint = 'If it is right, raise most_losses in scheduler.portal_syncs for a night.';
  end if;
  with gone as (
    update scheduler.portal_certifications as listed
    set removed = true
    where listed.source = revoke_unnamed.source and not listed.removed and listed.seen_in_round < revoke_unnamed.started_at
    returning listed.external_id, listed.user_id
  )
  select scheduler.write_certifications(coalesce(jsonb_agg(jsonb_build_object(
    'external_id', gone.external_id, 'user_id', gone.user_id, 'removed', true
  )), '[]'))
  into revoked
  from gone;
  return revoked;
end;
$$;

comment on function scheduler.revoke_unnamed(text, timestamptz, numeric) is
  'Revokes what a round for everything did not name, and returns how many; an error where it misses too much to be believed.';

create or replace function public.run_certification_expiry(
  as_of timestamptz default now(),
  dry_run boolean default false
)
returns setof scheduler.status_change
language plpgsql
security definer
set search_path = ''
-- A plan for lists of any length takes the square of theirs in time.
set plan_cache_mode = force_custom_plan
as $$
declare
  noted scheduler.certification_checks[];
  changes scheduler.status_change[];
  changed pg_catalog.uuid[];
  wanted pg_catalog.text;
begin
  perform scheduler.check_evaluation_arguments(scenarios => null, as_of => as_of, dry_run => dry_run);
  if dry_run then
    return query
    select change.*
    from scheduler.judge_certifications(
      as_of => as_of,
      user_ids => array(select mentor.user_id from scheduler.mentor as mentor where mentor.status in ('active', 'paused'))
    ) as change;
    return;
  end if;

  perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler certifications', 0));
  -- Not locked: whoever writes a mentor's row and notes her then would wait for us, and we for her row.
  noted := array(select waiting from scheduler.certification_checks as waiting);
  select coalesce(array_agg(change order by change.user_id), '{}') into changes
  from scheduler.judge_certifications(
    as_of => as_of, user_ids => array(select waiting.user_id from unnest(noted) as waiting)
  ) as change;

  foreach wanted in array array['paused', 'active'] loop
    perform set_config('scheduler.status_is_noted', 'yes', true);
    changed := scheduler.set_mentor_status(
      user_ids => array(select change.user_id from unnest(changes) as change where change.to_status = wanted),
      expected => case wanted when 'paused' then 'active' else 'paused' end,
      status => wanted
    );
    perform set_config('scheduler.status_is_noted', '', true);
    insert into public.mentor_status_history (user_id, from_status, to_status, reason, certifications, changed_by)
    select change.user_id, change.from_status, change.to_status, change.reason, change.certifications, 'certification-expiry'
    from unnest(changes) as change
    where change.user_id = any (changed)
    order by change.user_id;
    return query select change.* from unnest(changes) as change where change.user_id = any (changed);
  end loop;

  if as_of > now() + interval '1 day' then
    -- The next night judges by the real date what was judged by one to come.
    perform scheduler.note_checks(array(select change.user_id from unnest(changes) as change));
  else
    -- Who was noted again meanwhile stays so.
    delete from scheduler.certification_checks as done
    where done.user_id in (
      select looked_at.user_id
      from scheduler.certification_checks as looked_at
      join unnest(noted) as seen on seen.user_id = looked_at.user_id and seen.noted_at = looked_at.noted_at
      for update of looked_at skip locked
    );
  end if;
  delete from scheduler.certification_watermarks as idle
  where not exists (select from scheduler.required_certifications as required where required.organisation_id = idle.organisation_id);
  insert into scheduler.certification_watermarks as watermark (organisation_id, checked_until)
  select required.organisation_id, (least(as_of, now()) at time zone scheduler.organisation_zone(required.organisation_id))::pg_catalog.date
  from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
  order by required.organisation_id
  on conflict on constraint certification_watermarks_pkey do update set
    checked_until = greatest(watermark.checked_until, excluded.checked_until);
end;
$$;

comment on function public.run_certification_expiry(timestamptz, boolean) is
  'Pauses active mentors whose required certification has run out, resumes those paused for that reason whose certification was renewed, and returns both. With dry_run it looks at everybody and writes nothing.';

create or replace function scheduler.sends_pushes(job_name text)
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from scheduler.jobs as job
    where job.job_name = sends_pushes.job_name and job.target not in ('scenario-evaluation', 'dispatch-backlog')
  );
$$;

comment on function scheduler.sends_pushes(text) is
  'Whether a job takes pushes from the outbox, page by page.';

create or replace function public.stop_invocation(invocation_id uuid)
returns scheduler.invocation_entry
language plpgsql
security definer
set search_path = ''
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run scheduler.invocations := scheduler.own_invocation(
    invocation_id => stop_invocation.invocation_id, organisations => organisations
  );
begin
  if run.dry_run or not scheduler.sends_pushes(run.job_name) then
    raise exception 'the run % has no pages to stop at', run.id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;
  update scheduler.invocations as running
  set stop_requested_at = coalesce(running.stop_requested_at, clock_timestamp())
  where running.id = run.id and running.status = 'running'
  returning running.* into run;
  if not found then
    raise exception 'the run % is not running', stop_invocation.invocation_id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Only a run that is on can be stopped; look at its status.';
  end if;
  return scheduler.describe_invocation(run, organisations);
end;
$$;

comment on function public.stop_invocation(uuid) is
  'Asks a running run to claim no further page. What is left is sent by the next minute''s run, unless that is paused. For staff of all the organisations that it concerns.';

create or replace function scheduler.sum_shares(invocation_id uuid, organisations uuid[] default null)
returns table (total_suppressed integer, suppressed jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(scenario.mentors), 0)::integer, coalesce(jsonb_object_agg(scenario.scenario_type, scenario.reasons), '{}')
  from (
    select
      each_reason.scenario_type, sum(each_reason.mentors) as mentors,
      jsonb_object_agg(each_reason.reason, each_reason.mentors) as reasons
    from (
      select scenario.key as scenario_type, reason.key as reason, sum(reason.value::integer) as mentors
      from scheduler.invocation_shares as share
      cross join lateral jsonb_each(share.suppressed) as scenario
      cross join lateral jsonb_each_text(scenario.value) as reason
      where share.invocation_id = sum_shares.invocation_id
        and (organisations is null or share.organisation_id = any (organisations))
      group by scenario.key, reason.key
    ) as each_reason
    group by each_reason.scenario_type
  ) as scenario;
$$;

comment on function scheduler.sum_shares(uuid, uuid[]) is
  'What a run held back in these organisations, or in all, by scenario and reason.';

create or replace function scheduler.track_activity(
  source regclass,
  user_column name,
  date_column name,
  counts text default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  source_id bigint;
begin
  if user_column is null or date_column is null then
    raise exception 'user_column and date_column of a tracked activity can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Example: select scheduler.track_activity(''public.activities'', ''user_id'', ''activity_date'');';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      date_column, '["date", "timestamp without time zone"]'::jsonb
    )
  );
  if counts is not null then
    perform scheduler.check_condition(source, counts);
  end if;

  -- Of two who say at once what is tracked, the second sees what the first tracked.
  lock table scheduler.tracked_sources in share row exclusive mode;
  insert into scheduler.tracked_sources as tracked (kind, source, user_column, date_column, condition)
  values ('activity', source, user_column, date_column, counts)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    condition = excluded.condition
  returning tracked.id into source_id;

  if not exists (
    select from pg_index as i
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisvalid and i.indpred is null and a.attname = user_column
  ) then
    raise warning 'no index of % begins with %: changes and milestones will read the whole table', source, quote_ident(user_column)
      using hint = format('create index on %s (%I, %I);', source, user_column, date_column);
  end if;

  perform scheduler.create_source_fold(source_id);
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_activity(regclass, name, name, text) is
  'Counts the rows of a table as activity of mentors, or those for which the condition holds. Can be repeated; fills the state from what is there.';

create or replace function scheduler.track_roster(
  source regclass,
  user_column name default 'id',
  organisation_column name default 'organisation_id',
  joined_on_column name default 'joined_on',
  active_when text default 'status = ''active''',
  timezone_column name default null,
  locale_column name default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  previous regclass;
begin
  if user_column is null or joined_on_column is null or active_when is null then
    raise exception 'user_column, joined_on_column and active_when of a roster can''t be null'
      using errcode = 'null_value_not_allowed', hint = 'Only organisation_column, timezone_column and locale_column may be left out.';
  end if;
  perform scheduler.check_source_columns(
    source => source,
    wanted => jsonb_strip_nulls(jsonb_build_object(
      user_column, '["uuid"]'::jsonb,
      joined_on_column, '["date", "timestamp without time zone"]'::jsonb
    ))
    || case when organisation_column is null then '{}' else jsonb_build_object(organisation_column, '["uuid"]'::jsonb) end
    || case when timezone_column is null then '{}' else jsonb_build_object(timezone_column, '["text", "character varying"]'::jsonb) end
    || case when locale_column is null then '{}' else jsonb_build_object(locale_column, '["text", "character varying"]'::jsonb) end
  );
  if not exists (
    select from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = source and i.indisunique and i.indpred is null and i.indnkeyatts = 1 and a.attname = user_column
  ) then
    raise exception 'column % of % is not unique, so a mentor could stand there twice', quote_ident(user_column), source
      using errcode = 'invalid_table_definition', hint = 'Give it a primary key or a unique constraint of its own.';
  end if;
  perform scheduler.check_condition(source, active_when);

  -- Of two who say at once what is tracked, the second sees what the first tracked.
  lock table scheduler.tracked_sources in share row exclusive mode;
  select tracked.source into previous
  from scheduler.tracked_sources as tracked
  where tracked.kind = 'roster' and tracked.source <> track_roster.source;
  if found then
    perform scheduler.drop_source_triggers(previous, 'roster');
    delete from scheduler.tracked_sources as tracked where tracked.kind = 'roster';
  end if;

  insert into scheduler.tracked_sources as tracked
    (kind, source, user_column, date_column, organisation_column, timezone_column, locale_column, condition)
  values ('roster', source, user_column, joined_on_column, organisation_column, timezone_column, locale_column, active_when)
  on conflict on constraint a_source_is_tracked_once_per_kind do update set
    user_column = excluded.user_column,
    date_column = excluded.date_column,
    organisation_column = excluded.organisation_column,
    timezone_column = excluded.timezone_column,
    locale_column = excluded.locale_column,
    condition = excluded.condition;

  perform scheduler.create_source_triggers(source => source, kind => 'roster', fold => 'scheduler.fold_roster');
  perform scheduler.refresh_source_views();
  perform scheduler.rebuild_mentor_state();
end;
$$;

comment on function scheduler.track_roster(regclass, name, name, name, text, name, name) is
  'Makes a table the roster: a row per mentor, and the condition on the row that makes one active. Can be repeated; fills the state from what is there.';

create or replace function scheduler.wait_before_asking(attempt integer, catch_up interval)
returns interval
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when attempt > 3 then null
    when catch_up is null then interval '0'
    else (array[interval '0', least(interval '10 minutes', catch_up / 4), catch_up / 4])[attempt]
  end;
$$;

comment on function scheduler.wait_before_asking(integer, interval) is
  'How long to wait, after the function was asked so many times in vain, before it is asked again; null: no more. A job that has its next tick in a minute does not wait.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
