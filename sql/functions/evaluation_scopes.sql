create or replace function scheduler.evaluation_scopes(
  scenarios text[],
  as_of timestamptz,
  organisation_ids uuid[],
  user_ids uuid[]
)
returns setof scheduler.evaluation_scope
language sql
stable
set search_path = pg_catalog, pg_temp
as $$
  with wanted as (
    select organisation.organisation_id, organisation.active_mentors
    from scheduler.organisation_state as organisation
    where organisation.active_mentors > 0
      and (organisation_ids is null or organisation.organisation_id = any (organisation_ids))
      and (user_ids is null or organisation.organisation_id in (
        select state.organisation_id from scheduler.mentor_state as state where state.user_id = any (user_ids)
      ))
  ),
  -- The default row; its absence means no limit, and Europe/Oslo.
  fallback as (
    select settings.*
    from (select) as one
    left join scheduler.organisation_settings as settings on settings.organisation_id is null
  ),
  organisation as (
    select
      wanted.organisation_id,
      wanted.active_mentors,
      scheduler.usable_timezone(array[described.timezone, fallback.timezone]) as timezone,
      coalesce(described.locale, fallback.locale, 'nb') as locale,
      coalesce(own.daily_cap, fallback.daily_cap) as daily_cap,
      coalesce(own.weekly_cap, fallback.weekly_cap) as weekly_cap,
      coalesce(own.quiet_start, fallback.quiet_start) as quiet_start,
      coalesce(own.quiet_end, fallback.quiet_end) as quiet_end
    from wanted
    cross join fallback
    left join lateral (
      select view.timezone, view.locale
      from scheduler.organisation as view
      where view.organisation_id = wanted.organisation_id
      limit 1
    ) as described on true
    left join scheduler.organisation_settings as own on own.organisation_id = wanted.organisation_id
    where not coalesce(own.paused, false) and not coalesce(fallback.paused, false)
  )
  select
    organisation.organisation_id,
    scenario.scenario_type,
    config.id,
    (as_of at time zone organisation.timezone)::date,
    scenario.default_params || config.params,
    config.cooldown_days,
    config.priority,
    config.ttl_hours,
    organisation.timezone,
    organisation.locale,
    organisation.daily_cap,
    organisation.weekly_cap,
    organisation.quiet_start,
    organisation.quiet_end,
    case
      when user_ids is null then organisation.active_mentors
      else (
        select count(*)::integer from scheduler.mentor_state as state
        where state.user_id = any (user_ids) and state.active and state.organisation_id = organisation.organisation_id
      )
    end
  from organisation
  cross join scheduler.scenarios as scenario
  cross join lateral (
    select row_.*
    from scheduler.scenario_config as row_
    where row_.scenario_type = scenario.scenario_type
      and (row_.organisation_id = organisation.organisation_id or row_.organisation_id is null)
    order by row_.organisation_id nulls last
    limit 1
  ) as config
  where config.enabled
    and (evaluation_scopes.scenarios is null or scenario.scenario_type = any (evaluation_scopes.scenarios))
  order by scenario.scenario_type, organisation.organisation_id;
$$;

comment on function scheduler.evaluation_scopes(text[], timestamptz, uuid[], uuid[]) is
  'Which scenarios run in which organisations, each with its evaluation date and the settings that hold there.';
