-- Written by `make migration` from sql/functions. Change the functions there.

set lock_timeout = '5s';
set check_function_bodies = off;

create or replace function scheduler.apply_privileges()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  project_function regprocedure;
  for_operators constant text[] := array['explain_scenario_evaluation', 'scheduler_status'];
  for_the_dispatcher constant text[] := array[
    'start_invocation', 'run_scenario_evaluation', 'claim_notifications', 'record_push_results',
    'finish_invocation', 'invocation_summary'
  ];
begin
  revoke all on schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all tables in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all sequences in schema scheduler from public, anon, authenticated, scheduler_dispatcher;
  revoke all on all functions in schema scheduler from public, anon, authenticated, scheduler_dispatcher;

  grant usage on schema public to scheduler_dispatcher;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_operators || for_the_dispatcher)
  loop
    execute format('revoke all on function %s from public, anon, authenticated, scheduler_dispatcher', project_function);
    execute format('grant execute on function %s to service_role', project_function);
  end loop;
  for project_function in
    select p.oid::regprocedure
    from pg_catalog.pg_proc as p
    where p.pronamespace = 'public'::regnamespace and p.proname = any (for_the_dispatcher)
  loop
    execute format('grant execute on function %s to scheduler_dispatcher', project_function);
  end loop;
end;
$$;

comment on function scheduler.apply_privileges() is
  'Takes everything from public, anon and authenticated, whatever the default privileges gave, and lets service_role call the entry points, and the dispatcher''s login those it needs. The last line of every migration that makes functions or tables in scheduler.';

create or replace function scheduler.attempt_limit()
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$ select 8 $$;

comment on function scheduler.attempt_limit() is
  'After so many attempts a notification is dead.';

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
  'Takes pending notifications back and releases their windows: the given ones, or all of an organisation or scenario.';

create or replace function scheduler.check_push_results(results jsonb)
returns void
language plpgsql
stable
set search_path = pg_catalog, pg_temp
as $$
declare
  bad jsonb;
begin
  if jsonb_typeof(results) is distinct from 'array' then
    raise exception 'results must be a list, not %', coalesce(jsonb_typeof(results), 'null')
      using
        errcode = 'invalid_parameter_value',
        hint = 'Give [{"notification_id": 1, "lease_token": "…", "token": "…", "outcome": "sent"}, …].';
  end if;

  select to_jsonb(result) - 'token' into bad
  from jsonb_to_recordset(results) as result (
    notification_id bigint, lease_token uuid, token text, outcome text, retry_after_seconds numeric
  )
  where result.notification_id is null
    or result.lease_token is null
    or coalesce(result.token, '') = ''
    or coalesce(result.outcome, '') not in ('sent', 'retry', 'unknown', 'failed', 'invalid_token', 'held')
  limit 1;
  if found then
    raise exception 'a result can''t be recorded: %', bad
      using
        errcode = 'invalid_parameter_value',
        hint = 'It needs notification_id and lease_token as claimed, the token of a device, and an outcome of '
          || 'sent, retry, unknown, failed, invalid_token or held; retry_after_seconds is a number.';
  end if;
end;
$$;

comment on function scheduler.check_push_results(jsonb) is
  'Raises an error that names the first result that can''t be recorded.';

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
  'Hands at most batch_size due notifications to a sender, under a lease. What is no longer true is cancelled instead, with the reason. An empty page means that nothing is due which is not in other hands.';

create or replace function scheduler.count_evaluated(scopes scheduler.evaluation_scope[])
returns integer
language sql
immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(per_organisation.active_mentors), 0)::integer
  from (
    select max(scope.active_mentors) as active_mentors from unnest(scopes) as scope group by scope.organisation_id
  ) as per_organisation;
$$;

comment on function scheduler.count_evaluated(scheduler.evaluation_scope[]) is
  'How many mentors these scopes look at, each once.';

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
    order by refused.token
    for update skip locked
  );
$$;

comment on function scheduler.disable_devices(text[]) is
  'Puts away devices whose tokens a provider refused for good. A project with a device table of its own replaces it, as it does the view scheduler.device.';

create or replace function public.explain_scenario_evaluation(
  user_id uuid,
  as_of timestamptz default now()
)
returns table (scenario_type text, due boolean, decision text, reason text, explanation text, facts jsonb)
language plpgsql
stable
security definer
set search_path = ''
set datestyle = 'ISO'
set jit = off
as $$
#variable_conflict use_column
declare
  mentor scheduler.mentor_state;
  scopes scheduler.evaluation_scope[];
  out_of_scope pg_catalog.text;
begin
  perform scheduler.check_evaluation_arguments(scenarios => null, as_of => as_of, dry_run => false);
  if explain_scenario_evaluation.user_id is null then
    raise exception 'user_id must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Give the id of a mentor, as in the roster.';
  end if;
  select state.* into mentor
  from scheduler.mentor_state as state
  where state.user_id = explain_scenario_evaluation.user_id and state.on_roster;
  if not found then
    raise exception 'no mentor % on the roster', explain_scenario_evaluation.user_id
      using
        errcode = 'no_data_found',
        hint = 'Look for the id in ' || coalesce(
          (select tracked.source::pg_catalog.text from scheduler.tracked_sources as tracked where tracked.kind = 'roster'),
          'a roster; none is tracked yet, see scheduler.track_roster'
        ) || '.';
  end if;

  select coalesce(array_agg(scope), '{}') into scopes
  from scheduler.evaluation_scopes(
    scenarios => null, as_of => as_of, organisation_ids => null, user_ids => array[mentor.user_id]
  ) as scope;

  out_of_scope := case
    when not mentor.active then 'mentor_not_active'
    when exists (
      select from scheduler.organisation_settings as settings
      where settings.paused and (settings.organisation_id = mentor.organisation_id or settings.organisation_id is null)
    ) then 'organisation_paused'
  end;

  return query
  select
    scenario.scenario_type,
    coalesce(verdict.due, false),
    judged.decision,
    judged.reason,
    scheduler.explain_verdict(
      scenario_type => scenario.scenario_type,
      reason => judged.reason,
      deliver_after => verdict.deliver_after,
      facts => judged.facts
    ),
    judged.facts
  from scheduler.scenarios as scenario
  left join scheduler.judge_occurrences(
    as_of => as_of, scopes => scopes, user_ids => array[mentor.user_id], explaining => true
  ) as verdict on verdict.scenario_type = scenario.scenario_type
  left join unnest(scopes) as scope on scope.scenario_type = scenario.scenario_type
  left join lateral (
    select jsonb_build_object(
      'id', latest.id, 'status', latest.status, 'status_reason', latest.status_reason,
      'sent_at', latest.sent_at, 'due_at', latest.due_at, 'attempts', latest.attempts
    ) as told
    from scheduler.notifications as latest
    where latest.user_id = mentor.user_id and latest.scenario_type = scenario.scenario_type
    -- In the order of the index that finds them.
    order by latest.evaluation_date desc
    limit 1
  ) as last_notification on true
  cross join lateral (
    select
      case
        when out_of_scope is not null or scope.config_id is null then 'out_of_scope'
        when not coalesce(verdict.due, false) then 'not_due'
        when verdict.reason is null then 'candidate'
        else 'suppressed'
      end as decision,
      case
        when out_of_scope is not null then out_of_scope
        when scope.config_id is null then 'scenario_disabled'
        when verdict.user_id is null then 'not_due'
        else verdict.reason
      end as reason,
      jsonb_strip_nulls(jsonb_build_object(
        'evaluation_date', verdict.evaluation_date,
        'occurrence_key', verdict.occurrence_key,
        'cooldown_window_start', verdict.cooldown_window_start,
        'window_cooldown_until', verdict.cooldown_until,
        'deliver_after', verdict.deliver_after,
        'last_notification', last_notification.told
      ) || coalesce(verdict.facts, '{}')) as facts
  ) as judged
  order by coalesce(scope.priority, scenario.default_priority), scenario.scenario_type;
end;
$$;

comment on function public.explain_scenario_evaluation(uuid, timestamptz) is
  'Why a mentor gets a push or doesn''t, a row per scenario. Writes nothing.';

create or replace function scheduler.explain_verdict(
  scenario_type text,
  reason text,
  deliver_after timestamptz,
  facts jsonb
)
returns text
language sql
stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
as $$
  select case
    when reason = 'mentor_not_active' then 'The mentor is not active on the roster.'
    when reason = 'organisation_paused' then 'The organisation, or everything, is paused in organisation_settings.'
    when reason = 'scenario_disabled' then 'The scenario is switched off in scenario_config.'
    else concat_ws(' ',
      case
        when scenario_type = 'inactivity' and (facts ->> 'days_silent')::integer < 0 then format(
          'The next activity is planned on %s.', facts ->> 'silent_since')
        when scenario_type = 'inactivity' and facts ->> 'silent_since' is null then
          'There is neither an activity nor a joining date.'
        when scenario_type = 'inactivity' then format(
          'Silent for %s days, since %s; reminders start at %s days, on %s.',
          facts ->> 'days_silent', facts ->> 'silent_since', facts ->> 'threshold_days',
          (facts ->> 'silent_since')::date + (facts ->> 'threshold_days')::integer)
        when scenario_type = 'milestone' and facts ? 'milestone' then format(
          'Activities: %s. Reached milestone %s in the last %s days%s.',
          facts ->> 'activities', facts ->> 'milestone', facts ->> 'lookback_days',
          '; was told of milestone ' || (facts ->> 'notified_before') || ' before')
        when scenario_type = 'milestone' and facts ? 'activities' then format(
          'Activities: %s. Reached no milestone in the last %s days%s.',
          facts ->> 'activities', facts ->> 'lookback_days', '; the next is ' || (facts ->> 'next_milestone'))
        when scenario_type = 'expiry' and facts ? 'lead_days' then format(
          'A certification expires in %s days, on %s, which is within the lead of %s days.',
          facts ->> 'days_left', facts ->> 'expires_on', facts ->> 'lead_days')
        when scenario_type = 'expiry' and facts ? 'expires_on' then format(
          'The next certification expires on %s, in %s days; the first word is %s days before.',
          facts ->> 'expires_on', facts ->> 'days_left', facts ->> 'longest_lead')
        when scenario_type = 'expiry' then 'No certification expires from today on.'
      end,
      case
        when reason is null then format('A push goes out after %s.', deliver_after)
        when reason = 'not_due' then 'Not due.'
        when reason = 'already_notified' then 'A notification for this is in the outbox already: ' || (facts ->> 'occurrence_key') || '.'
        when reason = 'opted_out' then 'Held back: the mentor has switched these pushes off.'
        when reason = 'no_device' then 'Held back: the mentor has no enabled device.'
        when reason = 'cooldown' then format('Held back: left alone until %s after the last push of this scenario.', facts ->> 'cooldown_until')
        when reason = 'max_reminders' then format('Held back: has had all %s reminders of this silence.', facts ->> 'max_reminders')
        when reason = 'frequency_cap' then format(
          'Held back: %s notifications that day (cap %s) and %s in 7 days (cap %s), with %s more of this run going first.',
          facts ->> 'notified_today', coalesce(facts ->> 'daily_cap', 'none'),
          facts ->> 'notified_in_7_days', coalesce(facts ->> 'weekly_cap', 'none'), facts ->> 'before_it_in_this_run')
        when reason = 'already_evaluated' then 'Held back: this scenario has a notification for this day already.'
        when reason = 'no_template' then 'Held back: there is no template in the mentor''s language, nb or en.'
        else 'Held back: ' || reason || '.'
      end,
      'The last notification of this scenario (' || (facts #>> '{last_notification,id}') || ') ' || case
        when facts #>> '{last_notification,status}' = 'sent' then 'was sent at ' || (facts #>> '{last_notification,sent_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' and facts #>> '{last_notification,sent_at}' is not null
          then 'has arrived at one device, and is tried at the others after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'pending' then 'goes out after ' || (facts #>> '{last_notification,due_at}')::timestamptz(0)
        when facts #>> '{last_notification,status}' = 'sending' then 'is being sent'
        else 'is ' || (facts #>> '{last_notification,status}')
      end || coalesce(' (' || (facts #>> '{last_notification,status_reason}') || ')', '') || '.'
    )
  end;
$$;

comment on function scheduler.explain_verdict(text, text, timestamptz, jsonb) is
  'A verdict and its facts as a sentence for an operator.';

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
begin
  if status is null or status not in ('completed', 'partial', 'failed') then
    raise exception 'a run ends as completed, partial or failed, not %', coalesce(quote_literal(status), 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give one of the three.';
  end if;
  if jsonb_typeof(errors) is distinct from 'object' then
    raise exception 'errors must be an object of counts by type, not %', coalesce(errors::pg_catalog.text, 'null')
      using errcode = 'invalid_parameter_value', hint = 'Give {} where there was none, or {"timeout_error": 2} for example.';
  end if;
  if status <> 'completed' or exists (
    select from scheduler.invocations as invocation where invocation.id = finish_invocation.invocation_id and invocation.dry_run
  ) then
    select count(*) into remaining from scheduler.notifications as waiting where waiting.due_at <= now();
  end if;
  update scheduler.invocations as invocation
  set
    -- A run that ran out of time when nothing was left to do is complete.
    status = case when finish_invocation.status = 'partial' and remaining = 0 then 'completed' else finish_invocation.status end,
    finished_at = clock_timestamp(),
    total_candidates = coalesce(invocation.total_candidates, finish_invocation.total_candidates),
    total_dispatched = finish_invocation.total_dispatched,
    pages_processed = finish_invocation.pages_processed,
    errors = finish_invocation.errors,
    total_errors = (select coalesce(sum(by_type.value::integer), 0) from jsonb_each_text(finish_invocation.errors) as by_type),
    error_type = finish_invocation.error_type,
    error_message = finish_invocation.error_message,
    remaining_unprocessed_count = remaining
  where invocation.id = finish_invocation.invocation_id and invocation.status = 'running';
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
      select coalesce(sum(resting.mentors), 0)::integer from scheduler.count_resting(scopes) as resting
    );
end;
$$;

comment on function scheduler.foresee_evaluation(text[], uuid[]) is
  'How many mentors an evaluation would look at now, and how many pushes it would hold back. Writes nothing.';

create or replace function public.invocation_summary(invocation_id uuid)
returns scheduler.invocation_summary
language sql
stable
security definer
set search_path = ''
as $$
  select
    invocation.id,
    invocation.status,
    coalesce(invocation.total_active_mentors, 0),
    coalesce(invocation.total_evaluated, 0),
    coalesce(invocation.total_candidates, 0),
    coalesce(invocation.total_dispatched, 0),
    coalesce(invocation.total_suppressed, 0),
    coalesce(invocation.total_errors, 0),
    coalesce(invocation.pages_processed, 0),
    coalesce(invocation.remaining_unprocessed_count, 0),
    (1000 * extract(epoch from invocation.finished_at - invocation.started_at))::integer,
    invocation.error_type
  from scheduler.invocations as invocation
  where invocation.id = invocation_summary.invocation_id;
$$;

comment on function public.invocation_summary(uuid) is
  'The figures of a run, as they stand.';

create or replace function scheduler.record_evaluation(
  run_id uuid,
  started timestamptz,
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  queued_by_config jsonb,
  queued_by_scenario jsonb,
  suppressed_by_reason jsonb
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
  update scheduler.scenario_config as config
  set
    last_evaluated_at = started,
    last_evaluated_count = covered.mentors,
    last_candidate_count = coalesce((queued_by_config ->> config.id::text)::integer, 0)
  from (
    select scope.config_id, sum(scope.active_mentors) as mentors from unnest(scopes) as scope group by scope.config_id
  ) as covered
  -- A row that an operator is just editing goes without: the ledger has the figures too.
  where config.id = covered.config_id
    and config.id in (select free.id from scheduler.scenario_config as free for update skip locked);

  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, as_of, started_at, finished_at,
    total_active_mentors, total_evaluated, total_candidates, total_suppressed, suppressed
  )
  values (
    run_id, 'scenario-evaluation', 'completed', session_user, as_of, started, clock_timestamp(),
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

comment on function scheduler.record_evaluation(uuid, timestamptz, timestamptz, scheduler.evaluation_scope[], jsonb, jsonb, jsonb) is
  'Writes what an evaluation found to the ledger and to scenario_config, and says it in a line.';

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
  'Records what became of a page, from [{notification_id, lease_token, token, outcome, …}], an entry for each device. A notification whose lease is not the caller''s is left untouched, and returned as it is with recorded = false.';

create or replace function scheduler.requeue_notifications(
  notification_ids bigint[] default null,
  statuses text[] default array['dead', 'quarantined'],
  reason text default 'requeued by an operator'
)
returns table (notification_id bigint, user_id uuid, scenario_type text, deliver_after timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  wrong text;
begin
  select coalesce(quote_literal(asked.name), 'null') into wrong
  from unnest(statuses) as asked (name)
  where asked.name is null or asked.name not in ('dead', 'quarantined', 'failed', 'expired')
  limit 1;
  if found or statuses is null or statuses = '{}' then
    raise exception 'notifications that are % can''t be brought back', coalesce(wrong, 'of no status')
      using errcode = 'invalid_parameter_value', hint = 'statuses is a list of dead, quarantined, failed and expired.';
  end if;
  select coalesce(asked.id::text, 'null') || ', which ' || coalesce('is ' || existing.status, 'does not exist') into wrong
  from unnest(notification_ids) as asked (id)
  left join scheduler.notifications as existing on existing.id = asked.id
  where existing.status is null or existing.status <> all (statuses)
  limit 1;
  if found then
    raise exception 'can''t bring back notification %', wrong
      using
        errcode = 'invalid_parameter_value',
        hint = 'Nothing was changed. Only these can be: ' || array_to_string(statuses, ', ') || '; give statuses for others.';
  end if;

  return query
  update scheduler.notifications as notification
  set
    status = 'pending',
    status_reason = reason,
    attempts = 0,
    next_attempt_at = now(),
    requeued_at = clock_timestamp(),
    -- As long to live as it had at first.
    expires_at = greatest(
      notification.expires_at, now() + (notification.expires_at - notification.deliver_after)
    )
  where notification.status = any (statuses)
    and (notification_ids is null or notification.id = any (notification_ids))
  returning notification.id, notification.user_id, notification.scenario_type, notification.next_attempt_at;
end;
$$;

comment on function scheduler.requeue_notifications(bigint[], text[], text) is
  'Brings dead and quarantined notifications back to the outbox, all or the given ones, with new attempts; failed and expired ones when asked for. A device that has a push gets it no second time.';

create or replace function scheduler.retry_delay(attempt integer, wished_seconds numeric default null)
returns interval
language sql
volatile
set search_path = pg_catalog, pg_temp
as $$
  -- 1, 3, 9, 27 minutes, 1 h 21 min, 4 h, 12 h: the eight attempts span most of a day.
  select greatest(
    interval '1 minute' * power(3, least(greatest(attempt, 1), 7) - 1) * (0.75 + random() / 2),
    interval '1 second' * least(coalesce(wished_seconds, 0), 604800)
  );
$$;

comment on function scheduler.retry_delay(integer, numeric) is
  'How long to wait after a failed attempt: three times as long each time, a quarter more or less at random, and never less than the provider wished.';

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
    where run.as_of is not null and not run.dry_run
    order by run.started_at desc nulls last
    limit 1
  ),
  last_ending as (
    select run.job_name, run.status, run.finished_at, run.error_type
    from scheduler.invocations as run
    where run.finished_at is not null and not run.dry_run
    order by run.started_at desc
    limit 1
  ),
  unended as (
    select count(*) as runs, min(run.started_at) as oldest
    from scheduler.invocations as run
    where run.status = 'running' and run.started_at < now() - interval '10 minutes'
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
    case
      when coalesce(bool_or(settings.organisation_id is null), false) then 'everything is paused in the default row of organisation_settings'
      when count(*) > 0 then count(*) || ' organisations are paused in organisation_settings'
      else 'nothing is paused'
    end
  from scheduler.organisation_settings as settings
  where settings.paused

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
    case when outbox.too_late > 0 then 'warn' else 'ok' end,
    case
      when outbox.pending = 0 then 'nothing pending'
      else format('%s pending, the oldest since %s', outbox.pending, outbox.oldest)
    end || case when outbox.too_late > 0 then format(', %s past their expiry: nothing is sending', outbox.too_late) else '' end
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
  from refused;
$$;

comment on function public.scheduler_status() is
  'An operator''s first look: each component with ok, warn or fail, and what to do.';

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
  unknown_place bigint;
begin
  if job_name is null then
    raise exception 'job_name must not be null'
      using errcode = 'null_value_not_allowed', hint = 'Name the job that runs, scenario-evaluation for example.';
  end if;
  perform scheduler.check_evaluation_arguments(scenarios => scenarios, as_of => now(), dry_run => dry_run);
  select asked.place into unknown_place
  from unnest(organisation_ids) with ordinality as asked (organisation_id, place)
  where not exists (select from scheduler.organisation as known where known.organisation_id = asked.organisation_id)
    and not exists (select from scheduler.organisation_state as known where known.organisation_id = asked.organisation_id)
  limit 1;
  if found then
    raise exception 'organisation_ids[%] is no organisation', unknown_place - 1
      using errcode = 'invalid_parameter_value', hint = 'Look for the id in scheduler.organisation, or leave organisation_ids out for all.';
  end if;

  -- A request that comes twice, by its own id or the run's, runs once.
  return query
  insert into scheduler.invocations as invocation (
    id, job_name, status, triggered_by, scheduled_for, webhook_id, dry_run, started_at,
    total_active_mentors, total_evaluated, total_suppressed
  )
  select
    coalesce(start_invocation.invocation_id, gen_random_uuid()),
    start_invocation.job_name,
    'running',
    start_invocation.triggered_by,
    start_invocation.scheduled_for,
    start_invocation.webhook_id,
    start_invocation.dry_run,
    clock_timestamp(),
    (select coalesce(sum(organisation.active_mentors), 0) from scheduler.organisation_state as organisation),
    foreseen.evaluated,
    foreseen.suppressed
  from (select) as one
  left join lateral (
    select evaluation.*
    from scheduler.foresee_evaluation(
      scenarios => start_invocation.scenarios, organisation_ids => start_invocation.organisation_ids
    ) as evaluation
    where start_invocation.dry_run and start_invocation.job_name = 'scenario-evaluation'
  ) as foreseen on true
  on conflict do nothing
  returning invocation.id, true;
  if found then
    return;
  end if;

  return query
  select invocation.id, false
  from scheduler.invocations as invocation
  where invocation.id = start_invocation.invocation_id or invocation.webhook_id = start_invocation.webhook_id
  order by invocation.started_at desc
  limit 1;
end;
$$;

comment on function public.start_invocation(text, uuid, text, timestamptz, text, text[], uuid[], boolean) is
  'Opens a run in the ledger. started is false where the same request, by its invocation_id or webhook_id, ran before: its id is returned.';

create or replace function scheduler.take_notifications(
  wanted integer,
  looked_at integer,
  lease interval,
  invocation_id uuid
)
returns setof scheduler.claimed_notification
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
-- A page is small, however many the planner takes due_at <= now() for: look
-- everything up by index.
set enable_hashjoin = off
set enable_mergejoin = off
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with picked as materialized (
    select
      notification.id, notification.user_id, notification.organisation_id, notification.scenario_type,
      notification.occurrence_key, notification.status, notification.attempts, notification.expires_at,
      notification.sent_at, notification.requeued_at, notification.due_at,
      now() - greatest(notification.created_at, notification.deliver_after) > interval '30 minutes' as late
    from scheduler.notifications as notification
    where notification.due_at <= now()
    order by notification.due_at, notification.id
    limit looked_at
    for update skip locked
  ),
  rule as materialized (
    select
      concerned.organisation_id,
      coalesce(own.paused, false) or coalesce(fallback.paused, false) as paused,
      coalesce(own.on_ambiguous, fallback.on_ambiguous, 'resend') as on_ambiguous,
      coalesce(own.quiet_start, fallback.quiet_start) as quiet_start,
      coalesce(own.quiet_end, fallback.quiet_end) as quiet_end,
      array[described.timezone, fallback.timezone] as timezones
    from (select distinct picked.organisation_id from picked) as concerned
    left join scheduler.organisation_settings as fallback on fallback.organisation_id is null
    left join scheduler.organisation_settings as own on own.organisation_id = concerned.organisation_id
    left join lateral (
      select view.timezone from scheduler.organisation as view where view.organisation_id = concerned.organisation_id limit 1
    ) as described on true
  ),
  -- The world as it is now.
  looked_up as materialized (
    select
      picked.*,
      rule.on_ambiguous,
      mentor.user_id is not null as has_state,
      coalesce(mentor.timezone, '') as timezone,
      receiver.devices,
      case
        when mentor.active is not true then 'mentor_not_active'
        when rule.paused then 'organisation_paused'
        when (
          select not preference.push_enabled
          from scheduler.preference as preference
          where preference.user_id = picked.user_id and preference.scenario_type = picked.scenario_type
          order by preference.push_enabled
          limit 1
        ) then 'opted_out'
        when picked.scenario_type = 'inactivity'
          and mentor.silent_since::text > split_part(picked.occurrence_key, ':', 2) collate "C"
          then 'active_again'
        when picked.scenario_type = 'expiry'
          and (
            select true
            from scheduler.certification as certification
            where certification.user_id = picked.user_id
              and certification.expires_on::text = split_part(picked.occurrence_key, ':', 2)
            limit 1
          ) is null then 'certification_renewed'
        when receiver.devices is null then 'no_device'
      end as no_longer
    from picked
    join rule on rule.organisation_id is not distinct from picked.organisation_id
    left join scheduler.mentor_state as mentor on mentor.user_id = picked.user_id
    -- All enabled devices, until one has it; then only those that failed in passing.
    left join lateral (
      select json_agg(json_build_object('token', device.token, 'platform', device.platform, 'provider', device.provider)) as devices
      from scheduler.device as device
      where device.user_id = picked.user_id
        and (
          (picked.attempts = 0 and picked.requeued_at is null)
          or coalesce(
            (
              select case
                when latest.outcome = 'sent' then false
                when latest.outcome in ('failed', 'invalid_token') then coalesce(latest.attempted_at < picked.requeued_at, false)
                else true
              end
              from scheduler.push_attempts as latest
              where latest.notification_id = picked.id
                and latest.token_hash = sha256(convert_to(device.token, 'UTF8'))
              order by latest.id desc
              limit 1
            ),
            picked.sent_at is null
          )
        )
    ) as receiver on true
  ),
  -- After an outage the backlog must not wake anybody at night.
  clock as materialized (
    select
      late.organisation_id,
      late.timezone,
      scheduler.next_allowed_time(
        wanted => now(),
        zone => scheduler.usable_timezone(late.timezone || rule.timezones),
        quiet_start => rule.quiet_start,
        quiet_end => rule.quiet_end
      ) as allowed_at
    from (
      select distinct looked_up.organisation_id, looked_up.timezone from looked_up where looked_up.late
    ) as late
    join rule on rule.organisation_id is not distinct from late.organisation_id
  ),
  judged as (
    select
      looked_up.*,
      clock.allowed_at,
      case
        when looked_up.status = 'sending' and looked_up.on_ambiguous = 'quarantine' then 'quarantined'
        when looked_up.expires_at <= now() then 'expired'
        when looked_up.no_longer is not null then 'cancelled'
        when looked_up.attempts >= scheduler.attempt_limit() then 'dead'
        when clock.allowed_at > now() then 'postponed'
        else 'sending'
      end as verdict
    from looked_up
    left join clock
      on looked_up.late
      and clock.organisation_id is not distinct from looked_up.organisation_id
      and clock.timezone = looked_up.timezone
  ),
  -- What is still true beyond the page is left as it was.
  ranked as materialized (
    select
      judged.*,
      row_number() over (partition by judged.verdict order by judged.due_at, judged.id) as place
    from judged
  ),
  -- Cancelling writes the mentor's state. One that somebody writes just now, an
  -- import perhaps, is left for later: a claim never waits, so it can't deadlock.
  unlocked as materialized (
    select mentor.user_id
    from scheduler.mentor_state as mentor
    where mentor.user_id in (
      select ranked.user_id from ranked where ranked.verdict = 'cancelled' and ranked.sent_at is null and ranked.has_state
    )
    order by mentor.user_id
    for update skip locked
  ),
  decided as (
    select
      ranked.id,
      ranked.devices,
      case
        when ranked.verdict in ('sending', 'postponed') then ranked.verdict
        when ranked.sent_at is not null then 'sent'
        when ranked.verdict = 'cancelled' and ranked.has_state
          and not (ranked.user_id in (select unlocked.user_id from unlocked)) then 'left'
        else ranked.verdict
      end as verdict,
      case ranked.verdict
        when 'quarantined' then 'outcome_unknown'
        when 'expired' then 'not_sent_in_time'
        when 'cancelled' then ranked.no_longer
        when 'dead' then 'attempts_exhausted'
        when 'postponed' then 'quiet_hours'
      end as reason,
      least(ranked.allowed_at, ranked.expires_at) as allowed_at
    from ranked
    where ranked.verdict <> 'sending' or ranked.place <= wanted
  ),
  lease_of_page as materialized (
    select gen_random_uuid() as token
  ),
  written as (
    update scheduler.notifications as notification
    set
      status = case when decided.verdict in ('postponed', 'left') then 'pending' else decided.verdict end,
      status_reason = decided.reason,
      attempts = notification.attempts + (decided.verdict = 'sending')::integer,
      lease_token = case when decided.verdict = 'sending' then lease_of_page.token end,
      lease_expires_at = case when decided.verdict = 'sending' then now() + lease end,
      claimed_by = case when decided.verdict = 'sending' then take_notifications.invocation_id else notification.claimed_by end,
      next_attempt_at = case decided.verdict
        when 'postponed' then decided.allowed_at
        when 'left' then now() + interval '10 seconds'
      end
    from decided
    cross join lease_of_page
    where notification.id = decided.id
    returning
      notification.id, notification.lease_token, notification.attempts, notification.user_id,
      notification.organisation_id, notification.scenario_type, notification.occurrence_key,
      notification.expires_at, notification.title, notification.body, decided.devices
  )
  select
    written.id,
    written.lease_token,
    written.attempts,
    written.user_id,
    written.organisation_id,
    written.scenario_type,
    -- Of the occurrence, so that one that is decided on anew replaces the first on the device.
    encode(sha256(convert_to(
      written.user_id || ' ' || written.scenario_type || ' ' || written.occurrence_key, 'UTF8'
    )), 'hex'),
    written.expires_at,
    ceil(date_part('epoch', written.expires_at - now()))::integer,
    written.title,
    written.body,
    -- What the app needs to open the right place; the facts stay here.
    jsonb_build_object(
      'notification_id', written.id::text, 'scenario_type', written.scenario_type, 'occurrence_key', written.occurrence_key
    ),
    written.devices
  from written
  where written.lease_token is not null
  order by written.id;
end;
$$;

comment on function scheduler.take_notifications(integer, integer, interval, uuid) is
  'Locks what is due, looks at the world once more, and writes what becomes of each: sent now under a lease, at most so many as wanted, or later, or never. Returns what is to be sent.';

create or replace function scheduler.write_push_results(results jsonb, invocation_id uuid)
returns table (notification_id bigint, status text, recorded boolean)
language plpgsql
volatile
rows 500
set search_path = pg_catalog, pg_temp
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with reported as materialized (
    select result.*, sha256(convert_to(result.token, 'UTF8')) as token_hash
    from jsonb_to_recordset(results) as result (
      notification_id bigint, lease_token uuid, token text, provider text, platform text,
      outcome text, error_type text, error_code text, message_id text, retry_after_seconds numeric
    )
  ),
  lease as materialized (
    select
      reported.notification_id,
      reported.lease_token,
      bool_or(reported.outcome = 'sent') as sent,
      bool_or(reported.outcome = 'unknown') as unknown,
      bool_or(reported.outcome in ('retry', 'unknown')) as failed_in_passing,
      bool_or(reported.outcome = 'held') as held,
      bool_and(reported.outcome = 'held') as untried,
      bool_and(reported.outcome = 'invalid_token') as all_invalid,
      max(reported.retry_after_seconds) as retry_after_seconds,
      min(reported.error_code) filter (where reported.outcome <> 'sent') as error_code
    from reported
    group by reported.notification_id, reported.lease_token
  ),
  -- Whose lease was taken over meanwhile has nothing to say any more.
  owned as materialized (
    select
      lease.*,
      notification.attempts,
      notification.expires_at,
      notification.sent_at,
      lease.sent or notification.sent_at is not null as has_arrived,
      lease.unknown and 'quarantine' = coalesce(
        (select own.on_ambiguous from scheduler.organisation_settings as own where own.organisation_id = notification.organisation_id),
        (select fallback.on_ambiguous from scheduler.organisation_settings as fallback where fallback.organisation_id is null)
      ) as in_doubt
    from lease
    join scheduler.notifications as notification on notification.id = lease.notification_id
    where notification.status = 'sending' and notification.lease_token = lease.lease_token
  ),
  decided as materialized (
    select
      owned.*,
      case
        when owned.in_doubt then case when owned.has_arrived then 'sent' else 'quarantined' end
        when owned.held or owned.failed_in_passing then case
          when owned.failed_in_passing and owned.attempts >= scheduler.attempt_limit() then
            case when owned.has_arrived then 'sent' else 'dead' end
          else 'pending'
        end
        when owned.has_arrived then 'sent'
        else 'failed'
      end as verdict
    from owned
  ),
  written as (
    update scheduler.notifications as notification
    set
      status = decided.verdict,
      status_reason = case decided.verdict
        when 'pending' then coalesce(decided.error_code, 'to_be_tried_again')
        when 'quarantined' then 'outcome_unknown'
        when 'dead' then 'attempts_exhausted'
        when 'failed' then case
          when decided.all_invalid then 'invalid_token' else coalesce(decided.error_code, 'refused')
        end
      end,
      sent_at = case when decided.has_arrived then coalesce(decided.sent_at, now()) end,
      -- What was not even tried doesn't count as an attempt.
      attempts = decided.attempts - decided.untried::integer,
      next_attempt_at = case
        when decided.verdict = 'pending' then least(
          decided.expires_at,
          now() + case
            when decided.failed_in_passing
              then scheduler.retry_delay(attempt => decided.attempts, wished_seconds => decided.retry_after_seconds)
            else interval '1 second' * greatest(10, least(coalesce(decided.retry_after_seconds, 60), 86400))
          end
        )
      end,
      lease_token = null,
      lease_expires_at = null
    from decided
    where notification.id = decided.notification_id
      and notification.status = 'sending'
      and notification.lease_token = decided.lease_token
    returning notification.id, notification.status, decided.lease_token, decided.attempts
  ),
  logged as (
    insert into scheduler.push_attempts as logged (
      notification_id, attempt, token_hash, provider, platform, outcome, error_type, error_code,
      provider_message_id, invocation_id
    )
    select
      written.id, written.attempts, reported.token_hash, reported.provider, reported.platform, reported.outcome,
      reported.error_type, reported.error_code, reported.message_id, write_push_results.invocation_id
    from written
    join reported on reported.notification_id = written.id and reported.lease_token = written.lease_token
  )
  -- What is another's by now is told as it stood before.
  select
    lease.notification_id,
    coalesce(written.status, (
      select current.status from scheduler.notifications as current where current.id = lease.notification_id
    )),
    written.id is not null
  from lease
  left join written on written.id = lease.notification_id and written.lease_token = lease.lease_token
  order by lease.notification_id;
end;
$$;

comment on function scheduler.write_push_results(jsonb, uuid) is
  'The statement that records a page: an entry in push_attempts for each device, and what follows for each notification.';

reset check_function_bodies;

select scheduler.refresh_sources();
select scheduler.apply_privileges();
