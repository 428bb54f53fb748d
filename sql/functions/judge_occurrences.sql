create or replace function scheduler.judge_occurrences(
  as_of timestamptz,
  scopes scheduler.evaluation_scope[],
  user_ids uuid[],
  explaining boolean
)
returns setof scheduler.verdict
language sql
stable
rows 10000
set search_path = pg_catalog, pg_temp
-- The planner can't know how many rows a detector returns, and takes it for
-- few. Look-ups by index stand as laterals below; all other joins are hashed.
set enable_seqscan = off
set enable_nestloop = off
set jit = off
set work_mem = '32MB'
as $$
  with scope as materialized (
    select s.* from unnest(scopes) as s
  ),
  -- Each reason is looked up only where those before it do not apply already.
  assessed as materialized (
    select
      found.scenario_type,
      found.user_id,
      found.organisation_id,
      found.occurrence_key,
      found.anchor,
      found.facts,
      scope.evaluation_date,
      latest.cooldown_until as rested_until,
      history.today,
      history.in_week,
      found.due and not history.has_occurrence as due,
      case
        when history.has_occurrence then 'already_notified'
        when not found.due then 'not_due'
        when exists (
          select from scheduler.preference as preference
          where preference.user_id = found.user_id
            and preference.scenario_type = found.scenario_type
            and not preference.push_enabled
        ) then 'opted_out'
        when not exists (
          select from scheduler.device as device where device.user_id = found.user_id
        ) then 'no_device'
        when latest.cooldown_until > scope.evaluation_date then 'cooldown'
        when found.rests is not null then found.rests
        when history.has_day then 'already_evaluated'
      end as reason
    from scheduler.detect_occurrences(scopes, user_ids, explaining) as found
    join scope on scope.organisation_id = found.organisation_id and scope.scenario_type = found.scenario_type
    -- All that the outbox knows of the mentor, in one look.
    cross join lateral (
      select
        coalesce(bool_or(
          notified.scenario_type = found.scenario_type
          and notified.occurrence_key = found.occurrence_key
          and notified.status <> 'cancelled'
        ), false) as has_occurrence,
        coalesce(bool_or(
          notified.scenario_type = found.scenario_type and notified.evaluation_date = scope.evaluation_date
        ), false) as has_day,
        count(*) filter (
          where notified.evaluation_date = scope.evaluation_date and notified.status <> 'cancelled'
        ) as today,
        count(*) filter (
          where notified.evaluation_date > scope.evaluation_date - 7
            and notified.evaluation_date <= scope.evaluation_date
            and notified.status <> 'cancelled'
        ) as in_week
      from scheduler.notifications as notified
      where notified.user_id = found.user_id
    ) as history
    left join lateral (
      select cooldown.cooldown_until
      from scheduler.scenario_cooldowns as cooldown
      where cooldown.user_id = found.user_id and cooldown.scenario_type = found.scenario_type
      order by cooldown.cooldown_window_start desc
      limit 1
    ) as latest on true
  ),
  eligible as materialized (
    select
      assessed.*,
      scope.config_id,
      scope.priority,
      scope.cooldown_days,
      scope.ttl_hours,
      scope.daily_cap,
      scope.weekly_cap,
      scope.quiet_start,
      scope.quiet_end,
      scope.timezone as organisation_timezone,
      coalesce(mentor.timezone, scope.timezone) as timezone,
      lower(split_part(replace(coalesce(mentor.locale, scope.locale), '_', '-'), '-', 1)) as locale
    from assessed
    join scope on scope.organisation_id = assessed.organisation_id and scope.scenario_type = assessed.scenario_type
    left join lateral (
      select state.timezone, state.locale
      from scheduler.mentor_state as state
      where state.user_id = assessed.user_id
      offset 0
    ) as mentor on true
    where assessed.reason is null
  ),
  -- A template, a zone and a clock are worked out once for all who share them.
  compiled as materialized (
    select
      template.organisation_id,
      template.scenario_type,
      template.locale,
      used.placeholders,
      scheduler.compile_template(template.title, used.placeholders) as title,
      scheduler.compile_template(template.body, used.placeholders) as body
    from scheduler.scenario_templates as template
    join scheduler.scenarios as scenario on scenario.scenario_type = template.scenario_type
    cross join lateral (
      select array(
        select placeholder
        from unnest(scenario.placeholders) as placeholder
        where strpos(template.title || template.body, '{{' || placeholder || '}}') > 0
      ) as placeholders
      offset 0
    ) as used
  ),
  wording as materialized (
    select shared.organisation_id, shared.scenario_type, shared.locale, chosen.locale as written_in, chosen.placeholders, chosen.title, chosen.body
    from (
      select distinct eligible.organisation_id, eligible.scenario_type, eligible.locale
      from eligible
    ) as shared
    cross join lateral (
      select compiled.*
      from compiled
      where compiled.scenario_type = shared.scenario_type
        and (compiled.organisation_id = shared.organisation_id or compiled.organisation_id is null)
        and compiled.locale in (shared.locale, 'nb', 'en')
      order by array_position(array[shared.locale, 'nb', 'en'], compiled.locale), compiled.organisation_id nulls last
      limit 1
    ) as chosen
  ),
  -- What can't be said takes no place under the caps.
  allowed as materialized (
    select
      placed.*,
      case
        when placed.title is null then 'no_template'
        when placed.today + placed.place > placed.daily_cap or placed.in_week + placed.place > placed.weekly_cap
          then 'frequency_cap'
      end as held_back
    from (
      select
        eligible.*,
        wording.written_in,
        wording.placeholders,
        wording.title,
        wording.body,
        row_number() over (
          partition by eligible.user_id, wording.title is null order by eligible.priority, eligible.scenario_type
        ) as place
      from eligible
      left join wording
        on wording.organisation_id = eligible.organisation_id
        and wording.scenario_type = eligible.scenario_type
        and wording.locale = eligible.locale
    ) as placed
  ),
  delivery as materialized (
    select
      shared.organisation_id,
      shared.timezone,
      scheduler.next_allowed_time(
        wanted => as_of,
        zone => scheduler.usable_timezone(array[shared.timezone, shared.organisation_timezone]),
        quiet_start => shared.quiet_start,
        quiet_end => shared.quiet_end
      ) as deliver_after
    from (
      select distinct
        allowed.organisation_id, allowed.timezone, allowed.organisation_timezone, allowed.quiet_start, allowed.quiet_end
      from allowed
      where allowed.held_back is null
    ) as shared
  )
  select
    assessed.scenario_type,
    assessed.user_id,
    assessed.organisation_id,
    null::bigint,
    assessed.evaluation_date,
    assessed.occurrence_key,
    assessed.due,
    assessed.reason,
    case
      when explaining then coalesce(assessed.facts, '{}') || jsonb_build_object('cooldown_until', assessed.rested_until)
    end,
    null::date, null::date, null::timestamptz, null::timestamptz, null, null, null::jsonb
  from assessed
  where assessed.reason is not null

  union all

  select
    allowed.scenario_type,
    allowed.user_id,
    allowed.organisation_id,
    allowed.config_id,
    allowed.evaluation_date,
    allowed.occurrence_key,
    true,
    allowed.held_back,
    case
      when explaining then allowed.facts || jsonb_build_object(
        'cooldown_until', allowed.rested_until,
        'notified_today', allowed.today,
        'daily_cap', allowed.daily_cap,
        'notified_in_7_days', allowed.in_week,
        'weekly_cap', allowed.weekly_cap,
        'before_it_in_this_run', allowed.place - 1
      )
    end,
    greatest(allowed.anchor, allowed.rested_until),
    allowed.evaluation_date + allowed.cooldown_days,
    delivery.deliver_after,
    delivery.deliver_after + make_interval(hours => allowed.ttl_hours),
    format(allowed.title, variadic said.facts),
    format(allowed.body, variadic said.facts),
    jsonb_build_object('scenario_type', allowed.scenario_type, 'occurrence_key', allowed.occurrence_key) || allowed.facts
  from allowed
  left join delivery on delivery.organisation_id = allowed.organisation_id and delivery.timezone = allowed.timezone
  cross join lateral (
    select array(
      select case
        when allowed.written_in in ('nb', 'nn') and fact.value ~ '^\d{4}-\d\d-\d\d$' then to_char(fact.value::date, 'DD.MM.YYYY')
        else fact.value
      end
      from (
        select coalesce(allowed.facts ->> placeholder, '') as value from unnest(allowed.placeholders) as placeholder
      ) as fact
    ) as facts
    offset 0
  ) as said;
$$;

comment on function scheduler.judge_occurrences(timestamptz, scheduler.evaluation_scope[], uuid[], boolean) is
  'What becomes of each occurrence: the first reason to hold it back, or the push with its window, time and text.';
