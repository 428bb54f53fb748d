-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

drop function if exists scheduler.count_resting(scheduler.evaluation_scope[]);

create or replace function public.annotate_invocation(invocation_id uuid, note text)
returns scheduler.invocation_entry
language plpgsql
security definer
set search_path = ''
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => annotate_invocation.invocation_id, organisations => organisations
  );
begin
  if length(annotate_invocation.note) > 1000 then
    raise exception 'note must have 1000 characters at most, not %', length(annotate_invocation.note)
      using errcode = 'invalid_parameter_value', column = 'note', hint = 'Shorten it.';
  end if;
  -- Somebody may be deleting it just now.
  perform from scheduler.invocations as kept where kept.id = run.id for key share;
  if not found then
    perform scheduler.visible_invocation(invocation_id => run.id, organisations => organisations);
  end if;
  delete from scheduler.invocation_notes as written
  where written.invocation_id = run.id and written.organisation_id = any (organisations) and coalesce(annotate_invocation.note, '') !~ '\S';
  insert into scheduler.invocation_notes as written (invocation_id, organisation_id, note, noted_by)
  select run.id, staffed.organisation_id, annotate_invocation.note, (select auth.uid())
  from unnest(organisations) as staffed (organisation_id)
  where annotate_invocation.note ~ '\S'
    and (run.organisation_ids is null or staffed.organisation_id = any (run.organisation_ids))
  order by staffed.organisation_id
  on conflict on constraint invocation_notes_pkey do update set
    note = excluded.note,
    noted_by = excluded.noted_by,
    noted_at = excluded.noted_at;
  return scheduler.describe_invocation(run, organisations);
end;
$$;

comment on function public.annotate_invocation(uuid, text) is
  'Writes a note on a run, for the caller''s own organisations; null or nothing takes it away. For staff.';

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
    'heartbeat_invocation', 'finish_invocation', 'invocation_summary'
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

create or replace function scheduler.chapters_of_caller()
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(coordinated.chapter_id), '{}')
  from scheduler.coordinated_chapter as coordinated
  where coordinated.coordinator_id = (select auth.uid())
    and coordinated.organisation_id = any ((select scheduler.organisations_of_caller())::uuid[]);
$$;

comment on function scheduler.chapters_of_caller() is
  'The chapters that the caller coordinates.';

create or replace function scheduler.check_evaluation_arguments(scenarios text[], as_of timestamptz, dry_run boolean)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  unknown text;
begin
  if as_of is null or not isfinite(as_of) then
    raise exception 'as_of must be a moment, not %', coalesce(as_of::text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Leave it out for now, or give one like ''2026-03-01 06:00+00''.';
  end if;
  if dry_run is null then
    raise exception 'dry_run must be true or false, not null'
      using errcode = 'null_value_not_allowed', column = 'dry_run', hint = 'Leave it out to write candidates, or give true to only look.';
  end if;

  select coalesce(quote_literal(wanted.name), 'null') into unknown
  from unnest(scenarios) as wanted (name)
  where not exists (select from scheduler.scenarios as scenario where scenario.scenario_type = wanted.name)
  limit 1;
  if found then
    raise exception 'unknown scenario %', unknown
      using errcode = 'invalid_parameter_value', column = 'scenarios', hint = scheduler.known_scenarios_hint();
  end if;
end;
$$;

comment on function scheduler.check_evaluation_arguments(text[], timestamptz, boolean) is
  'Raises an error that names the argument of an evaluation that can''t be used.';

create or replace function scheduler.check_page_size(page_size integer)
returns void
language plpgsql
immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if page_size is null or page_size not between 1 and 200 then
    raise exception 'page_size must be between 1 and 200, not %', coalesce(page_size::text, 'null')
      using errcode = 'invalid_parameter_value', column = 'page_size', hint = 'Leave it out for 50.';
  end if;
end;
$$;

comment on function scheduler.check_page_size(integer) is
  'Refuses pages that are too large or hold nothing.';

create or replace function scheduler.check_staff_job(job_name text)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  job scheduler.jobs;
begin
  select known.* into job from scheduler.jobs as known
  where known.job_name = check_staff_job.job_name and known.kind = 'edge' and known.staff_may_start;
  if job.job_name is null then
    raise exception 'there is no job that staff may start with the name %', coalesce(quote_literal(check_staff_job.job_name), 'null')
      using
        errcode = 'invalid_parameter_value',
        column = 'job_name',
        hint = 'Give one of: ' || coalesce((
          select string_agg(known.job_name, ', ' order by known.job_name)
          from scheduler.jobs as known
          where known.kind = 'edge' and known.staff_may_start
        ), '(there is none)') || '.';
  end if;
  if not job.enabled or scheduler.is_paused(job.job_name) then
    raise exception 'the job % is %', job.job_name, case when job.enabled then 'paused' else 'switched off' end
      using errcode = 'object_not_in_prerequisite_state', hint = 'Ask whoever operates the scheduler.';
  end if;
end;
$$;

comment on function scheduler.check_staff_job(text) is
  'Refuses a job that staff may not start, or that nobody may just now.';

create or replace function public.claim_notifications(
  batch_size integer,
  lease interval,
  invocation_id uuid
)
returns setof scheduler.claimed_notification
language plpgsql
security definer
set search_path = ''
as $$
declare
  claimed_count integer := 0;
  returned_count integer;
begin
  if batch_size is null or batch_size not between 1 and 10000 then
    raise exception 'batch_size must be between 1 and 10000, not %', coalesce(batch_size::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'It is the number of notifications in a page, 500 for example.';
  end if;
  if lease is null or lease <= interval '0' or lease > interval '1 hour' then
    raise exception 'lease must be longer than nothing and at most 1 hour, not %', coalesce(lease::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'It is the time in which the page will certainly be sent and recorded, ''2 minutes'' for example.';
  end if;

  if exists (
    select from scheduler.invocations as run
    where run.id = claim_notifications.invocation_id and run.stop_requested_at is not null
  ) then
    return;
  end if;

  -- What is no longer true takes a place in a round, but none in the page. A
  -- page that could be sent does not wait long for the rest.
  loop
    return query
    select taken.*
    from scheduler.take_notifications(
      wanted => batch_size - claimed_count,
      looked_at => batch_size,
      lease => lease,
      invocation_id => invocation_id
    ) as taken;
    get diagnostics returned_count = row_count;
    claimed_count := claimed_count + returned_count;
    exit when claimed_count >= batch_size
      or (claimed_count > 0 and clock_timestamp() - statement_timestamp() > interval '2 seconds');

    perform from scheduler.notifications as notification
    where notification.due_at <= now()
    order by notification.due_at, notification.id
    limit 1
    for update skip locked;
    exit when not found;
  end loop;
end;
$$;

comment on function public.claim_notifications(integer, interval, uuid) is
  'Hands at most batch_size due notifications to a sender, under a lease. What is no longer true is cancelled instead, with the reason. An empty page means that nothing is due which is not in other hands, or that the run was asked to stop.';

create or replace function public.coordinator_mentor_status(
  chapter_id uuid default null,
  status text default null,
  after uuid default null,
  page_size integer default 50
)
returns setof scheduler.mentor_status
language plpgsql
stable
security definer
set search_path = ''
-- A page is small: look everything up by index.
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
begin
  perform scheduler.require_staff();
  perform scheduler.check_page_size(page_size);
  if status is not null and status not in ('active', 'paused', 'inactive') then
    raise exception 'status must be active, paused or inactive, not %', quote_literal(status)
      using errcode = 'invalid_parameter_value', column = 'status', hint = 'Leave it out for all.';
  end if;

  return query
  with page as materialized (
    select mentor.user_id, mentor.organisation_id, mentor.chapter_id, mentor.status
    from unnest(scheduler.mentors_of_caller()) as reached (user_id)
    join scheduler.mentor as mentor on mentor.user_id = reached.user_id
    where (coordinator_mentor_status.after is null or reached.user_id > coordinator_mentor_status.after)
      and (coordinator_mentor_status.chapter_id is null or mentor.chapter_id = coordinator_mentor_status.chapter_id)
      and (coordinator_mentor_status.status is null or mentor.status = coordinator_mentor_status.status)
    order by mentor.user_id
    limit coordinator_mentor_status.page_size
  ),
  clock as materialized (
    select
      concerned.organisation_id,
      (now() at time zone scheduler.usable_timezone(array[
        (select described.timezone from scheduler.organisation as described where described.organisation_id = concerned.organisation_id limit 1),
        (select fallback.timezone from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
      ]))::pg_catalog.date as today
    from (select distinct page.organisation_id from page) as concerned
  )
  select
    page.user_id,
    page.organisation_id,
    page.chapter_id,
    page.status,
    state.last_activity_on,
    case when state.silent_since is not null then greatest(clock.today - state.silent_since, 0) end,
    (
      select min(certification.expires_on)
      from scheduler.certification as certification
      where certification.user_id = page.user_id and certification.expires_on >= clock.today
    ),
    latest.scenario_type,
    latest.evaluation_date,
    latest.status,
    latest.status_reason,
    latest.sent_at
  from page
  join clock on clock.organisation_id is not distinct from page.organisation_id
  left join scheduler.mentor_state as state on state.user_id = page.user_id
  left join lateral (
    select notification.scenario_type, notification.evaluation_date, notification.status, notification.status_reason, notification.sent_at
    from scheduler.notifications as notification
    where notification.user_id = page.user_id
    order by notification.evaluation_date desc, notification.id desc
    limit 1
  ) as latest on true
  order by page.user_id;
end;
$$;

comment on function public.coordinator_mentor_status(uuid, text, uuid, integer) is
  'The mentors in the caller''s reach, a page at a time (after: the last id of the page before): how long silent, what expires next, and what became of the last push. For staff.';

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

  -- A dry run leaves nothing but the figures of the whole, which are shown to whom the whole belongs.
  if run.dry_run then
    if run.organisation_ids <@ administered then
      figures.total_evaluated := run.total_evaluated;
      figures.total_candidates := run.total_candidates;
      figures.total_suppressed := run.total_suppressed;
      figures.total_errors := run.total_errors;
      figures.errors := run.errors;
    end if;
    figures.total_dispatched := 0;
    return figures;
  end if;

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

create or replace function scheduler.count_resting_mentors(scopes scheduler.evaluation_scope[])
returns table (organisation_id uuid, reason text, mentors bigint)
language sql
stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  select
    scope.organisation_id,
    case
      when exists (
        select from scheduler.preference as preference
        where preference.user_id = resting.user_id
          and preference.scenario_type = 'inactivity'
          and not preference.push_enabled
      ) then 'opted_out'
      when not exists (
        select from scheduler.device as device where device.user_id = resting.user_id
      ) then 'no_device'
      when resting.cooling then 'cooldown'
      else 'max_reminders'
    end,
    count(*)
  from unnest(scopes) as scope
  cross join lateral (
    select state.user_id, state.inactivity_rests_until > scope.evaluation_date as cooling
    from scheduler.mentor_state as state
    where state.active
      and state.organisation_id = scope.organisation_id
      and state.silent_since <= scope.evaluation_date - (scope.params ->> 'threshold_days')::integer
      and (
        state.inactivity_rests_until > scope.evaluation_date
        or state.inactivity_reminders >= (scope.params ->> 'max_reminders')::integer
      )
    offset 0
  ) as resting
  where scope.scenario_type = 'inactivity'
  group by 1, 2;
$$;

comment on function scheduler.count_resting_mentors(scheduler.evaluation_scope[]) is
  'How many silent mentors of each organisation detect_inactivity passes by in the index, by the reason that comes first.';

create or replace function public.delete_invocation(invocation_id uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
declare
  administered constant pg_catalog.uuid[] := scheduler.organisations_of_caller('admin');
  run scheduler.invocations := scheduler.visible_invocation(
    invocation_id => delete_invocation.invocation_id, organisations => scheduler.require_staff()
  );
begin
  if cardinality(administered) = 0 then
    raise exception 'only an admin deletes a run'
      using errcode = 'insufficient_privilege', hint = 'Ask an admin of the organisation.';
  end if;
  run := scheduler.own_invocation(invocation_id => run.id, organisations => administered);
  delete from scheduler.invocations as ended
  where ended.id = run.id and ended.status not in ('requested', 'running');
  if not found then
    -- Somebody may have deleted it just now.
    perform scheduler.visible_invocation(invocation_id => run.id, organisations => administered);
    raise exception 'the run % has not ended', run.id
      using errcode = 'object_not_in_prerequisite_state', hint = 'Stop it, or wait for its end.';
  end if;
end;
$$;

comment on function public.delete_invocation(uuid) is
  'Deletes a run that has ended from the ledger, with its notes; what it decided and sent stays. For admins of all the organisations that it concerns.';

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
    run.error_message,
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

create or replace function scheduler.detect_inactivity(
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.occurrence
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set enable_seqscan = off
set enable_nestloop = on
set jit = off
as $$
  with scope as materialized (
    select
      s.organisation_id,
      s.evaluation_date,
      (s.params ->> 'threshold_days')::integer as threshold_days,
      (s.params ->> 'max_reminders')::integer as max_reminders
    from unnest(scopes) as s
  ),
  -- For everybody: the range of the index that is due, organisation by
  -- organisation. What rests is passed by inside the index.
  silent as (
    select scope.*, mentor.user_id, mentor.silent_since
    from scope
    cross join lateral (
      select state.user_id, state.silent_since
      from scheduler.mentor_state as state
      where state.active
        and state.organisation_id = scope.organisation_id
        and state.silent_since <= scope.evaluation_date - scope.threshold_days
        and state.inactivity_rests_until <= scope.evaluation_date
        and state.inactivity_reminders < coalesce(scope.max_reminders, 2147483647)
      offset 0
    ) as mentor
    where user_ids is null

    union all

    select scope.*, state.user_id, state.silent_since
    from (select distinct u.user_id from unnest(user_ids) as u (user_id)) as asked
    join scheduler.mentor_state as state on state.user_id = asked.user_id
    join scope on scope.organisation_id = state.organisation_id
    where state.active
      and (explaining or state.silent_since <= scope.evaluation_date - scope.threshold_days)
  )
  select
    'inactivity',
    silent.user_id,
    silent.organisation_id,
    'inactivity:' || silent.silent_since || ':' || reminder.number,
    silent.silent_since + silent.threshold_days,
    coalesce(silent.evaluation_date - silent.silent_since >= silent.threshold_days, false),
    case when reminder.number > silent.max_reminders then 'max_reminders' end,
    jsonb_build_object(
      'silent_since', silent.silent_since,
      'days_silent', silent.evaluation_date - silent.silent_since,
      'threshold_days', silent.threshold_days,
      'reminder', reminder.number,
      'max_reminders', silent.max_reminders
    )
  from silent
  cross join lateral (
    select coalesce(max(substring(sent.occurrence_key from ':([0-9]{1,9})$')::integer), 0) + 1 as number
    from scheduler.notifications as sent
    where sent.user_id = silent.user_id
      and sent.scenario_type = 'inactivity'
      and sent.status <> 'cancelled'
      and sent.occurrence_key like 'inactivity:' || silent.silent_since || ':%'
  ) as reminder;
$$;

comment on function scheduler.detect_inactivity(scheduler.evaluation_scope[], uuid[], boolean) is
  'Mentors who have been silent for threshold_days or more, with the number of the reminder that is next. Who rests is passed by, and counted by count_resting_mentors.';

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

create or replace function public.finish_invocation(
  invocation_id uuid,
  status text,
  total_candidates integer default null,
  total_dispatched integer default 0,
  pages_processed integer default 0,
  errors jsonb default '{}',
  error_type text default null,
  error_message text default null
)
returns scheduler.invocation_summary
language plpgsql
security definer
set search_path = ''
as $$
declare
  remaining integer := 0;
  stopped boolean;
begin
  if status is null or status not in ('completed', 'partial', 'failed') then
    raise exception 'a run ends as completed, partial or failed, not %', coalesce(quote_literal(status), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give one of the three.';
  end if;
  if jsonb_typeof(errors) is distinct from 'object' then
    raise exception 'errors must be an object of counts by type, not %', coalesce(errors::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give {} where there was none, or {"timeout_error": 2} for example.';
  end if;
  select run.stop_requested_at is not null into stopped
  from scheduler.invocations as run
  where run.id = finish_invocation.invocation_id;
  if status <> 'completed' or stopped or exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id and invocation.dry_run
  ) then
    select count(*) into remaining from scheduler.notifications as waiting where waiting.due_at <= now();
  end if;
  update scheduler.invocations as invocation
  set
    -- A run that ran out of time when nothing was left to do is complete. One that was
    -- asked to stop was told that nothing is left.
    status = case
      when finish_invocation.status = 'partial' and remaining = 0 then 'completed'
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

comment on function public.finish_invocation(uuid, text, integer, integer, integer, jsonb, text, text) is
  'Closes a run in the ledger with what it did, and returns its figures. One that has ended stays as it ended.';

create or replace function scheduler.foresee_evaluation(scenarios text[], organisation_ids uuid[])
returns table (evaluated integer, suppressed integer)
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  scopes scheduler.evaluation_scope[] := array(
    select scope
    from scheduler.evaluation_scopes(
      scenarios => foresee_evaluation.scenarios,
      as_of => now(),
      organisation_ids => foresee_evaluation.organisation_ids,
      user_ids => null
    ) as scope
  );
begin
  return query
  select
    scheduler.count_evaluated(scopes),
    (
      select count(*)::integer
      from scheduler.judge_occurrences(as_of => now(), scopes => scopes, user_ids => null, explaining => false) as verdict
      where verdict.due and verdict.reason is not null
    ) + (
      select coalesce(sum(resting.mentors), 0)::integer from scheduler.count_resting_mentors(scopes) as resting
    );
end;
$$;

comment on function scheduler.foresee_evaluation(text[], uuid[]) is
  'How many mentors an evaluation would look at now, and how many pushes it would hold back. Writes nothing.';

create or replace function public.get_invocation(invocation_id uuid)
returns table (entry scheduler.invocation_entry, figures scheduler.invocation_figures)
language plpgsql
stable
security definer
set search_path = ''
set jit = off
as $$
declare
  organisations constant pg_catalog.uuid[] := scheduler.require_staff();
  run constant scheduler.invocations := scheduler.visible_invocation(
    invocation_id => get_invocation.invocation_id, organisations => organisations
  );
begin
  return query
  select scheduler.describe_invocation(run, organisations), scheduler.count_invocation(run);
end;
$$;

comment on function public.get_invocation(uuid) is
  'A run that concerns the caller''s organisations, with what it did to the mentors in the caller''s reach. For staff.';

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
-- Each combination of filters has an index of its own.
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

  return query
  select entry.*
  from scheduler.invocations as run
  cross join lateral scheduler.describe_invocation(run, organisations) as entry
  where (run.organisation_ids is null or run.organisation_ids && organisations)
    and (list_invocations.job_name is null or run.job_name = list_invocations.job_name)
    and (list_invocations.status is null or run.status = list_invocations.status)
    and (requested_from is null or run.requested_at >= requested_from)
    and (requested_to is null or run.requested_at < requested_to)
    and (before_id is null or (run.requested_at, run.id) < (before_requested_at, before_id))
  order by run.requested_at desc, run.id desc
  limit page_size;
end;
$$;

comment on function public.list_invocations(text, text, timestamptz, timestamptz, timestamptz, uuid, integer) is
  'The runs that concern the caller''s organisations, newest first, a page at a time (before_…: the last one of the page before). For staff.';

create or replace function scheduler.mentors_of_caller(as_role text default null)
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct reached.user_id), '{}')
  from (
    -- An assignment across organisations reaches nobody.
    select mentor.user_id
    from scheduler.follow_up as followed
    join scheduler.mentor as mentor on mentor.user_id = followed.user_id
    where coalesce(as_role, 'coordinator') = 'coordinator'
      and followed.coordinator_id = (select auth.uid())
      and mentor.organisation_id = any ((select scheduler.organisations_of_caller())::uuid[])
    union all
    select mentor.user_id
    from scheduler.mentor as mentor
    where coalesce(as_role, 'admin') = 'admin'
      and mentor.organisation_id = any ((select scheduler.organisations_of_caller('admin'))::uuid[])
  ) as reached;
$$;

comment on function scheduler.mentors_of_caller(text) is
  'The mentors in the caller''s reach: as coordinator those followed up, directly or through a chapter; as admin those of the organisation; or both.';

create or replace function scheduler.organisations_of_caller(as_role text default null)
returns uuid[]
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct staff.organisation_id), '{}')
  from scheduler.staff as staff
  where staff.user_id = (select auth.uid()) and (as_role is null or staff.role = as_role);
$$;

comment on function scheduler.organisations_of_caller(text) is
  'The organisations of which the caller is staff, in any role or the one given.';

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
    run.organisation_ids is null and exists (
      select from scheduler.organisation_state as concerned
      where concerned.active_mentors > 0 and concerned.organisation_id <> all (organisations)
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

create or replace function scheduler.record_shares(
  run_id uuid,
  scopes scheduler.evaluation_scope[],
  queued_by_organisation jsonb,
  suppressed_by_organisation jsonb
)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into scheduler.invocation_shares as share (
    invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed
  )
  select
    run_id,
    scope.organisation_id,
    coalesce((
      select organisation.active_mentors
      from scheduler.organisation_state as organisation
      where organisation.organisation_id = scope.organisation_id
    ), 0),
    max(scope.active_mentors),
    coalesce((queued_by_organisation ->> scope.organisation_id::text)::integer, 0),
    coalesce(suppressed_by_organisation -> scope.organisation_id::text, '{}')
  from unnest(scopes) as scope
  group by scope.organisation_id
  order by scope.organisation_id
  on conflict on constraint invocation_shares_pkey do update set
    total_active_mentors = excluded.total_active_mentors,
    total_evaluated = excluded.total_evaluated,
    total_candidates = share.total_candidates + excluded.total_candidates,
    suppressed = excluded.suppressed;
$$;

comment on function scheduler.record_shares(uuid, scheduler.evaluation_scope[], jsonb, jsonb) is
  'Writes what an evaluation found in each organisation, beside the ledger''s row of the whole.';

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

create or replace function scheduler.require_staff()
returns uuid[]
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  organisations constant uuid[] := scheduler.organisations_of_caller();
begin
  if cardinality(organisations) = 0 then
    raise exception 'this is for staff'
      using errcode = 'insufficient_privilege', hint = 'An organisation makes somebody coordinator or admin with a row in its staff table.';
  end if;
  return organisations;
end;
$$;

comment on function scheduler.require_staff() is
  'The organisations of which the caller is staff; an error where there is none.';

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
    suppressed_by_reason => suppressed_by_reason
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

create or replace function scheduler.sweep_idempotency_keys()
returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from scheduler.idempotency_keys as used
    where used.used_at < now() - interval '24 hours'
    returning used.user_id
  )
  select count(*) from gone;
$$;

comment on function scheduler.sweep_idempotency_keys() is
  'Forgets keys of requests for a run after 24 hours.';

create or replace function scheduler.visible_invocation(invocation_id uuid, organisations uuid[])
returns scheduler.invocations
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  run scheduler.invocations;
begin
  select seen.* into run
  from scheduler.invocations as seen
  where seen.id = visible_invocation.invocation_id
    and (seen.organisation_ids is null or seen.organisation_ids && organisations);
  -- Others' runs are told from none by nothing.
  if run.id is null then
    raise exception 'there is no run %', coalesce(invocation_id::text, 'null')
      using errcode = 'no_data_found', hint = 'Look for its id in the list of runs.';
  end if;
  return run;
end;
$$;

comment on function scheduler.visible_invocation(uuid, uuid[]) is
  'A run that concerns one of these organisations; an error where there is none.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
