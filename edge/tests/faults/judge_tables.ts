// What the tables must be like when a fault is over, whatever was sent.

import type { Sql } from "../../../scripts/server.ts";
import type { Breaks } from "./judge.ts";

export async function judgeWindows(sql: Sql, breaks: Breaks): Promise<void> {
  const overlapping = await sql<{ user_id: string; scenario_type: string; starts: string }[]>`
    select later.user_id, later.scenario_type, later.cooldown_window_start::text as starts
    from scheduler.scenario_cooldowns as earlier
    join scheduler.scenario_cooldowns as later
      on later.user_id = earlier.user_id
      and later.scenario_type = earlier.scenario_type
      and later.id <> earlier.id
      and (later.cooldown_window_start, later.id) > (earlier.cooldown_window_start, earlier.id)
      and later.cooldown_window_start < earlier.cooldown_until
  `;
  for (const { user_id, scenario_type, starts } of overlapping) {
    breaks("windows", `the ${scenario_type} window from ${starts} of mentor ${user_id} overlaps`);
  }
  const repeated = await sql<{ ids: string; what: string }[]>`
    select string_agg(id::text, ', ' order by id) as ids, 'one occurrence' as what
    from scheduler.notifications where status <> 'cancelled'
    group by user_id, scenario_type, occurrence_key having count(*) > 1
    union all
    select string_agg(id::text, ', ' order by id), 'one scenario and day'
    from scheduler.notifications
    group by user_id, scenario_type, evaluation_date having count(*) > 1
  `;
  for (const { ids, what } of repeated) breaks("windows", `notifications ${ids} are of ${what}`);
  const mismatched = await sql<{ id: number; windows: number }[]>`
    select n.id::integer, count(cooldown.id)::integer as windows
    from scheduler.notifications as n
    left join scheduler.scenario_cooldowns as cooldown on cooldown.notification_id = n.id
    group by n.id having count(cooldown.id) <> (n.status <> 'cancelled')::integer
  `;
  for (const { id, windows } of mismatched) {
    breaks("windows", `notification ${id} has ${windows} windows`);
  }
  const orphaned = await sql<{ user_id: string; scenario_type: string; starts: string }[]>`
    select user_id, scenario_type, cooldown_window_start::text as starts
    from scheduler.scenario_cooldowns as cooldown
    where not exists (select from scheduler.notifications where id = cooldown.notification_id)
  `;
  for (const { user_id, scenario_type, starts } of orphaned) {
    breaks(
      "windows",
      `the ${scenario_type} window from ${starts} of mentor ${user_id} is of nothing`,
    );
  }
}

export async function judgeBacklog(sql: Sql, breaks: Breaks): Promise<void> {
  const left = await sql<{ status: string; count: number }[]>`
    select status, count(*)::integer as count from scheduler.notifications
    where status in ('pending', 'sending') group by status order by status
  `;
  for (const { status, count } of left) breaks("drained", `${count} are still ${status}`);
}

export async function judgeLedger(sql: Sql, breaks: Breaks): Promise<void> {
  const unknown = await sql<{ run: string }[]>`
    select distinct coalesce(run::text, 'without a name') as run
    from (
      select invocation_id from scheduler.notifications
      union all
      select claimed_by from scheduler.notifications where attempts > 0
      union all
      select invocation_id from scheduler.push_attempts
    ) as worked (run)
    where not exists (select from scheduler.invocations where id = run)
  `;
  for (const { run } of unknown) breaks("ledger", `run ${run} did something and has no row`);

  const unended = await sql<{ id: string; status: string }[]>`
    select id, status from scheduler.invocations
    where status in ('requested', 'running') or finished_at is null
  `;
  for (const { id, status } of unended) breaks("ledger", `run ${id} is ${status} and has no end`);

  const unanswered = await sql<{ id: number; run: string }[]>`
    select id::integer, invocation_id as run from scheduler.requests where outcome is null order by id
  `;
  for (const { id, run } of unanswered) {
    breaks("ledger", `nobody knows what became of request ${id}, for run ${run}`);
  }

  // Who was sent by a push that a device refused for good, or at the last attempt, may be counted or not.
  const miscounted = await sql<
    { id: string; figure: string; told: number; least: number; most: number }[]
  >`
    with last_record as (
      select
        n.id, n.claimed_by,
        bool_and(latest.outcome in ('sent', 'failed', 'invalid_token')) as for_certain
      from scheduler.notifications as n
      join scheduler.push_attempts as latest
        on latest.notification_id = n.id and latest.attempt = n.attempts and latest.invocation_id = n.claimed_by
      where n.status = 'sent'
      group by n.id
    ),
    figures as (
      select
        run.id, 'dispatched' as figure, run.total_dispatched as told,
        count(last_record.id) filter (where last_record.for_certain) as least,
        count(last_record.id) as most
      from scheduler.invocations as run
      left join last_record on last_record.claimed_by = run.id
      where run.status in ('completed', 'partial') and run.total_dispatched is not null
      group by run.id

      union all

      select run.id, 'candidates', run.total_candidates, count(n.id), count(n.id)
      from scheduler.invocations as run
      left join scheduler.notifications as n on n.invocation_id = run.id
      where run.as_of is not null and not run.dry_run
      group by run.id
    )
    select id, figure, told, least::integer, most::integer
    from figures where told is null or told not between least and most
  `;
  for (const { id, figure, told, least, most } of miscounted) {
    const counted = least === most ? least : `${least} to ${most}`;
    breaks("ledger", `run ${id} tells of ${told} ${figure}, and there are ${counted}`);
  }
}

/** How many runs failed, by what the ledger says of them. */
export async function countFailedRuns(sql: Sql): Promise<Record<string, number>> {
  const rows = await sql<{ type: string; count: number }[]>`
    select coalesce(error_type, status_reason, 'without a type') as type, count(*)::integer as count
    from scheduler.invocations where status = 'failed' group by 1 order by 1
  `;
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
}

/** Derived here once more: what the engine says of itself is no evidence. */
export async function judgeState(sql: Sql, breaks: Breaks): Promise<void> {
  const differing = await sql<{ user_id: string }[]>`
    with source as (
      select
        coalesce(mentor.id, activity.user_id) as user_id,
        mentor.id is not null as on_roster,
        mentor.organisation_id,
        coalesce(mentor.status = 'active', false) as active,
        mentor.timezone,
        mentor.locale,
        mentor.joined_on,
        activity.last_on,
        coalesce(activity.count, 0) as count
      from public.peer_mentors as mentor
      full join (
        select user_id, max(activity_date) as last_on, count(*)::integer as count
        from public.activities group by user_id
      ) as activity on activity.user_id = mentor.id
    )
    select coalesce(source.user_id, state.user_id) as user_id
    from source
    full join scheduler.mentor_state as state on state.user_id = source.user_id
    where (
      source.user_id, source.on_roster, source.organisation_id, source.active, source.timezone, source.locale,
      source.joined_on, source.last_on, source.count, coalesce(source.last_on, source.joined_on)
    ) is distinct from (
      state.user_id, state.on_roster, state.organisation_id, state.active, state.timezone, state.locale,
      state.joined_on, state.last_activity_on, state.activity_count, state.silent_since
    )
  `;
  for (const { user_id } of differing) breaks("state", `that of mentor ${user_id} differs`);
  const counted = await sql<{ organisation: string }[]>`
    select coalesce(mentor.organisation_id, kept.organisation_id)::text as organisation
    from (
      select organisation_id, count(*) as mentors from public.peer_mentors
      where status = 'active' group by organisation_id
    ) as mentor
    full join scheduler.organisation_state as kept on kept.organisation_id = mentor.organisation_id
    where coalesce(mentor.mentors, 0) <> coalesce(kept.active_mentors, 0)
  `;
  for (const { organisation } of counted) {
    breaks("state", `the number of active mentors of organisation ${organisation} is wrong`);
  }
}
