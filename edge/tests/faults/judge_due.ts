// Who is due today, derived from the application's tables and the settings alone,
// without what the engine keeps of mentors and without its functions.

import type { Sql } from "../../../scripts/server.ts";
import type { Breaks } from "./judge.ts";

export async function judgeDue(sql: Sql, breaks: Breaks): Promise<void> {
  const forgotten = await sql<{ user_id: string; occurrence: string }[]>`
    with place as (
      select
        organisation.id as organisation_id,
        (now() at time zone coalesce(organisation.timezone, fallback.timezone, 'Europe/Oslo'))::date as today,
        coalesce(own.daily_cap, fallback.daily_cap) as daily_cap,
        coalesce(own.weekly_cap, fallback.weekly_cap) as weekly_cap
      from public.organisations as organisation
      left join scheduler.organisation_settings as fallback on fallback.organisation_id is null
      left join scheduler.organisation_settings as own on own.organisation_id = organisation.id
      where not coalesce(own.paused, false) and not coalesce(fallback.paused, false)
    ),
    setting as (
      select distinct on (place.organisation_id, config.scenario_type)
        place.organisation_id, config.scenario_type, config.enabled,
        scenario.default_params || config.params as params
      from place
      join scheduler.scenario_config as config
        on config.organisation_id = place.organisation_id or config.organisation_id is null
      join scheduler.scenarios as scenario on scenario.scenario_type = config.scenario_type
      order by place.organisation_id, config.scenario_type, config.organisation_id nulls last
    ),
    -- A mentor whom a scenario may reach.
    reached as (
      select mentor.id as user_id, mentor.joined_on, place.*, setting.scenario_type, setting.params
      from public.peer_mentors as mentor
      join place on place.organisation_id = mentor.organisation_id
      join setting on setting.organisation_id = mentor.organisation_id and setting.enabled
      where mentor.status = 'active'
        and exists (
          select from public.device_tokens as device
          where device.user_id = mentor.id and device.disabled_at is null
        )
        and not exists (
          select from public.notification_preferences as preference
          where preference.user_id = mentor.id
            and preference.scenario_type = setting.scenario_type
            and not preference.push_enabled
        )
    ),
    decided as (
      select user_id, scenario_type, occurrence_key, evaluation_date
      from scheduler.notifications where status <> 'cancelled'
    ),
    silent as (
      select reached.*, coalesce(activity.last_on, reached.joined_on) as since
      from reached
      left join (
        select user_id, max(activity_date) as last_on from public.activities group by user_id
      ) as activity on activity.user_id = reached.user_id
      where reached.scenario_type = 'inactivity'
    ),
    reminded as (
      select silent.*, (
        select coalesce(max(split_part(decided.occurrence_key, ':', 3)::integer), 0)
        from decided
        where decided.user_id = silent.user_id
          and decided.occurrence_key like 'inactivity:' || to_char(silent.since, 'YYYY-MM-DD') || ':%'
      ) as last_reminder
      from silent
      where silent.today - silent.since >= (silent.params ->> 'threshold_days')::integer
    ),
    numbered as (
      select
        user_id, activity_date, row_number() over (partition by user_id order by activity_date) as number
      from public.activities
    ),
    milestone as (
      select reached.user_id, reached.scenario_type, max(numbered.number) as number
      from reached
      join numbered on numbered.user_id = reached.user_id
      where reached.scenario_type = 'milestone'
        and reached.params -> 'milestones' @> to_jsonb(numbered.number)
        and numbered.activity_date <= reached.today
        and numbered.activity_date > reached.today - (reached.params ->> 'lookback_days')::integer
      group by reached.user_id, reached.scenario_type
    ),
    expiring as (
      select distinct
        reached.user_id, reached.scenario_type,
        'expiry:' || to_char(certification.expires_on, 'YYYY-MM-DD') || ':' || lead.days as occurrence
      from reached
      join public.certifications as certification on certification.user_id = reached.user_id
      cross join lateral (
        select min(item::integer) as days
        from jsonb_array_elements_text(reached.params -> 'lead_days') as item
        where certification.expires_on - reached.today <= item::integer
      ) as lead
      where reached.scenario_type = 'expiry'
        and certification.revoked_at is null
        and certification.expires_on >= reached.today
        and lead.days is not null
    ),
    due as (
      select
        user_id, scenario_type,
        format('inactivity:%s:%s', to_char(since, 'YYYY-MM-DD'), last_reminder + 1) as occurrence
      from reminded
      where coalesce(last_reminder < (params ->> 'max_reminders')::integer, true)

      union all

      select user_id, scenario_type, 'milestone:' || number
      from milestone
      where not exists (
        select from decided
        where decided.user_id = milestone.user_id
          and decided.scenario_type = 'milestone'
          and split_part(decided.occurrence_key, ':', 2)::integer >= milestone.number
      )

      union all

      select user_id, scenario_type, occurrence
      from expiring
      where not exists (
        select from decided
        where decided.user_id = expiring.user_id and decided.occurrence_key = expiring.occurrence
      )
    )
    select due.user_id, due.occurrence
    from due
    join reached using (user_id, scenario_type)
    where not exists (
        select from scheduler.scenario_cooldowns as cooldown
        where cooldown.user_id = due.user_id
          and cooldown.scenario_type = due.scenario_type
          and cooldown.cooldown_window_start <= reached.today
          and cooldown.cooldown_until > reached.today
      )
      -- A day has one candidate of a scenario, and keeps it when that is cancelled.
      and not exists (
        select from scheduler.notifications as n
        where n.user_id = due.user_id
          and n.scenario_type = due.scenario_type
          and n.evaluation_date = reached.today
      )
      and coalesce(reached.daily_cap > (
        select count(*) from decided
        where decided.user_id = due.user_id and decided.evaluation_date = reached.today
      ), true)
      and coalesce(reached.weekly_cap > (
        select count(*) from decided
        where decided.user_id = due.user_id
          and decided.evaluation_date > reached.today - 7
          and decided.evaluation_date <= reached.today
      ), true)
    order by due.user_id, due.occurrence
  `;
  for (const { user_id, occurrence } of forgotten) {
    breaks("created", `mentor ${user_id} is due by ${occurrence}, and nothing was decided`);
  }
}
