-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

drop function if exists scheduler.foresee_evaluation(text[],uuid[]);

drop function if exists scheduler.record_evaluation(uuid,timestamp with time zone,timestamp with time zone,scheduler.evaluation_scope[],jsonb,jsonb,jsonb);

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

create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  granted record;
  for_operators constant text[] := array[
    'explain_scenario_evaluation', 'scheduler_status'
  ];
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
      round_seen = 0,
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

    select sum(scenario.mentors), jsonb_object_agg(scenario.scenario_type, scenario.reasons)
    into figures.total_suppressed, figures.suppressed
    from (
      select each_reason.scenario_type, jsonb_object_agg(each_reason.reason, each_reason.mentors) as reasons, sum(each_reason.mentors) as mentors
      from (
        select scenario.key as scenario_type, reason.key as reason, sum(reason.value::integer) as mentors
        from scheduler.invocation_shares as share
        cross join lateral jsonb_each(share.suppressed) as scenario
        cross join lateral jsonb_each_text(scenario.value) as reason
        where share.invocation_id = run.id and share.organisation_id = any (administered)
        group by scenario.key, reason.key
      ) as each_reason
      group by each_reason.scenario_type
    ) as scenario;
    if figures.total_evaluated is not null then
      figures.total_suppressed := coalesce(figures.total_suppressed, 0);
      figures.suppressed := coalesce(figures.suppressed, '{}');
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

create or replace function scheduler.describe_invocation(run scheduler.invocations, organisations uuid[])
returns scheduler.invocation_entry
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select
    run.id,
    run.job_name,
    run.status,
    run.status_reason,
    run.triggered_by,
    run.scheduled_for,
    run.requested_at,
    run.started_at,
    run.finished_at,
    run.stop_requested_at,
    run.dry_run,
    run.scenarios,
    run.organisation_ids is null,
    run.attempt,
    run.retry_of,
    run.error_type,
    -- What the network says of our function's address is for operators.
    case when run.error_message like 'not reached: %' then 'not reached' else run.error_message end,
    (
      select written.note
      from scheduler.invocation_notes as written
      where written.invocation_id = run.id and written.organisation_id = any (organisations)
      order by written.noted_at desc
      limit 1
    );
$$;

comment on function scheduler.describe_invocation(scheduler.invocations, uuid[]) is
  'A run as staff of these organisations see it, with their own note.';

create or replace function public.evaluate_mentors(
  user_ids uuid[],
  dry_run boolean default true,
  scenarios text[] default null
)
returns scheduler.batch_evaluation
language plpgsql
security definer
set search_path = ''
as $$
declare
  reach constant pg_catalog.uuid[] := scheduler.mentors_of_caller();
  began constant pg_catalog.timestamptz := clock_timestamp();
  unknown_place bigint;
  concerned pg_catalog.uuid[];
  result scheduler.batch_evaluation;
begin
  perform scheduler.require_staff();
  if coalesce(cardinality(user_ids), 0) not between 1 and 1000 then
    raise exception 'user_ids must be 1 to 1000 ids, not %', coalesce(cardinality(user_ids)::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', column = 'user_ids', hint = 'Ask in several batches.';
  end if;
  if not dry_run then
    perform scheduler.check_staff_job('scenario-evaluation');
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  if scenarios = '{}' then
    raise exception 'scenarios must name one at least'
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = 'Leave it out for all.';
  end if;
  -- Others' mentors are told from nobody by nothing.
  select asked.place - 1 into unknown_place
  from unnest(user_ids) with ordinality as asked (user_id, place)
  left join unnest(reach) as reached (user_id) on reached.user_id = asked.user_id
  where reached.user_id is null
  order by asked.place
  limit 1;
  if found then
    raise exception 'user_ids[%] is no mentor in your reach', unknown_place
      using errcode = 'invalid_parameter_value', column = 'user_ids/' || unknown_place, hint = 'Take it out; nothing was evaluated.';
  end if;

  select coalesce(array_agg(distinct state.organisation_id), '{}'), count(*) filter (where state.active)
  into concerned, result.evaluated
  from scheduler.mentor_state as state
  where state.user_id = any (user_ids);
  if not dry_run then
    result.invocation_id := gen_random_uuid();
    insert into scheduler.invocations (
      id, job_name, status, triggered_by, organisation_ids, scenarios, requested_by, requested_at, started_at, finished_at
    )
    values (
      result.invocation_id, 'scenario-evaluation', 'completed', 'api', concerned, evaluate_mentors.scenarios,
      auth.uid(), began, began, began
    );
  end if;
  select coalesce(jsonb_agg(to_jsonb(candidate) - 'data' order by candidate.user_id, candidate.scenario_type), '[]')
  into result.candidates
  from public.run_scenario_evaluation(
    scenarios => evaluate_mentors.scenarios,
    user_ids => evaluate_mentors.user_ids,
    dry_run => evaluate_mentors.dry_run,
    invocation_id => result.invocation_id
  ) as candidate;
  update scheduler.invocations as run set finished_at = clock_timestamp() where run.id = result.invocation_id;
  return result;
end;
$$;

comment on function public.evaluate_mentors(uuid[], boolean, text[]) is
  'Evaluates given mentors in the caller''s reach now: which of them would get a push, or, with dry_run => false, do. For staff.';

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
    scheduler.usable_timezone(array[
      described.timezone,
      (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
    ])
  from scheduler.portal_member as known
  join scheduler.mentor as mentor on mentor.user_id = known.user_id
  left join scheduler.organisation as described on described.organisation_id = mentor.organisation_id
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
  select
    run.stop_requested_at is not null, coalesce(job.target in ('scenario-evaluation', 'dispatch-backlog'), true),
    run.organisation_ids
  into stopped, sends, concerned
  from scheduler.invocations as run
  left join scheduler.jobs as job on job.job_name = run.job_name
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

create or replace function scheduler.is_waiting(job_name text, scheduled_for timestamptz, at timestamptz default now())
returns boolean
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
    from scheduler.jobs as job
    join scheduler.jobs as first on first.job_name = job.waits_for and first.enabled and first.schedule is not null
    where job.job_name = is_waiting.job_name
      -- Without it nobody would start it later.
      and job.catch_up is not null
      and is_waiting.at < is_waiting.scheduled_for + interval '1 hour'
      and not scheduler.is_paused(first.job_name)
      -- One that never does anything is not waited for.
      and exists (
        select from scheduler.invocations as useful
        where useful.job_name = first.job_name
          and useful.requested_at > is_waiting.at - interval '7 days'
          and useful.pages_processed > 0
      )
      and (
        first.last_tick_for < is_waiting.scheduled_for
        or exists (
          select from scheduler.invocations as run
          where run.job_name = first.job_name
            and run.requested_at > is_waiting.at - interval '1 hour'
            and (
              run.status in ('requested', 'running')
              -- Or about to be begun again.
              or (
                (run.status = 'partial' or (
                  run.status in ('failed', 'abandoned')
                  and run.started_at is not null
                  and run.scheduled_for is not null
                  and scheduler.wait_before_asking(run.attempt, first.catch_up) = interval '0'
                ))
                and not exists (select from scheduler.invocations as following where following.retry_of = run.id)
              )
            )
        )
      )
  );
$$;

comment on function scheduler.is_waiting(text, timestamptz, timestamptz) is
  'Whether a job''s tick is to wait for another job''s of the same time: an hour at most, and only where that one does something.';

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
        (as_of at time zone scheduler.usable_timezone(array[
          described.timezone,
          (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
        ]))::date,
        watermark.checked_until
      ) as today,
      watermark.checked_until
    from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
    left join lateral (
      select view.timezone from scheduler.organisation as view where view.organisation_id = required.organisation_id limit 1
    ) as described on true
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

create or replace function scheduler.judge_portal_page(certifications jsonb)
returns table (accepted jsonb, rejected jsonb)
language sql
stable
set search_path = pg_catalog, pg_temp
set jit = off
-- Nothing is known of the lists that it joins.
set enable_nestloop = off
as $$
  with said as materialized (
    select
      item.place,
      jsonb_typeof(item.value) = 'object' as is_object,
      left(case when jsonb_typeof(item.value -> 'external_id') = 'string' then btrim(item.value ->> 'external_id') else '' end, 200) as external_id,
      case when jsonb_typeof(item.value -> 'member_id') = 'string' then btrim(item.value ->> 'member_id') else '' end as member_id,
      case when jsonb_typeof(item.value -> 'name') = 'string' then left(btrim(item.value ->> 'name'), 200) else '' end as name,
      coalesce(jsonb_typeof(item.value -> 'expires_on'), 'null') as kind_of_expiry,
      item.value ->> 'expires_on' as expires_on,
      case when jsonb_typeof(item.value -> 'modified_on') = 'string' then scheduler.read_moment(item.value ->> 'modified_on') end as modified_on,
      case coalesce(jsonb_typeof(item.value -> 'removed'), 'null')
        when 'boolean' then (item.value ->> 'removed')::boolean
        when 'null' then false
      end as removed
    from jsonb_array_elements(certifications) with ordinality as item (value, place)
  ),
  read as materialized (
    select
      said.*,
      member.user_id,
      case when said.kind_of_expiry = 'string' then scheduler.read_expiry(said.expires_on, member.timezone) end as expires
    from said
    left join scheduler.find_portal_members(array(select distinct named.member_id from said as named)) as member
      on member.member_id = said.member_id
  ),
  judged as materialized (
    select
      read.*,
      case
        when not read.is_object then 'no_object'
        when read.external_id = '' then 'no_external_id'
        when read.removed is null then 'malformed_removed'
        when read.modified_on is null then 'malformed_modified_on'
        when read.removed then null
        when read.member_id = '' then 'no_member'
        when read.user_id is null then 'unknown_member'
        when read.name = '' then 'no_name'
        when read.kind_of_expiry <> 'null' and read.expires is null then 'malformed_date'
      end as reason
    from read
  ),
  ranked as materialized (
    select
      judged.*,
      row_number() over (partition by judged.reason is null, judged.external_id order by judged.modified_on desc, judged.place desc) as rank
    from judged
  )
  select
    coalesce(jsonb_agg(jsonb_build_object(
      'external_id', ranked.external_id, 'user_id', ranked.user_id, 'name', ranked.name, 'expires_on', ranked.expires,
      'modified_on', ranked.modified_on, 'removed', ranked.removed
    )) filter (where ranked.reason is null and ranked.rank = 1), '[]'),
    coalesce(jsonb_agg(jsonb_build_object(
      'external_id', ranked.external_id, 'reason', coalesce(ranked.reason, 'duplicate')
    )) filter (where ranked.reason is not null or ranked.rank > 1), '[]')
  from ranked;
$$;

comment on function scheduler.judge_portal_page(jsonb) is
  'Which certifications of a portal''s page can be taken over, and why not the others.';

create or replace function public.list_invocations(
  job_name text default null,
  status text default null,
  requested_from timestamptz default null,
  requested_to timestamptz default null,
  before_requested_at timestamptz default null,
  before_id uuid default null,
  page_size integer default 50
)
returns setof scheduler.invocation_entry
language plpgsql
stable
security definer
set search_path = ''
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  known constant pg_catalog.text[] := array['requested', 'running', 'completed', 'partial', 'failed', 'skipped', 'abandoned'];
begin
  perform scheduler.check_page_size(page_size);
  if status is not null and status <> all (known) then
    raise exception 'status must be one of %, not %', array_to_string(known, ', '), quote_literal(status)
      using errcode = 'invalid_parameter_value', column = 'status', hint = 'Leave it out for all.';
  end if;
  if (before_requested_at is null) <> (before_id is null) then
    raise exception 'before_requested_at and before_id go together'
      using errcode = 'invalid_parameter_value', column = 'before_id', hint = 'Give both of the last run of the page before, or none.';
  end if;
  if requested_from >= requested_to then
    raise exception 'requested_from must be before requested_to'
      using errcode = 'invalid_parameter_value', column = 'requested_to', hint = 'Swap them, or leave one out.';
  end if;

  -- Those of everybody come in order, from an index for each combination of filters.
  -- Those of some organisations are few for each, and are sorted: among all the
  -- others' they would be looked for in vain.
  return query
  with seen as materialized (
    (
      select everybodys.*
      from scheduler.invocations as everybodys
      where everybodys.organisation_ids is null
        and (list_invocations.job_name is null or everybodys.job_name = list_invocations.job_name)
        and (list_invocations.status is null or everybodys.status = list_invocations.status)
        and (requested_from is null or everybodys.requested_at >= requested_from)
        and (requested_to is null or everybodys.requested_at < requested_to)
        and (before_id is null or (everybodys.requested_at, everybodys.id) < (before_requested_at, before_id))
      order by everybodys.requested_at desc, everybodys.id desc
      limit page_size
    )
    union all
    (
      select own.*
      from (
        select narrowed.*
        from scheduler.invocations as narrowed
        where narrowed.organisation_ids && organisations
          and (list_invocations.job_name is null or narrowed.job_name = list_invocations.job_name)
          and (list_invocations.status is null or narrowed.status = list_invocations.status)
          and (requested_from is null or narrowed.requested_at >= requested_from)
          and (requested_to is null or narrowed.requested_at < requested_to)
          and (before_id is null or (narrowed.requested_at, narrowed.id) < (before_requested_at, before_id))
        offset 0
      ) as own
      order by own.requested_at desc, own.id desc
      limit page_size
    )
  )
  select entry.*
  from seen as run
  cross join lateral scheduler.describe_invocation(run::scheduler.invocations, organisations) as entry
  order by run.requested_at desc, run.id desc
  limit page_size;
end;
$$;

comment on function public.list_invocations(text, text, timestamptz, timestamptz, timestamptz, uuid, integer) is
  'The runs that concern the caller''s organisations, newest first, a page at a time (before_…: the last one of the page before). For staff.';

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
    perform scheduler.note_mentors(array(select changed.user_id from new_rows as changed));
  end if;
  if tg_op in ('DELETE', 'UPDATE') then
    perform scheduler.note_mentors(array(select changed.user_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_certification_changes() is
  'Has the certifications of a mentor looked at again when one changes. For a table with user_id.';

create or replace function scheduler.note_mentors(user_ids uuid[])
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  -- In one order, so that two who note the same mentors don't wait for each other.
  insert into scheduler.certification_checks as waiting (user_id)
  select distinct noted.user_id from unnest(user_ids) as noted (user_id) order by noted.user_id
  on conflict on constraint certification_checks_pkey do update set noted_at = clock_timestamp();
$$;

comment on function scheduler.note_mentors(uuid[]) is
  'Has the next run_certification_expiry look at these mentors.';

create or replace function scheduler.note_requirement_changes()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op in ('INSERT', 'UPDATE') then
    perform scheduler.recheck_certifications(array(select distinct changed.organisation_id from new_rows as changed));
  end if;
  if tg_op in ('DELETE', 'UPDATE') then
    perform scheduler.recheck_certifications(array(select distinct changed.organisation_id from old_rows as changed));
  end if;
  return null;
end;
$$;

comment on function scheduler.note_requirement_changes() is
  'Has the certifications of an organisation''s mentors looked at again when what it requires changes.';

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

    perform scheduler.note_mentors(array(
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

create or replace function scheduler.own_invocation(invocation_id uuid, organisations uuid[])
returns scheduler.invocations
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => own_invocation.invocation_id,
    organisations => scheduler.require_staff()
  );
begin
  if exists (
    select from unnest(run.organisation_ids) as concerned (organisation_id)
    where concerned.organisation_id <> all (organisations)
  ) or (
    -- Whoever is there now, or was then.
    run.organisation_ids is null and exists (
      select from scheduler.organisation as concerned where concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.organisation_state as concerned where concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.invocation_shares as concerned
      where concerned.invocation_id = run.id and concerned.organisation_id <> all (organisations)
      union all
      select from scheduler.invocation_notes as concerned
      where concerned.invocation_id = run.id and concerned.organisation_id <> all (organisations)
    )
  ) then
    raise exception 'the run % is not yours alone', run.id
      using errcode = 'insufficient_privilege', hint = 'Ask whoever operates the scheduler.';
  end if;
  return run;
end;
$$;

comment on function scheduler.own_invocation(uuid, uuid[]) is
  'A run that concerns nobody but these organisations; an error where it is another''s too.';

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
  whole jsonb;
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
      select jsonb_object_agg(scenario.scenario_type, scenario.reasons)
      from (
        select reason.scenario_type, jsonb_object_agg(reason.reason, reason.mentors) as reasons
        from (
          select held_back.scenario_type, held_back.reason, sum(held_back.mentors) as mentors
          from held_back
          group by held_back.scenario_type, held_back.reason
        ) as reason
        group by reason.scenario_type
      ) as scenario
    ),
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
  into whole, by_organisation, queued_by_organisation;

  update scheduler.invocations as run
  set
    total_evaluated = scheduler.count_evaluated(scopes),
    suppressed = coalesce(whole, '{}'),
    total_suppressed = (
      select coalesce(sum(reason.value::integer), 0)
      from jsonb_each(whole) as scenario, jsonb_each_text(scenario.value) as reason
    )
  where run.id = run_id;
  perform scheduler.record_shares(
    run_id => run_id,
    scopes => scopes,
    queued_by_organisation => coalesce(queued_by_organisation, '{}'),
    suppressed_by_organisation => coalesce(by_organisation, '{}')
  );
end;
$$;

comment on function scheduler.preview_evaluation(uuid, text[], uuid[]) is
  'Writes beside a dry run what an evaluation would find now: how many mentors it would look at, and how many pushes it would hold back and why.';

create or replace function scheduler.read_expiry(said text, zone text)
returns date
language plpgsql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
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
set timezone = 'UTC'
set datestyle = 'ISO'
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

create or replace function scheduler.recheck_certifications(organisation_ids uuid[] default null)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with noted as (
    insert into scheduler.certification_checks as waiting (user_id)
    select mentor.user_id
    from scheduler.mentor as mentor
    where mentor.status in ('active', 'paused')
      and (organisation_ids is null or mentor.organisation_id = any (organisation_ids))
    order by mentor.user_id
    on conflict on constraint certification_checks_pkey do update set noted_at = clock_timestamp()
    returning waiting.user_id
  )
  select count(*) from noted;
$$;

comment on function scheduler.recheck_certifications(uuid[]) is
  'Has the next run_certification_expiry look at all mentors, or those of some organisations: where certifications are in a table without this project''s triggers.';

create or replace function scheduler.record_evaluation(
  run_id uuid,
  started timestamptz,
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  queued_by_config jsonb,
  queued_by_scenario jsonb,
  suppressed_by_reason jsonb,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  is_of_some_mentors boolean default false
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  active integer;
  evaluated integer := scheduler.count_evaluated(scopes);
  candidates integer := (select coalesce(sum(q.value::integer), 0) from jsonb_each_text(queued_by_scenario) as q);
  suppressed integer := (
    select coalesce(sum(reason.value::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
  );
  repeated integer := (
    select coalesce(sum((scenario.value ->> 'already_evaluated')::integer), 0)
    from jsonb_each(suppressed_by_reason) as scenario
  );
begin
  select coalesce(sum(o.active_mentors), 0) into active from scheduler.organisation_state as o;
  -- A few mentors are no evaluation of the scenario.
  update scheduler.scenario_config as config
  set
    last_evaluated_at = started,
    last_evaluated_count = covered.mentors,
    last_candidate_count = coalesce((queued_by_config ->> config.id::text)::integer, 0)
  from (
    select scope.config_id, sum(scope.active_mentors) as mentors from unnest(scopes) as scope group by scope.config_id
  ) as covered
  where not is_of_some_mentors
    and config.id = covered.config_id
    -- A row that an operator is just editing goes without: the ledger has the figures too.
    and config.id in (
      select free.id
      from scheduler.scenario_config as free
      where free.id in (select scope.config_id from unnest(scopes) as scope)
      for update skip locked
    );

  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, scenarios, organisation_ids, as_of, started_at, finished_at,
    total_active_mentors, total_evaluated, total_candidates, total_suppressed, suppressed
  )
  values (
    run_id, 'scenario-evaluation', 'completed', session_user, record_evaluation.scenarios,
    -- So that it is no other organisation's run.
    case when is_of_some_mentors
      then array(select distinct scope.organisation_id from unnest(scopes) as scope order by scope.organisation_id)
      else record_evaluation.organisation_ids
    end,
    as_of, started, clock_timestamp(),
    active, evaluated, candidates, suppressed, suppressed_by_reason
  )
  on conflict (id) do update set
    as_of = excluded.as_of,
    total_active_mentors = excluded.total_active_mentors,
    total_evaluated = excluded.total_evaluated,
    total_candidates = coalesce(invocation.total_candidates, 0) + excluded.total_candidates,
    total_suppressed = excluded.total_suppressed,
    suppressed = excluded.suppressed;

  if repeated > 0 then
    raise warning '% occurrences are due again on a day for which they have a notification already; nothing was written for them', repeated;
  end if;
  raise notice '% of % active mentors evaluated: % candidates%, % suppressed%',
    evaluated, active,
    candidates,
    coalesce((select ' (' || string_agg(q.key || ' ' || q.value, ', ' order by q.key) || ')' from jsonb_each_text(queued_by_scenario) as q), ''),
    suppressed,
    coalesce((
      select ' (' || string_agg(format('%s %s %s', scenario.key, reason.key, reason.value), ', ' order by scenario.key, reason.key) || ')'
      from jsonb_each(suppressed_by_reason) as scenario, jsonb_each_text(scenario.value) as reason
    ), '');
end;
$$;

comment on function scheduler.record_evaluation(uuid, timestamptz, timestamptz, scheduler.evaluation_scope[], jsonb, jsonb, jsonb, text[], uuid[], boolean) is
  'Writes what an evaluation found to the ledger and to scenario_config, and says it in a line.';

create or replace function public.request_invocation(
  job_name text default 'scenario-evaluation',
  scenarios text[] default null,
  dry_run boolean default false,
  idempotency_key text default null
)
returns table (answer jsonb, replayed boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  caller constant pg_catalog.uuid := auth.uid();
  request constant pg_catalog.jsonb := jsonb_build_object(
    'job_name', request_invocation.job_name, 'scenarios', request_invocation.scenarios, 'dry_run', request_invocation.dry_run
  );
  used scheduler.idempotency_keys;
  run scheduler.invocations;
begin
  if idempotency_key is not null then
    if idempotency_key !~ '^[!-~]{1,255}$' then
      raise exception 'the idempotency key must be 1 to 255 visible characters of ASCII'
        using errcode = 'invalid_parameter_value', column = 'idempotency_key', hint = 'A random UUID is a good one.';
    end if;
    delete from scheduler.idempotency_keys as expired
    where expired.user_id = caller
      and expired.idempotency_key = request_invocation.idempotency_key
      and expired.used_at < now() - interval '24 hours';
    -- Waits for a request with the same key that is being dealt with just now.
    insert into scheduler.idempotency_keys (user_id, idempotency_key, request)
    values (caller, request_invocation.idempotency_key, request)
    on conflict on constraint idempotency_keys_pkey do nothing;
    if not found then
      select earlier.* into strict used
      from scheduler.idempotency_keys as earlier
      where earlier.user_id = caller and earlier.idempotency_key = request_invocation.idempotency_key;
      if used.request <> request then
        raise exception 'the idempotency key was used for another request in the last 24 hours'
          using errcode = 'object_not_in_prerequisite_state', column = 'idempotency_key', hint = 'A new request needs a new key.';
      end if;
      return query select used.answer, true;
      return;
    end if;
  end if;

  perform scheduler.check_staff_job(request_invocation.job_name);
  perform scheduler.check_evaluation_arguments(
    scenarios => request_invocation.scenarios, as_of => now(), dry_run => request_invocation.dry_run
  );
  if scenarios = '{}' then
    raise exception 'scenarios must name one at least'
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = 'Leave it out for all.';
  end if;
  perform scheduler.abandon_dead_runs(job_name => request_invocation.job_name);
  -- Of two who ask at once, the second sees what the first asked for.
  perform from scheduler.jobs as job where job.job_name = request_invocation.job_name for no key update;
  if exists (
    select from scheduler.invocations as other
    where other.job_name = request_invocation.job_name
      and other.status in ('requested', 'running')
      and other.dry_run = request_invocation.dry_run
  ) then
    raise exception 'a run of % is on or asked for already', request_invocation.job_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;

  run.id := scheduler.invoke_edge(
    job_name => request_invocation.job_name,
    scenarios => request_invocation.scenarios,
    organisation_ids => organisations,
    dry_run => request_invocation.dry_run,
    triggered_by => 'api'
  );
  update scheduler.invocations as requested
  set requested_by = caller
  where requested.id = run.id
  returning requested.* into run;
  if run.status_reason = 'not_configured' then
    raise exception 'the function that does this is not connected'
      using errcode = 'config_file_error', hint = 'Whoever operates the scheduler sees why in scheduler_status().';
  elsif run.status <> 'requested' then
    raise exception 'a run of % came in between', request_invocation.job_name
      using errcode = 'object_not_in_prerequisite_state', hint = 'Wait for its end.';
  end if;

  answer := to_jsonb(scheduler.describe_invocation(run, organisations));
  replayed := false;
  update scheduler.idempotency_keys as used_now
  set answer = request_invocation.answer
  where used_now.user_id = caller and used_now.idempotency_key = request_invocation.idempotency_key;
  return next;
end;
$$;

comment on function public.request_invocation(text, text[], boolean, text) is
  'Asks for a run now, for the caller''s organisations. The same idempotency_key within 24 hours gets the same answer and no second run. For staff.';

create or replace function scheduler.retry_delay(attempt integer, wished_seconds numeric default null)
returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  -- 1, 3, 9, 27 minutes, 1 h 21 min, 4 h, 12 h: the eight attempts span most of a day.
  select greatest(
    interval '1 minute' * power(3, least(greatest(attempt, 1), 7) - 1) * (0.75 + random() / 2),
    interval '1 second' * least(greatest(coalesce(wished_seconds, 0), 0), 604800)
  );
$$;

comment on function scheduler.retry_delay(integer, numeric) is
  'How long to wait after a failed attempt: three times as long each time, a quarter more or less at random, and never less than the provider wished.';

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
      -- One that got somewhere begins to count anew.
      case when broken.status = 'partial' and broken.pages_processed > 0 then 1
        else broken.attempt + (broken.status <> 'skipped')::integer end as attempt_now,
      broken.status || coalesce(': ' || coalesce(broken.error_message, broken.status_reason), '') as said
    from scheduler.invocations as broken
    join scheduler.jobs as job on job.job_name = broken.job_name and job.kind = 'edge' and job.enabled
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
      and broken.finished_at + scheduler.wait_before_asking(
        case when broken.status = 'partial' and broken.pages_processed > 0 then 1 else broken.attempt end, job.catch_up
      ) <= retry_runs.at
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
  noted pg_catalog.uuid[];
  moments pg_catalog.timestamptz[];
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
  select coalesce(array_agg(waiting.user_id), '{}'), coalesce(array_agg(waiting.noted_at), '{}') into noted, moments
  from scheduler.certification_checks as waiting;
  select coalesce(array_agg(change order by change.user_id), '{}') into changes
  from scheduler.judge_certifications(as_of => as_of, user_ids => noted) as change;

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
    perform scheduler.note_mentors(array(select change.user_id from unnest(changes) as change));
  else
    -- Who was noted again meanwhile stays so.
    delete from scheduler.certification_checks as done
    where done.user_id in (
      select looked_at.user_id
      from scheduler.certification_checks as looked_at
      join unnest(noted, moments) as seen (user_id, noted_at)
        on seen.user_id = looked_at.user_id and seen.noted_at = looked_at.noted_at
      for update of looked_at skip locked
    );
  end if;
  delete from scheduler.certification_watermarks as idle
  where not exists (select from scheduler.required_certifications as required where required.organisation_id = idle.organisation_id);
  insert into scheduler.certification_watermarks as watermark (organisation_id, checked_until)
  select required.organisation_id, (least(as_of, now()) at time zone scheduler.usable_timezone(array[
    (select described.timezone from scheduler.organisation as described where described.organisation_id = required.organisation_id limit 1),
    (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
  ]))::pg_catalog.date
  from (select distinct every.organisation_id from scheduler.required_certifications as every) as required
  order by required.organisation_id
  on conflict on constraint certification_watermarks_pkey do update set
    checked_until = greatest(watermark.checked_until, excluded.checked_until);
end;
$$;

comment on function public.run_certification_expiry(timestamptz, boolean) is
  'Pauses active mentors whose required certification has run out, resumes those paused for that reason whose certification was renewed, and returns both. With dry_run it looks at everybody and writes nothing.';

create or replace function scheduler.run_housekeeping(looked_at integer default 100000)
returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(
      jsonb_object_agg(
        rule.kept,
        case rule.kept
          when 'notifications' then scheduler.sweep_notifications(now() - rule.keep, looked_at)
          when 'push_attempts' then scheduler.sweep_push_attempts(now() - rule.keep, looked_at)
          when 'invocations' then scheduler.sweep_invocations(now() - rule.keep, looked_at)
          when 'cron_history' then scheduler.sweep_cron_history(now() - rule.keep, looked_at)
          when 'certification_rejects' then scheduler.sweep_certification_rejects(now() - rule.keep)
        end
      ),
      '{}'
    ) || jsonb_build_object(
      'idempotency_keys', scheduler.sweep_idempotency_keys(), 'state_drift', scheduler.count_state_drift()
    )
  from scheduler.retention as rule;
$$;

comment on function scheduler.run_housekeeping(integer) is
  'Deletes what is older than scheduler.retention keeps, looking at so many rows of each table at most, and counts the mentors whose state differs from the sources.';

create or replace function scheduler.run_job(
  job_name text,
  scheduled_for timestamptz default null,
  triggered_by text default 'operator'
)
returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  job scheduler.jobs;
  run record;
  result jsonb;
begin
  select known.* into job from scheduler.jobs as known where known.job_name = run_job.job_name;
  if not found or job.kind = 'edge' then
    return scheduler.invoke_edge(
      job_name => run_job.job_name, scheduled_for => run_job.scheduled_for, triggered_by => run_job.triggered_by
    );
  end if;

  select opened.* into run
  from scheduler.open_invocation(
    job_name => job.job_name, kind => job.kind, triggered_by => run_job.triggered_by, scheduled_for => run_job.scheduled_for
  ) as opened;
  if run.opened then
    -- What goes wrong in a job undoes the job, and not its row in the ledger.
    begin
      if to_regproc(job.target) is null then
        raise exception 'there is no function %', job.target using errcode = 'undefined_function';
      end if;
      execute format(
        case (select target.proretset from pg_catalog.pg_proc as target where target.oid = to_regproc(job.target))
          when true then $counts$
            select coalesce(jsonb_object_agg(by_reason.reason, by_reason.rows), '{}')
            from (
              select coalesce(to_jsonb(result) ->> 'reason', 'rows') as reason, count(*) as rows from %s() as result group by 1
            ) as by_reason
          $counts$
          else 'select to_jsonb(result) from %s() as result'
        end,
        to_regproc(job.target)
      ) into result;
      update scheduler.invocations as completed
      set status = 'completed', finished_at = clock_timestamp(), details = result
      where completed.id = run.id;
    exception
      -- Others are not cancellations: a statement_timeout must leave its row too, or it comes again every minute.
      when query_canceled or others then
        update scheduler.invocations as failed
        set
          status = 'failed',
          finished_at = clock_timestamp(),
          error_type = 'database_error',
          error_message = format('the database answered %s in %s; its log says more', sqlstate, job.target)
        where failed.id = run.id;
        raise warning 'job % failed: %', job.job_name, sqlerrm;
    end;
  end if;
  return run.id;
end;
$$;

comment on function scheduler.run_job(text, timestamptz, text) is
  'Runs a job now: an SQL job in this transaction, an edge job by asking the function. Returns its row in the ledger.';

create or replace function public.run_scenario_evaluation(
  scenarios text[] default null,
  as_of timestamptz default now(),
  organisation_ids uuid[] default null,
  user_ids uuid[] default null,
  dry_run boolean default false,
  invocation_id uuid default null
)
returns setof scheduler.candidate
language plpgsql
security definer
set search_path = ''
set datestyle = 'ISO'
set jit = off
set work_mem = '32MB'
as $$
declare
  scopes scheduler.evaluation_scope[];
  run_id pg_catalog.uuid := coalesce(invocation_id, gen_random_uuid());
  started pg_catalog.timestamptz := clock_timestamp();
  ids constant pg_catalog.regclass := pg_get_serial_sequence('scheduler.notifications', 'id');
  suppressed_by_reason pg_catalog.jsonb;
  queued_by_scenario pg_catalog.jsonb;
  queued_by_config pg_catalog.jsonb;
  queued_by_organisation pg_catalog.jsonb;
  suppressed_by_organisation pg_catalog.jsonb;
  decided_count integer;
  queued_count integer;
  first_id bigint;
  last_id bigint;
begin
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => as_of, dry_run => dry_run);

  if not dry_run then
    -- All evaluations take turns, not only those of one scenario: the frequency
    -- caps count across scenarios. With a single key there is no order to keep.
    perform pg_advisory_xact_lock(hashtextextended('scenario-scheduler evaluation', 0));
    -- A caller at repeatable read or above may have waited with an old snapshot.
    -- Writing the row that the last evaluator wrote turns that into a clean
    -- serialization failure, before anything is decided on old facts.
    update scheduler.scenarios as scenario set last_turn_at = clock_timestamp();
  end if;

  select coalesce(array_agg(scope), '{}') into scopes
  from scheduler.evaluation_scopes(
    scenarios => scenarios, as_of => as_of, organisation_ids => organisation_ids, user_ids => user_ids
  ) as scope;

  if dry_run then
    return query
    select
      null::bigint, verdict.user_id, verdict.organisation_id, verdict.scenario_type, verdict.occurrence_key,
      verdict.cooldown_window_start, verdict.evaluation_date, verdict.deliver_after,
      verdict.title, verdict.body, verdict.data
    from scheduler.judge_occurrences(as_of => as_of, scopes => scopes, user_ids => user_ids, explaining => false) as verdict
    where verdict.reason is null
    order by verdict.user_id, verdict.scenario_type;
    return;
  end if;

  -- The statement that matters: detect, suppress, open the cooldown window, and
  -- only for the windows that were won, put the notification in the outbox.
  with verdict as materialized (
    select judged.*
    from scheduler.judge_occurrences(as_of => as_of, scopes => scopes, user_ids => user_ids, explaining => false) as judged
  ),
  candidate as materialized (
    select nextval(ids) as notification_id, ordered.*
    from (
      select verdict.* from verdict where verdict.reason is null order by verdict.user_id, verdict.scenario_type
    ) as ordered
  ),
  opened as (
    insert into scheduler.scenario_cooldowns as cooldown
      (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
    select
      candidate.user_id, candidate.scenario_type, candidate.cooldown_window_start, candidate.cooldown_until,
      candidate.occurrence_key, candidate.notification_id
    from candidate
    order by candidate.notification_id
    on conflict on constraint one_window_per_mentor_scenario_start do nothing
    returning cooldown.notification_id
  ),
  queued as (
    insert into scheduler.notifications as notification (
      id, user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date,
      deliver_after, expires_at, title, body, data, invocation_id
    )
    select
      candidate.notification_id, candidate.user_id, candidate.organisation_id, candidate.scenario_type,
      candidate.occurrence_key, candidate.cooldown_window_start, candidate.evaluation_date,
      candidate.deliver_after, candidate.expires_at, candidate.title, candidate.body, candidate.data, run_id
    from candidate
    join opened on opened.notification_id = candidate.notification_id
    order by candidate.notification_id
    on conflict do nothing
    returning notification.id
  ),
  counted as (
    select
      candidate.organisation_id, candidate.scenario_type, candidate.config_id,
      count(*) as decided, count(queued.id) as queued
    from candidate
    left join queued on queued.id = candidate.notification_id
    group by candidate.organisation_id, candidate.scenario_type, candidate.config_id
  ),
  held_back as (
    select each_reason.organisation_id, each_reason.scenario_type, each_reason.reason, sum(each_reason.mentors) as mentors
    from (
      select verdict.organisation_id, verdict.scenario_type, verdict.reason, count(*) as mentors
      from verdict
      where verdict.due and verdict.reason is not null
      group by verdict.organisation_id, verdict.scenario_type, verdict.reason
      union all
      select resting.organisation_id, 'inactivity', resting.reason, resting.mentors
      from scheduler.count_resting_mentors(scopes) as resting
      where user_ids is null
    ) as each_reason
    group by each_reason.organisation_id, each_reason.scenario_type, each_reason.reason
  ),
  -- By scenario and reason: for the whole, and for each organisation.
  summed as (
    select
      per_scenario.organisation_id,
      per_scenario.whole,
      jsonb_object_agg(per_scenario.scenario_type, per_scenario.reasons) as suppressed
    from (
      select
        per_reason.organisation_id, per_reason.whole, per_reason.scenario_type,
        jsonb_object_agg(per_reason.reason, per_reason.mentors) as reasons
      from (
        select
          held_back.organisation_id, grouping(held_back.organisation_id) = 1 as whole, held_back.scenario_type,
          held_back.reason, sum(held_back.mentors) as mentors
        from held_back
        group by grouping sets (
          (held_back.organisation_id, held_back.scenario_type, held_back.reason), (held_back.scenario_type, held_back.reason)
        )
      ) as per_reason
      group by per_reason.organisation_id, per_reason.whole, per_reason.scenario_type
    ) as per_scenario
    group by per_scenario.organisation_id, per_scenario.whole
  )
  select
    (select min(candidate.notification_id) from candidate),
    (select max(candidate.notification_id) from candidate),
    (select coalesce(sum(counted.decided), 0) from counted),
    (select coalesce(sum(counted.queued), 0) from counted),
    (
      select jsonb_object_agg(per_config.config_id, per_config.queued)
      from (select counted.config_id, sum(counted.queued) as queued from counted group by counted.config_id) as per_config
    ),
    (
      select jsonb_object_agg(per_organisation.organisation_id, per_organisation.queued)
      from (
        select counted.organisation_id, sum(counted.queued) as queued from counted group by counted.organisation_id
      ) as per_organisation
    ),
    (
      select jsonb_object_agg(per_scenario.scenario_type, per_scenario.queued)
      from (
        select counted.scenario_type, sum(counted.queued) as queued from counted group by counted.scenario_type
      ) as per_scenario
    ),
    coalesce((select summed.suppressed from summed where summed.whole), '{}'),
    (select jsonb_object_agg(summed.organisation_id, summed.suppressed) from summed where not summed.whole)
  into first_id, last_id, decided_count, queued_count, queued_by_config, queued_by_organisation,
    queued_by_scenario, suppressed_by_reason, suppressed_by_organisation;

  if queued_count < decided_count then
    delete from scheduler.scenario_cooldowns as orphan
    where orphan.notification_id between first_id and last_id
      and not exists (select from scheduler.notifications as n where n.id = orphan.notification_id);
    raise warning '% of % candidates were in the outbox already under the same key; nothing was written for them',
      decided_count - queued_count, decided_count;
  end if;

  perform scheduler.record_evaluation(
    run_id => run_id,
    started => started,
    as_of => as_of,
    scopes => scopes,
    queued_by_config => coalesce(queued_by_config, '{}'),
    queued_by_scenario => coalesce(queued_by_scenario, '{}'),
    suppressed_by_reason => suppressed_by_reason,
    scenarios => scenarios,
    organisation_ids => organisation_ids,
    is_of_some_mentors => user_ids is not null
  );
  perform scheduler.record_shares(
    run_id => run_id,
    scopes => scopes,
    queued_by_organisation => coalesce(queued_by_organisation, '{}'),
    suppressed_by_organisation => coalesce(suppressed_by_organisation, '{}')
  );

  return query
  select
    notification.id, notification.user_id, notification.organisation_id, notification.scenario_type,
    notification.occurrence_key, notification.cooldown_window_start, notification.evaluation_date,
    notification.deliver_after, notification.title, notification.body, notification.data
  from scheduler.notifications as notification
  where notification.id between first_id and last_id and notification.invocation_id = run_id
  order by notification.id;
end;
$$;

comment on function public.run_scenario_evaluation(text[], timestamptz, uuid[], uuid[], boolean, uuid) is
  'Decides for everybody who gets a push, writes the outbox and its cooldown windows, and returns the candidates. With dry_run it writes nothing.';

create or replace function public.scheduler_status()
returns table (component text, status text, detail text)
language sql
stable
security definer
set search_path = ''
set jit = off
as $$
  with zone as (
    select 'organisation ' || organisation.organisation_id as owner, described.timezone
    from scheduler.organisation_state as organisation
    left join scheduler.organisation as described on described.organisation_id = organisation.organisation_id
    where organisation.active_mentors > 0
      and (coalesce(described.timezone, '') = '' or scheduler.usable_timezone(array[described.timezone]) <> described.timezone)
    union all
    select state.mentors || ' mentors', state.timezone
    from (
      select mentor.timezone, count(*) as mentors
      from scheduler.mentor_state as mentor
      where mentor.active and mentor.timezone is not null
      group by mentor.timezone
    ) as state
    where scheduler.usable_timezone(array[state.timezone]) <> state.timezone
  ),
  outbox as (
    select
      count(*) as pending,
      min(waiting.deliver_after) as oldest,
      count(*) filter (where waiting.due_at < now() - interval '15 minutes') as overdue,
      count(*) filter (where waiting.expires_at < now()) as too_late
    from scheduler.notifications as waiting
    where waiting.status = 'pending'
  ),
  parked as (
    select
      count(*) filter (where stopped.status = 'dead') as dead,
      count(*) filter (where stopped.status = 'quarantined') as quarantined
    from scheduler.notifications as stopped
    where stopped.status in ('dead', 'quarantined')
  ),
  -- Devices that a provider refused for good, and that the application still offers.
  refused as (
    select count(distinct device.token) as devices
    from scheduler.push_attempts as attempt
    join scheduler.notifications as notification on notification.id = attempt.notification_id
    join scheduler.device as device on device.user_id = notification.user_id
    where attempt.outcome = 'invalid_token'
      and attempt.attempted_at > now() - interval '7 days'
      and attempt.token_hash = sha256(convert_to(device.token, 'UTF8'))
  ),
  last_run as (
    select run.started_at, run.total_candidates, run.total_suppressed
    from scheduler.invocations as run
    -- What was asked for some organisations or mentors says nothing of the whole.
    where run.as_of is not null and not run.dry_run and run.organisation_ids is null
    order by run.started_at desc nulls last
    limit 1
  ),
  last_ending as (
    select run.job_name, run.status, run.finished_at, run.error_type
    from scheduler.invocations as run
    where run.finished_at is not null and not run.dry_run and run.status <> 'skipped' and run.organisation_ids is null
      and run.status_reason is distinct from 'unknown_job'
    order by run.requested_at desc
    limit 1
  ),
  unended as (
    select count(*) as runs, min(run.started_at) as oldest
    from scheduler.invocations as run
    where run.status = 'running' and coalesce(run.heartbeat_at, run.started_at) < now() - scheduler.heartbeat_limit()
  )
  select
    'roster',
    case when exists (select from scheduler.tracked_sources as t where t.kind = 'roster') then 'ok' else 'fail' end,
    coalesce(
      (
        select format('%s active mentors in %s organisations, from %s',
          coalesce(sum(o.active_mentors), 0), count(*) filter (where o.active_mentors > 0),
          (select t.source from scheduler.tracked_sources as t where t.kind = 'roster'))
        from scheduler.organisation_state as o
        having exists (select from scheduler.tracked_sources as t where t.kind = 'roster')
      ),
      'no roster is tracked: call scheduler.track_roster'
    )

  union all
  select
    'activity',
    case when count(*) > 0 then 'ok' else 'fail' end,
    coalesce('from ' || string_agg(t.source::pg_catalog.text, ', ' order by t.id), 'no activity is tracked: call scheduler.track_activity')
  from scheduler.tracked_sources as t
  where t.kind = 'activity'

  union all
  select
    'time zones',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      'missing or invalid, the fallback is used: '
        || string_agg(zone.owner || ' ' || coalesce(quote_literal(zone.timezone), 'null'), ', ' order by zone.owner),
      'all valid'
    )
  from zone

  union all
  select
    'scenario ' || scenario.scenario_type,
    case when config.id is null or template.written = 0 then 'warn' else 'ok' end,
    case
      when config.id is null then 'has no default row in scenario_config, so it runs only where an organisation has one'
      when template.written = 0 then 'has no default template in nb or en: mentors without one of their own get no push'
      when not config.enabled then 'switched off by default'
      when config.last_evaluated_at is null then 'not evaluated yet'
      else format('last evaluated at %s: %s mentors, %s candidates',
        config.last_evaluated_at, config.last_evaluated_count, config.last_candidate_count)
    end
  from scheduler.scenarios as scenario
  left join scheduler.scenario_config as config
    on config.scenario_type = scenario.scenario_type and config.organisation_id is null
  cross join lateral (
    select count(*) as written
    from scheduler.scenario_templates as t
    where t.scenario_type = scenario.scenario_type and t.organisation_id is null and t.locale in ('nb', 'en')
  ) as template

  union all
  select
    'paused',
    case when count(*) = 0 then 'ok' else 'warn' end,
    coalesce(
      string_agg(
        format('%s since %s by %s (%s)',
          coalesce(pause.job_name, 'organisation ' || pause.organisation_id, 'everything'),
          pause.paused_at::pg_catalog.timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given')),
        ', ' order by pause.organisation_id nulls first, pause.job_name nulls first
      ),
      'nothing is paused'
    )
  from scheduler.pauses as pause
  where pause.resumed_at is null

  union all
  select
    'last evaluation',
    case when last_run.started_at > now() - interval '26 hours' then 'ok' else 'warn' end,
    case
      when last_run.started_at is null then 'none yet: select run_scenario_evaluation();'
      else format('%s: %s candidates, %s suppressed', last_run.started_at, last_run.total_candidates, last_run.total_suppressed)
    end
  from (select) as one
  left join last_run on true

  union all
  select
    'last run',
    case when last_ending.status = 'failed' then 'warn' else 'ok' end,
    case
      when last_ending.status is null then 'none yet'
      else format('%s ended as %s at %s%s', last_ending.job_name, last_ending.status,
        last_ending.finished_at::pg_catalog.timestamptz(0), ': ' || last_ending.error_type)
    end
  from (select) as one
  left join last_ending on true

  union all
  select
    'unended runs',
    case when unended.runs = 0 then 'ok' else 'warn' end,
    case
      when unended.runs = 0 then 'every run has ended, or began just now'
      else format('%s still running since %s: their function was killed. What they held is taken over when its lease ends',
        unended.runs, unended.oldest::pg_catalog.timestamptz(0))
    end
  from unended

  union all
  select
    'outbox',
    case when outbox.too_late > 0 or outbox.overdue > 0 then 'warn' else 'ok' end,
    case
      when outbox.pending = 0 then 'nothing pending'
      else format('%s pending, the oldest since %s', outbox.pending, outbox.oldest)
    end
      || case when outbox.overdue > 0 then format(', %s due for more than a quarter of an hour: nothing is sending', outbox.overdue) else '' end
      || case when outbox.too_late > 0 then format(', %s past their expiry', outbox.too_late) else '' end
  from outbox

  union all
  select
    'sending',
    case when count(*) = 0 then 'ok' else 'warn' end,
    case
      when count(*) = 0 then 'no lease has run out'
      else format('claimed and never recorded: %s, since %s. A sender was killed or stalled; the next one takes over',
        count(*), min(held.lease_expires_at)::pg_catalog.timestamptz(0))
    end
  from scheduler.notifications as held
  where held.due_at < now() and held.status = 'sending'

  union all
  select
    'given up',
    case when parked.dead + parked.quarantined = 0 then 'ok' else 'warn' end,
    case
      when parked.dead + parked.quarantined = 0 then 'nothing dead or quarantined'
      else format('%s dead, %s quarantined: see scheduler.push_attempts for why, then select * from scheduler.requeue_notifications();',
        parked.dead, parked.quarantined)
    end
  from parked

  union all
  select
    'devices',
    case when refused.devices = 0 then 'ok' else 'warn' end,
    case
      when refused.devices = 0 then 'no refused device is offered any more'
      else format('refused for good in the last week and still in scheduler.device: %s. Let scheduler.disable_devices put them away in a table of your own',
        refused.devices)
    end
  from refused

  union all
  select state.* from scheduler.status_of_state() as state
  union all
  select certification.* from scheduler.status_of_certifications() as certification
  union all
  select platform.* from scheduler.status_of_platform() as platform
  union all
  select job.* from scheduler.status_of_jobs() as job
  union all
  select request.* from scheduler.status_of_requests() as request;
$$;

comment on function public.scheduler_status() is
  'An operator''s first look: each component with ok, warn or fail, and what to do.';

create or replace function scheduler.set_mentor_status(user_ids uuid[], expected text, status text)
returns uuid[]
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  with written as (
    update public.peer_mentors as mentor
    set status = set_mentor_status.status
    from (
      select locked.id
      from public.peer_mentors as locked
      where locked.id = any (user_ids) and locked.status = expected
      order by locked.id
      -- Whoever writes what refers to her goes on.
      for no key update
    ) as wanted
    where mentor.id = wanted.id
    returning mentor.id
  )
  select coalesce(array_agg(written.id), '{}') from written;
$$;

comment on function scheduler.set_mentor_status(uuid[], text, text) is
  'Gives mentors who have the expected status another one, and returns who got it. A project with a roster of its own replaces it, as it does the view scheduler.mentor.';

create or replace function public.start_invocation(
  job_name text,
  invocation_id uuid default null,
  triggered_by text default null,
  scheduled_for timestamptz default null,
  webhook_id text default null,
  scenarios text[] default null,
  organisation_ids uuid[] default null,
  dry_run boolean default false
)
returns table (id uuid, started boolean)
language plpgsql
security definer
set search_path = ''
as $$
#variable_conflict use_column
declare
  run_id pg_catalog.uuid := coalesce(invocation_id, gen_random_uuid());
  ledger_job pg_catalog.text;
  hindrance pg_catalog.text;
begin
  if job_name is null then
    raise exception 'job_name must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Name the job that runs, scenario-evaluation for example.';
  end if;
  if not exists (
    select from scheduler.jobs as known
    where (known.kind = 'edge' and start_invocation.job_name in (known.job_name, known.target))
      -- The one SQL job that the function can run as well.
      or (known.target = 'public.run_certification_expiry' and start_invocation.job_name = known.job_name)
  ) then
    return query
    select
      scheduler.refuse_job(
        job_name => start_invocation.job_name,
        invocation_id => start_invocation.invocation_id,
        triggered_by => start_invocation.triggered_by,
        webhook_id => start_invocation.webhook_id
      ),
      false;
    return;
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  perform scheduler.check_organisations(organisation_ids);

  -- A run that the database asked for has its row already, under the name of its job there.
  ledger_job := coalesce(
    (select requested.job_name from scheduler.invocations as requested where requested.id = run_id),
    start_invocation.job_name
  );
  perform scheduler.abandon_dead_runs(job_name => ledger_job);

  -- Where another request comes in between, a unique key says so, and the next look which.
  for look in 1..3 loop
    -- A request that comes twice, by its own id or the run's, runs once.
    return query
    select repeated.id, false
    from scheduler.invocations as repeated
    where (repeated.id = run_id and repeated.status <> 'requested')
      or (repeated.webhook_id = start_invocation.webhook_id and repeated.id <> run_id)
    limit 1;
    if found then
      return;
    end if;

    hindrance := case
      when exists (
        select from scheduler.invocations as other
        where not start_invocation.dry_run
          and not other.dry_run
          and other.job_name = ledger_job
          and other.scheduled_for = start_invocation.scheduled_for
          and other.retry_of is null
          and other.status <> 'skipped'
          and other.status_reason is distinct from 'not_configured'
          and other.id <> run_id
          and not exists (select from scheduler.invocations as asked where asked.id = run_id)
      ) then 'duplicate_tick'
      when not start_invocation.dry_run and exists (
        select from scheduler.invocations as other
        where other.job_name = ledger_job and other.status = 'running' and not other.dry_run
      ) then 'overlap'
    end;
    begin
      return query
      insert into scheduler.invocations as invocation (
        id, job_name, status, status_reason, triggered_by, scheduled_for, webhook_id, scenarios, organisation_ids, dry_run,
        started_at, heartbeat_at, finished_at, total_active_mentors
      )
      select
        run_id,
        ledger_job,
        case when hindrance is null then 'running' else 'skipped' end,
        hindrance,
        start_invocation.triggered_by,
        start_invocation.scheduled_for,
        start_invocation.webhook_id,
        start_invocation.scenarios,
        start_invocation.organisation_ids,
        start_invocation.dry_run,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is null then clock_timestamp() end,
        case when hindrance is not null then clock_timestamp() end,
        (select coalesce(sum(organisation.active_mentors), 0) from scheduler.organisation_state as organisation)
      on conflict on constraint invocations_pkey do update set
        status = excluded.status,
        status_reason = excluded.status_reason,
        webhook_id = excluded.webhook_id,
        started_at = excluded.started_at,
        heartbeat_at = excluded.heartbeat_at,
        finished_at = excluded.finished_at,
        total_active_mentors = excluded.total_active_mentors
      where invocation.status = 'requested'
      returning invocation.id, invocation.status = 'running';
      if found then
        if start_invocation.dry_run and start_invocation.job_name = 'scenario-evaluation' then
          perform scheduler.preview_evaluation(
            run_id => run_id,
            scenarios => start_invocation.scenarios,
            organisation_ids => start_invocation.organisation_ids
          );
        end if;
        return;
      end if;
    exception
      when unique_violation then
        continue;
    end;
  end loop;
  raise exception 'the run could not be started: others come in between'
    using errcode = 'serialization_failure', hint = 'Try again.';
end;
$$;

comment on function public.start_invocation(text, uuid, text, timestamptz, text, text[], uuid[], boolean) is
  'Opens a run in the ledger, or begins the one that the database asked for. started is false where the same request, by its invocation_id or webhook_id, ran before: its id is returned; and where the ledger says why there is no run: skipped, because one is on or the tick had one, or failed, because there is no such job.';

create or replace function scheduler.status_of_certifications()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with required as (
    select count(distinct required.organisation_id) as organisations
    from scheduler.required_certifications as required
  ),
  unheard_of as (
    select string_agg(distinct quote_literal(required.name), ', ') as names
    from scheduler.required_certifications as required
    where not exists (
      select from scheduler.held_certification as held where lower(held.name) = lower(required.name)
    )
  ),
  refused as (
    select
      by_reason.source,
      string_agg(format('%s %s', by_reason.rows, by_reason.reason), ', ' order by by_reason.rows desc, by_reason.reason) as said,
      -- A portal may know more people than there are mentors.
      bool_or(by_reason.reason not in ('unknown_member', 'duplicate')) as is_worth_a_look
    from (
      select reject.source, reject.reason, count(*) as rows
      from scheduler.certification_rejects as reject
      group by reject.source, reject.reason
    ) as by_reason
    group by by_reason.source
  )
  select
    'certifications',
    case when unheard_of.names is null then 'ok' else 'warn' end,
    case
      when required.organisations = 0 then 'no organisation requires one, so that nobody is paused for one: scheduler.required_certifications'
      when unheard_of.names is not null then format('nobody ever had %s: is that how scheduler.required_certifications has to spell it?', unheard_of.names)
      else format('required by %s organisations', required.organisations)
    end
  from required, unheard_of

  union all
  select
    'portal ' || sync.source,
    case
      when sync.completed_at is null or sync.completed_at < now() - interval '50 hours' or refused.is_worth_a_look then 'warn'
      else 'ok'
    end,
    case
      when sync.completed_at is null then 'not fetched from to the end yet'
      else format('as it was at %s', sync.completed_at::timestamptz(0))
    end
      || case
        when sync.round_started_at is not null then format(', since %s on the way again, at page %s', sync.round_started_at::timestamptz(0), sync.round_page)
        else ''
      end
      || coalesce('; not taken over: ' || refused.said || ' (select * from scheduler.certification_rejects;)', '')
  from scheduler.portal_syncs as sync
  left join refused on refused.source = sync.source;
$$;

comment on function scheduler.status_of_certifications() is
  'For scheduler_status(): what is required, and how far the certifications of portals have come.';

create or replace function scheduler.status_of_jobs()
returns setof scheduler.component_status
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  select
    'job ' || job.job_name,
    case
      when not job.enabled or job.schedule is null then 'ok'
      when entry.jobid is null or not entry.ours or entry.schedule <> job.schedule then 'fail'
      when pause.id is not null then 'warn'
      when not entry.active then 'fail'
      when overdue.tick is not null then 'fail'
      when last_run.status in ('failed', 'abandoned') and (job.catch_up is not null or last_run.at > now() - interval '1 hour') then 'warn'
      else 'ok'
    end,
    case
      when not job.enabled then 'switched off (' || coalesce(job.notes, job.target) || ')'
      when job.schedule is null then 'runs only when asked for: select scheduler.run_job(' || quote_literal(job.job_name) || ');'
      when entry.jobid is null then format('pg_cron has no entry %s: select * from scheduler.apply_schedules();', job.cron_name)
      when not entry.ours then format('pg_cron''s entry %s is somebody else''s: give the job another cron_name in scheduler.jobs', job.cron_name)
      when entry.schedule <> job.schedule then format('pg_cron has it on %s instead of %s: select * from scheduler.apply_schedules();',
        quote_literal(entry.schedule), quote_literal(job.schedule))
      when pause.id is not null then format('paused since %s by %s (%s): select scheduler.resume(%s);',
        pause.paused_at::timestamptz(0), pause.paused_by, coalesce(pause.reason, 'no reason given'),
        coalesce(quote_literal(pause.job_name), ''))
      when not entry.active then 'pg_cron''s entry is not active: select * from scheduler.apply_schedules();'
      when overdue.tick is not null then format('its tick of %s did not come: does pg_cron run, and in this database? select * from cron.job_run_details order by runid desc limit 5;',
        overdue.tick)
      when last_run.status in ('failed', 'abandoned') then format('last run %s at %s: %s. Next at %s',
        last_run.status, last_run.at, coalesce(last_run.error_message, last_run.error_type, 'no more is known'), upcoming.said)
      when last_run.status is null then 'no run yet. Next at ' || upcoming.said
      else format('last run %s at %s, %s ago. Next at %s', last_run.status, last_run.at,
        date_trunc('second', now() - last_run.at), upcoming.said)
    end
  from scheduler.jobs as job
  left join scheduler.cron_entries() as entry on entry.jobname = job.cron_name
  left join lateral (
    select open.*
    from scheduler.pauses as open
    where open.resumed_at is null
      and open.organisation_id is null
      and coalesce(open.job_name, job.job_name) = job.job_name
    order by open.job_name nulls first
    limit 1
  ) as pause on true
  left join lateral (
    select late.tick
    from (select scheduler.previous_tick(job.schedule, now() - interval '5 minutes') as tick) as late
    where late.tick > job.last_tick_for
      and not scheduler.is_waiting(job_name => job.job_name, scheduled_for => late.tick)
  ) as overdue on job.schedule is not null
  left join lateral (
    select run.status, coalesce(run.finished_at, run.started_at, run.requested_at)::timestamptz(0) as at, run.error_type, run.error_message
    from scheduler.invocations as run
    -- What was asked for some organisations or mentors says nothing of the whole.
    where run.job_name = job.job_name and not run.dry_run and run.status <> 'skipped' and run.organisation_ids is null
    order by run.requested_at desc
    limit 1
  ) as last_run on true
  left join lateral (
    select to_char(next.tick at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC ('
      || to_char(next.tick at time zone 'Europe/Oslo', 'HH24:MI') || ' in Oslo)' as said
    from (select scheduler.next_tick(job.schedule, now()) as tick) as next
  ) as upcoming on job.schedule is not null
  order by job.job_name;
$$;

comment on function scheduler.status_of_jobs() is
  'For scheduler_status(): each job''s entry of pg_cron, pause, last run and next tick.';

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
  if run.dry_run or exists (
    select from scheduler.jobs as job
    where job.job_name = run.job_name and job.target not in ('scenario-evaluation', 'dispatch-backlog')
  ) then
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

create or replace function scheduler.sweep_certification_rejects(older_than timestamptz)
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.certification_rejects as reject
    where reject.last_seen_at < older_than
    returning reject.external_id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_certification_rejects(timestamptz) is
  'Deletes what a portal has not named any more for long.';

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

create or replace function scheduler.tick(cron_name text, at timestamptz default now())
returns table (job_name text, invocation_id uuid, status text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  looks_after boolean;
  made_up text;
  due record;
  run_id uuid;
begin
  if not exists (select from scheduler.jobs as job where job.cron_name = tick.cron_name) then
    raise exception 'no job has the entry %', coalesce(quote_literal(cron_name), 'null')
      using errcode = 'invalid_parameter_value', hint = 'select * from scheduler.apply_schedules(); takes away entries that have no job.';
  end if;
  -- The entry that comes every minute looks after all of them. An SQL job that was
  -- missed has a tick to itself: it may take long, and would hold what was written.
  looks_after := exists (
    select from scheduler.jobs as job where job.cron_name = tick.cron_name and job.target = 'dispatch-backlog'
  );
  made_up := case when looks_after then (
    select job.job_name
    from scheduler.jobs as job
    where job.kind = 'sql'
      and job.enabled
      and job.catch_up is not null
      and not scheduler.is_paused(job.job_name)
      and scheduler.previous_tick(job.schedule, tick.at - interval '2 minutes') > job.last_tick_for
      and not scheduler.is_waiting(
        job_name => job.job_name, scheduled_for => scheduler.previous_tick(job.schedule, tick.at - interval '2 minutes'), at => tick.at
      )
    order by job.job_name
    limit 1
    for update skip locked
  ) end;
  if looks_after and made_up is null then
    begin
      perform from scheduler.reconcile_requests(at => tick.at);
    exception
      -- What is due now is not to wait for what went wrong before.
      when others then
        raise warning 'requests could not be looked after: %', sqlerrm
          using hint = 'select * from scheduler.reconcile_requests(); shows the whole error.';
    end;
  end if;

  for due in
    select job.job_name, job.target, job.catch_up, job.waits_for, moment.scheduled_for, job.cron_name <> tick.cron_name as missed
    from scheduler.jobs as job
    -- Another entry's own tick may come a little late.
    cross join lateral (
      select scheduler.previous_tick(
        job.schedule, case when job.cron_name = tick.cron_name then tick.at else tick.at - interval '2 minutes' end
      ) as scheduled_for
    ) as moment
    where job.enabled
      and job.schedule is not null
      and not scheduler.is_paused(job.job_name)
      and case
        when made_up is not null then job.job_name = made_up
        when job.cron_name = tick.cron_name then true
        else looks_after and job.kind = 'edge' and job.catch_up is not null and moment.scheduled_for > job.last_tick_for
      end
      -- The minute's tick starts it then.
      and not scheduler.is_waiting(job_name => job.job_name, scheduled_for => moment.scheduled_for, at => tick.at)
    -- SQL jobs first: a request goes out when this commits, and its signature is not to be old by then.
    order by job.kind desc, job.job_name
  loop
    if due.missed then
      perform from scheduler.jobs as job
      where job.job_name = due.job_name and job.last_tick_for < due.scheduled_for
      for update skip locked;
      continue when not found; -- somebody is at it
    end if;
    update scheduler.jobs as job
    set last_tick_for = greatest(job.last_tick_for, due.scheduled_for)
    where job.job_name = due.job_name;
    -- The minute's tick looks once, by index, and mostly that is all.
    continue when due.target = 'dispatch-backlog'
      and not exists (select from scheduler.notifications as waiting where waiting.due_at <= now());

    -- Each job by itself: what goes wrong with one is not to keep the others.
    begin
      run_id := case
        when due.missed and due.scheduled_for < tick.at - due.catch_up then
          scheduler.skip_run(job_name => due.job_name, scheduled_for => due.scheduled_for, reason => 'missed', triggered_by => 'catch_up')
        else
          scheduler.run_job(
            job_name => due.job_name,
            scheduled_for => due.scheduled_for,
            triggered_by => case
              when due.missed and (due.waits_for is null or due.scheduled_for < tick.at - interval '1 hour') then 'catch_up'
              else 'pg_cron'
            end
          )
      end;
    exception
      when others then
        raise warning 'job % could not be started: %', due.job_name, sqlerrm;
        insert into scheduler.invocations (id, job_name, status, triggered_by, scheduled_for, finished_at, error_type, error_message)
        values (
          gen_random_uuid(), due.job_name, 'failed', 'pg_cron', due.scheduled_for, clock_timestamp(), 'database_error',
          format('could not be started: the database answered %s; its log says more', sqlstate)
        )
        on conflict do nothing
        returning id into run_id;
    end;
    return query
    select run.job_name, run.id, run.status from scheduler.invocations as run where run.id = run_id;
  end loop;
end;
$$;

comment on function scheduler.tick(text, timestamptz) is
  'What pg_cron calls: starts the jobs of the entry. The one of every minute also looks after the requests that are out and makes up for ticks of others that were missed.';

create or replace function scheduler.write_certifications(certifications jsonb)
returns bigint
language sql
security definer
set search_path = pg_catalog, pg_temp
as $$
  with said as materialized (
    select item.*
    from jsonb_to_recordset(certifications) as item (
      external_id text, user_id uuid, name text, expires_on date, removed boolean
    )
  ),
  revoked as (
    update public.certifications as held
    set revoked_at = now()
    from said
    where said.removed and held.external_id = said.external_id and held.revoked_at is null
    returning held.id
  ),
  written as (
    insert into public.certifications as held (external_id, user_id, name, expires_on)
    select said.external_id, said.user_id, said.name, said.expires_on
    from said
    where not said.removed
    order by said.external_id
    on conflict (external_id) where external_id is not null do update set
      user_id = excluded.user_id,
      name = excluded.name,
      expires_on = excluded.expires_on,
      revoked_at = null
    where (held.user_id, held.name, held.expires_on, held.revoked_at)
      is distinct from (excluded.user_id, excluded.name, excluded.expires_on, null::timestamptz)
    returning held.id
  )
  select (select count(*) from revoked) + (select count(*) from written);
$$;

comment on function scheduler.write_certifications(jsonb) is
  'Takes over certifications of a portal, [{external_id, user_id, name, expires_on, removed}], and returns how many changed. What was removed there is revoked here. A project with certifications in a table of its own replaces it, as it does the view scheduler.held_certification.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
