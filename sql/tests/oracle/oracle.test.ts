// The model of oracle.ts against the SQL, on random worlds that change from day
// to day. ORACLE_WORLDS says how many; SEED and ORACLE_PATH, as printed
// by a failure, run its world again.

import fc from "fast-check";
import type { Sql } from "../../../scripts/server.ts";
import { givenSeed, report, testDatabase } from "../../../scripts/testing.ts";
import {
  addDays,
  type Candidate,
  candidatesOf,
  evaluate,
  REASONS,
  type Request,
  SCENARIOS,
  type Verdict,
  withCancelled,
  withCandidates,
  type World,
} from "./oracle.ts";
import {
  type Change,
  type ConfigPlan,
  type DayPlan,
  type MentorPlan,
  type Plan,
  plan as plans,
  type SettingsPlan,
} from "./worlds.ts";

const WORLDS = Number(Deno.env.get("ORACLE_WORLDS") ?? 300);
const SEED = givenSeed();
const PATH = Deno.env.get("ORACLE_PATH");
const SHRINK_FOR_MILLISECONDS = 30_000;

// Reading and writing rows ----------------------------------------------------------

async function insert(sql: Sql, table: string, rows: Record<string, unknown>[], conflict = "") {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first).join(", ");
  await sql.unsafe(
    `insert into ${table} (${columns}) overriding system value
     select ${columns} from jsonb_populate_recordset(null::${table}, $1::text::jsonb) ${conflict}`,
    [JSON.stringify(rows)],
  );
}

function uuid(kind: string, number: number): string {
  return `${kind.repeat(8)}-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

function at<T>(rows: readonly T[], position: number): T | undefined {
  return rows[position % rows.length];
}

function several<T>(rows: readonly T[], positions: number[]): T[] {
  const chosen = positions.map((position) => at(rows, position));
  return [...new Set(chosen)].filter((row) => row !== undefined);
}

/**
 * A world in the model and the same in the database. Mentors who are not kept
 * are in the model only: nobody's pushes depend on anybody else, so a world
 * that fails can be looked at without them, and all else stays as it was.
 */
class Twin {
  world: World = {
    organisations: [],
    mentors: [],
    activities: [],
    certifications: [],
    devices: [],
    preferences: [],
    settings: [],
    configs: [],
    templates: [],
    notifications: [],
    cooldowns: [],
  };
  #serial = 0;
  #gone: World["mentors"] = [];

  constructor(
    readonly sql: Sql,
    readonly today: string,
    readonly keep: (userId: string) => boolean,
  ) {}

  #kept<T extends { userId: string }>(rows: T[]): T[] {
    return rows.filter((row) => this.keep(row.userId));
  }

  #next(): number {
    return ++this.#serial;
  }

  async build(plan: Plan): Promise<void> {
    const { world, sql } = this;
    plan.organisations.forEach(({ timezone, locale }, position) =>
      world.organisations.push({ id: uuid("b", position), timezone, locale })
    );
    await insert(
      sql,
      "public.organisations",
      world.organisations.map((row) => ({ ...row, name: "Organisation" })),
    );
    await this.#readDefaults();
    await sql`update scheduler.organisation_settings set locale = ${plan.standardLocale}
      where organisation_id is null`;
    for (const row of world.settings) row.locale = plan.standardLocale;

    if (plan.standardSettings) await this.#setSettings([[null, plan.standardSettings]]);
    const owners = [...plan.organisations.entries()]
      .map(([position, organisation]) => [uuid("b", position), organisation] as const);
    await this.#setSettings(
      owners.flatMap(([id, { settings }]) => settings ? [[id, settings] as const] : []),
    );
    await this.#setConfigs([
      ...plan.standardConfigs.map((config) => [null, config] as const),
      ...owners.flatMap(([id, { configs }]) => configs.map((config) => [id, config] as const)),
    ]);

    const deleted = new Set(plan.deletedTemplates.map((row) => `${row.scenario} ${row.locale}`));
    world.templates = world.templates.filter((row) =>
      !deleted.has(`${row.scenario} ${row.locale}`)
    );
    await sql`delete from scheduler.scenario_templates
      where organisation_id is null and scenario_type || ' ' || locale = any(${[...deleted]})`;
    const placeholders = {
      expiry: "{{expires_on}} in {{days_left}}, {{expires_on}}",
      inactivity: "{{days_silent}}",
      milestone: "{{milestone}}",
    };
    const own = owners.flatMap(([id, { templates }], position) =>
      templates.map(({ scenario, locale }) => ({
        organisationId: id,
        scenario,
        locale,
        title: `${scenario} of ${position} in ${locale}`,
        body: `In ${locale}: ${placeholders[scenario]}`,
      }))
    );
    world.templates.push(...own);
    await insert(
      sql,
      "scheduler.scenario_templates",
      own.map((row) => ({
        id: this.#next() + 1_000_000,
        organisation_id: row.organisationId,
        scenario_type: row.scenario,
        locale: row.locale,
        title: row.title,
        body: row.body,
      })),
    );

    await this.#addMentors(plan.mentors);
  }

  /** What the migrations ship. The texts are read, because no rule depends on their words. */
  async #readDefaults(): Promise<void> {
    this.world.templates = await this.sql`
      select organisation_id as "organisationId", scenario_type as scenario, locale, title, body
      from scheduler.scenario_templates`;
    this.world.settings = [{
      organisationId: null,
      paused: false,
      dailyCap: 1,
      weeklyCap: 3,
      quietStart: "21:00",
      quietEnd: "08:00",
      timezone: "Europe/Oslo",
      locale: "nb",
    }];
    this.world.configs = SCENARIOS.map((scenario) => ({
      organisationId: null,
      scenario,
      enabled: true,
      params: {},
      cooldownDays: null,
      priority: null,
      ttlHours: null,
    }));
  }

  async #addMentors(planned: MentorPlan[]): Promise<void> {
    const { world, sql, today } = this;
    planned.forEach((plan, position) => {
      const id = uuid("a", position);
      world.mentors.push({
        id,
        organisationId: at(world.organisations, plan.organisation)!.id,
        status: plan.status,
        joinedOn: addDays(today, plan.joined),
        timezone: plan.timezone,
        locale: plan.locale,
      });
      for (const { day, times } of plan.activities) {
        for (let time = 0; time < times; time++) {
          world.activities.push({ id: this.#next(), userId: id, date: addDays(today, day) });
        }
      }
      for (const { expires, revoked } of plan.certifications) {
        world.certifications.push({
          id: uuid("c", this.#next()),
          userId: id,
          expiresOn: expires === null ? null : addDays(today, expires),
          revoked,
        });
      }
      for (const disabled of plan.devices) {
        world.devices.push({ token: `token ${this.#next()}`, userId: id, disabled });
      }
      for (const preference of plan.preferences) {
        world.preferences.push({ userId: id, ...preference });
      }
    });
    await this.#insertMentors(world.mentors);
    await this.#insertActivities(world.activities);
    await this.#insertCertifications(world.certifications);
    await this.#insertDevices(world.devices);
    await insert(
      sql,
      "public.notification_preferences",
      this.#kept(world.preferences).map((row) => ({
        user_id: row.userId,
        scenario_type: row.scenario,
        push_enabled: row.pushEnabled,
      })),
    );
  }

  #insertMentors(rows: World["mentors"]) {
    return insert(
      this.sql,
      "public.peer_mentors",
      rows.filter((row) => this.keep(row.id)).map((row) => ({
        id: row.id,
        organisation_id: row.organisationId,
        status: row.status,
        joined_on: row.joinedOn,
        timezone: row.timezone,
        locale: row.locale,
      })),
    );
  }

  #insertActivities(rows: World["activities"]) {
    return insert(
      this.sql,
      "public.activities",
      this.#kept(rows).map((row) => ({ id: row.id, user_id: row.userId, activity_date: row.date })),
    );
  }

  #insertCertifications(rows: World["certifications"]) {
    return insert(
      this.sql,
      "public.certifications",
      this.#kept(rows).map((row) => ({
        id: row.id,
        user_id: row.userId,
        name: "certification",
        expires_on: row.expiresOn,
        revoked_at: row.revoked ? "2020-01-01T00:00:00Z" : null,
      })),
    );
  }

  #insertDevices(rows: World["devices"]) {
    return insert(
      this.sql,
      "public.device_tokens",
      this.#kept(rows).map((row) => ({
        id: this.#next(),
        token: row.token,
        user_id: row.userId,
        last_seen_at: "2020-01-01T00:00:00Z",
        disabled_at: row.disabled ? "2020-01-01T00:00:00Z" : null,
      })),
    );
  }

  async #setSettings(rows: (readonly [string | null, SettingsPlan])[]): Promise<void> {
    for (const [organisationId, settings] of rows) {
      const row = this.world.settings.find((row) => row.organisationId === organisationId);
      if (row) Object.assign(row, settings);
      else {
        this.world.settings.push({ organisationId, ...settings, timezone: null, locale: null });
      }
    }
    await insert(
      this.sql,
      "scheduler.organisation_settings",
      rows.map(([organisationId, settings]) => ({
        id: this.#next() + 1_000_000,
        organisation_id: organisationId,
        paused: settings.paused,
        daily_cap: settings.dailyCap,
        weekly_cap: settings.weeklyCap,
        quiet_start: settings.quietStart,
        quiet_end: settings.quietEnd,
      })),
      `on conflict on constraint one_settings_row_per_organisation do update set
         paused = excluded.paused, daily_cap = excluded.daily_cap, weekly_cap = excluded.weekly_cap,
         quiet_start = excluded.quiet_start, quiet_end = excluded.quiet_end`,
    );
  }

  async #setConfigs(rows: (readonly [string | null, ConfigPlan])[]): Promise<void> {
    for (const [organisationId, config] of rows) {
      this.world.configs = this.world.configs.filter((row) =>
        row.organisationId !== organisationId || row.scenario !== config.scenario
      );
      this.world.configs.push({ organisationId, ...config });
    }
    await insert(
      this.sql,
      "scheduler.scenario_config",
      rows.map(([organisationId, config]) => ({
        id: this.#next() + 1_000_000,
        organisation_id: organisationId,
        scenario_type: config.scenario,
        enabled: config.enabled,
        params: config.params,
        cooldown_days: config.cooldownDays,
        priority: config.priority,
        ttl_hours: config.ttlHours,
      })),
      `on conflict on constraint one_config_per_organisation_and_scenario do update set
         enabled = excluded.enabled, params = excluded.params,
         cooldown_days = excluded.cooldown_days, priority = excluded.priority,
         ttl_hours = excluded.ttl_hours`,
    );
  }

  /** today: the date that the change's days are counted from. */
  async apply(change: Change, today: string): Promise<void> {
    const { world, sql } = this;
    switch (change.kind) {
      case "record activities": {
        const days = Array.from({ length: change.times }, () => change.days).flat();
        await this.#record(several(world.mentors, change.who), days, today);
        break;
      }
      case "act on a push": {
        const pushed = several(this.#standing(), change.which).map((row) => row.userId);
        const mentors = world.mentors.filter((mentor) => pushed.includes(mentor.id));
        await this.#record(mentors, change.days, today);
        break;
      }
      case "move activities": {
        const rows = several(world.activities, change.which);
        for (const row of rows) row.date = addDays(row.date, change.by);
        await sql`update public.activities set activity_date = activity_date + ${change.by}::int
          where id = any(${rows.map((row) => row.id)})`;
        break;
      }
      case "hand activities over": {
        const rows = several(world.activities, change.which);
        const to = at(world.mentors, change.to);
        if (!to) break;
        const [here, elsewhere] = [true, false].map((kept) =>
          rows.filter((row) => this.keep(row.userId) === kept).map((row) => row.id)
        );
        for (const row of rows) row.userId = to.id;
        if (this.keep(to.id)) {
          await sql`update public.activities set user_id = ${to.id} where id = any(${here!})`;
          await this.#insertActivities(rows.filter((row) => elsewhere!.includes(row.id)));
        } else await sql`delete from public.activities where id = any(${here!})`;
        break;
      }
      case "delete activities": {
        const rows = several(world.activities, change.which);
        world.activities = world.activities.filter((row) => !rows.includes(row));
        await sql`delete from public.activities where id = any(${rows.map((row) => row.id)})`;
        break;
      }
      case "forget what a mentor did": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        const after = addDays(today, change.after);
        world.activities = world.activities.filter((row) =>
          row.userId !== mentor.id || row.date <= after
        );
        await sql`delete from public.activities
          where user_id = ${mentor.id} and activity_date > ${after}`;
        break;
      }
      case "truncate activities":
        world.activities = [];
        await sql`truncate public.activities`;
        break;
      case "certify": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        const { expires, revoked } = change.certification;
        const row = {
          id: uuid("c", this.#next()),
          userId: mentor.id,
          expiresOn: expires === null ? null : addDays(today, expires),
          revoked,
        };
        world.certifications.push(row);
        await this.#insertCertifications([row]);
        break;
      }
      case "renew": {
        const row = at(world.certifications, change.which);
        if (!row) break;
        row.expiresOn = change.expires === null ? null : addDays(today, change.expires);
        await sql`update public.certifications set expires_on = ${row.expiresOn} where id = ${row.id}`;
        break;
      }
      case "revoke or restore": {
        const row = at(world.certifications, change.which);
        if (!row) break;
        row.revoked = !row.revoked;
        await sql`update public.certifications
          set revoked_at = ${row.revoked ? "2020-01-01T00:00:00Z" : null} where id = ${row.id}`;
        break;
      }
      case "delete certification": {
        const row = at(world.certifications, change.which);
        if (!row) break;
        world.certifications = world.certifications.filter((other) => other !== row);
        await sql`delete from public.certifications where id = ${row.id}`;
        break;
      }
      case "switch device": {
        const row = at(world.devices, change.which);
        if (!row) break;
        row.disabled = !row.disabled;
        await sql`update public.device_tokens
          set disabled_at = ${row.disabled ? "2020-01-01T00:00:00Z" : null}
          where token = ${row.token}`;
        break;
      }
      case "new device": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        const row = { token: `token ${this.#next()}`, userId: mentor.id, disabled: false };
        world.devices.push(row);
        await this.#insertDevices([row]);
        break;
      }
      case "prefer": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        const { scenario, pushEnabled } = change;
        world.preferences = world.preferences.filter((row) =>
          row.userId !== mentor.id || row.scenario !== scenario
        );
        world.preferences.push({ userId: mentor.id, scenario, pushEnabled });
        if (!this.keep(mentor.id)) break;
        await sql`insert into public.notification_preferences
          values (${mentor.id}, ${scenario}, ${pushEnabled})
          on conflict (user_id, scenario_type) do update set push_enabled = excluded.push_enabled`;
        break;
      }
      case "change status": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        mentor.status = change.status;
        await sql`update public.peer_mentors set status = ${change.status} where id = ${mentor.id}`;
        break;
      }
      case "join on": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        mentor.joinedOn = addDays(today, change.joined);
        await sql`update public.peer_mentors set joined_on = ${mentor.joinedOn}
          where id = ${mentor.id}`;
        break;
      }
      case "change mentor's zone": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        Object.assign(mentor, { timezone: change.timezone, locale: change.locale });
        await sql`update public.peer_mentors
          set timezone = ${change.timezone}, locale = ${change.locale} where id = ${mentor.id}`;
        break;
      }
      case "change organisation": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        mentor.organisationId = at(world.organisations, change.organisation)!.id;
        await sql`update public.peer_mentors set organisation_id = ${mentor.organisationId}
          where id = ${mentor.id}`;
        break;
      }
      case "delete mentor": {
        const mentor = at(world.mentors, change.who);
        if (!mentor) break;
        this.#gone.push(mentor);
        world.mentors = world.mentors.filter((row) => row !== mentor);
        world.activities = world.activities.filter((row) => row.userId !== mentor.id);
        world.certifications = world.certifications.filter((row) => row.userId !== mentor.id);
        await sql`delete from public.peer_mentors where id = ${mentor.id}`;
        break;
      }
      case "add mentor again": {
        const mentor = at(this.#gone, change.which);
        if (!mentor) break;
        this.#gone = this.#gone.filter((row) => row !== mentor);
        const again = {
          ...mentor,
          organisationId: at(world.organisations, change.organisation)!.id,
          joinedOn: addDays(today, change.joined),
        };
        world.mentors.push(again);
        await this.#insertMentors([again]);
        break;
      }
      case "cancel notifications": {
        const rows = several(this.#standing(), change.which);
        for (const row of rows) this.world = withCancelled(this.world, row);
        await this.#setStatus(rows, "cancelled");
        break;
      }
      case "settle notifications":
        await this.#setStatus(several(this.#standing(), change.which), change.status);
        break;
      case "move organisation": {
        const row = at(world.organisations, change.organisation)!;
        Object.assign(row, { timezone: change.timezone, locale: change.locale });
        await sql`update public.organisations
          set timezone = ${change.timezone}, locale = ${change.locale} where id = ${row.id}`;
        break;
      }
      case "set settings":
        await this.#setSettings([[this.#owner(change.organisation), change.settings]]);
        break;
      case "set config":
        await this.#setConfigs([[this.#owner(change.organisation), change.config]]);
        break;
      case "delete config": {
        const owner = this.#owner(change.organisation);
        world.configs = world.configs.filter((row) =>
          row.organisationId !== owner || row.scenario !== change.scenario
        );
        await sql`delete from scheduler.scenario_config
          where organisation_id = ${owner} and scenario_type = ${change.scenario}`;
        break;
      }
    }
  }

  async #record(mentors: World["mentors"], days: number[], today: string): Promise<void> {
    const rows = mentors.flatMap((mentor) =>
      days.map((day) => ({ id: this.#next(), userId: mentor.id, date: addDays(today, day) }))
    );
    this.world.activities.push(...rows);
    await this.#insertActivities(rows);
  }

  /** The newest notifications that stand, so that a change often meets those of today. */
  #standing(): World["notifications"] {
    return this.world.notifications.filter((row) => !row.cancelled).slice(-40);
  }

  #owner(position: number | null): string | null {
    return position === null ? null : at(this.world.organisations, position)!.id;
  }

  async #setStatus(rows: World["notifications"], status: string): Promise<void> {
    const keys = rows.map((row) => ({
      user_id: row.userId,
      scenario_type: row.scenario,
      evaluation_date: row.evaluationDate,
    }));
    await this.sql`
      update scheduler.notifications as notification set status = ${status}
      from jsonb_to_recordset(${JSON.stringify(keys)}::text::jsonb)
        as wanted(user_id uuid, scenario_type text, evaluation_date date)
      where (notification.user_id, notification.scenario_type, notification.evaluation_date)
        = (wanted.user_id, wanted.scenario_type, wanted.evaluation_date)`;
  }
}

// What the SQL says -----------------------------------------------------------------

async function run(
  sql: Sql,
  request: Request,
  options: { dryRun: boolean; invocationId: string },
): Promise<string[]> {
  const rows = await sql`
    select to_jsonb(candidate) as candidate
    from public.run_scenario_evaluation(
      scenarios => ${request.scenarios}::text[],
      as_of => ${request.asOf}::timestamptz,
      organisation_ids => ${request.organisationIds}::uuid[],
      user_ids => ${request.userIds}::uuid[],
      dry_run => ${options.dryRun},
      invocation_id => ${options.invocationId}::uuid
    ) as candidate`;
  return rows.map(({ candidate }) => {
    if ((candidate.notification_id === null) !== options.dryRun) {
      throw new Error(`notification_id ${candidate.notification_id}, dry run ${options.dryRun}`);
    }
    return candidateLine({
      userId: candidate.user_id,
      organisationId: candidate.organisation_id,
      scenario: candidate.scenario_type,
      occurrenceKey: candidate.occurrence_key,
      windowStart: candidate.cooldown_window_start,
      evaluationDate: candidate.evaluation_date,
      deliverAfter: candidate.deliver_after,
      title: candidate.title,
      body: candidate.body,
    });
  });
}

function candidateLine(candidate: Omit<Candidate, "cooldownUntil" | "expiresAt">): string {
  return [
    candidate.userId,
    candidate.scenario,
    candidate.occurrenceKey,
    `organisation ${candidate.organisationId}`,
    `window from ${candidate.windowStart}`,
    `evaluated on ${candidate.evaluationDate}`,
    `deliver after ${new Date(candidate.deliverAfter).toISOString()}`,
    candidate.title,
    candidate.body,
  ].join(" | ");
}

interface After {
  cooldowns: string[];
  outbox: string[];
  expiries: string[];
  overlaps: string[];
  suppressed: Record<string, Record<string, number>> | null;
  wrongStates: string[];
}

/** All that a run leaves behind, in one round trip. */
async function lookAround(sql: Sql, invocationId: string): Promise<After> {
  const [row] = await sql`
    select
      coalesce((
        select jsonb_agg(concat_ws(' | ', user_id, scenario_type, occurrence_key,
          'from ' || cooldown_window_start, 'until ' || cooldown_until))
        from scheduler.scenario_cooldowns
      ), '[]') as cooldowns,
      coalesce((
        select jsonb_agg(concat_ws(' | ', user_id, scenario_type, occurrence_key, evaluation_date,
          case when status = 'cancelled' then 'cancelled' else 'standing' end))
        from scheduler.notifications
      ), '[]') as outbox,
      coalesce((
        select jsonb_agg(concat_ws(' | ', user_id, scenario_type, occurrence_key,
          'expires ' || to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
        from scheduler.notifications
        where notifications.invocation_id = ${invocationId}
      ), '[]') as expiries,
      coalesce((
        select jsonb_agg(concat_ws(' | ', one.user_id, one.scenario_type, one.cooldown_window_start))
        from scheduler.scenario_cooldowns as one
        join scheduler.scenario_cooldowns as other using (user_id, scenario_type)
        where one.cooldown_window_start < other.cooldown_window_start
          and one.cooldown_until > other.cooldown_window_start
      ), '[]') as overlaps,
      (select suppressed from scheduler.invocations where id = ${invocationId}) as suppressed,
      coalesce((
        select jsonb_agg(to_jsonb(difference)::text) from scheduler.verify_mentor_state() as difference
      ), '[]') as wrong_states`;
  if (!row) throw new Error("A query without from always has one row.");
  return {
    cooldowns: row.cooldowns,
    outbox: row.outbox,
    expiries: row.expiries,
    overlaps: row.overlaps,
    suppressed: row.suppressed,
    wrongStates: row.wrong_states,
  };
}

async function explained(sql: Sql, userIds: string[], asOf: string): Promise<string[]> {
  const rows = await sql`
    select asked.user_id, explained.scenario_type, explained.due, explained.decision, explained.reason
    from unnest(${userIds}::uuid[]) as asked(user_id)
    cross join lateral public.explain_scenario_evaluation(asked.user_id, ${asOf}::timestamptz)
      as explained`;
  return rows.map((row) =>
    explainedLine(
      row.user_id,
      row.scenario_type,
      row.decision === "out_of_scope" ? null : row.due,
      row.decision,
      row.decision === "suppressed" ? row.reason : null,
    )
  );
}

function explainedLine(
  userId: string,
  scenario: string,
  due: boolean | null,
  decision: string,
  reason: string | null,
): string {
  return [userId, scenario, due === null ? null : due ? "due" : "not due", decision, reason]
    .filter((part) => part !== null).join(" | ");
}

// Comparing -------------------------------------------------------------------------

function tally(words: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/** Throws with the lines that only one of them says. */
function compare(what: string, model: string[], sql: string[]): void {
  const onlyModel = model.toSorted();
  const onlySql: string[] = [];
  for (const line of sql.toSorted()) {
    const position = onlyModel.indexOf(line);
    if (position >= 0) onlyModel.splice(position, 1);
    else onlySql.push(line);
  }
  if (onlyModel.length === 0 && onlySql.length === 0) return;
  const few = (lines: string[]) =>
    [...lines.slice(0, 4), ...lines.length > 4 ? [`and ${lines.length - 4} more`] : []]
      .map((line) => `    ${line}`).join("\n") || "    nothing else";
  throw new Disagreement(
    `${what}\n  the model alone says\n${few(onlyModel)}\n  the SQL alone says\n${few(onlySql)}`,
  );
}

/** The rows that bear on a mentor. */
function about(world: World, userId: string): string {
  const mentor = world.mentors.find((row) => row.id === userId);
  const of = <T extends { userId: string }>(rows: T[]) =>
    rows.filter((row) => row.userId === userId).map(({ userId: _, ...rest }) => rest);
  const inOrganisation = <T extends { organisationId: string | null }>(rows: T[]) =>
    rows.filter((row) =>
      row.organisationId === null || row.organisationId === mentor?.organisationId
    );
  const rows = {
    mentor: [mentor ?? "not on the roster"],
    organisation: world.organisations.filter((row) => row.id === mentor?.organisationId),
    activities: [of(world.activities).map((row) => row.date).toSorted()],
    certifications: of(world.certifications),
    devices: of(world.devices),
    preferences: of(world.preferences),
    settings: inOrganisation(world.settings),
    configs: inOrganisation(world.configs),
    notifications: of(world.notifications),
    cooldowns: of(world.cooldowns),
  };
  return Object.entries(rows)
    .map(([name, list]) => `    ${name}: ${list.map((row) => JSON.stringify(row)).join(" ")}`)
    .join("\n");
}

function suppressedLines(verdicts: Verdict[]): string[] {
  const counts = tally(
    verdicts.filter(({ reason }) => reason !== null)
      .map(({ scenario, reason }) => `${scenario} | ${reason}`),
  );
  return Object.entries(counts).map(([what, times]) => `${what} | ${times}`);
}

async function compareDay(
  twin: Twin,
  day: DayPlan,
  asOf: string,
  position: number,
): Promise<Record<string, number>> {
  const { sql } = twin;
  const before = twin.world;
  const chosen = (positions: number[] | null, rows: { id: string }[]) =>
    positions && rows.length > 0 ? positions.map((position) => at(rows, position)!.id) : null;
  const request: Request = {
    asOf,
    scenarios: day.scenarios,
    organisationIds: chosen(day.organisations, before.organisations),
    userIds: chosen(day.mentors, before.mentors),
  };
  const invocationId = uuid("d", position);

  const kept = <T extends { userId: string }>(rows: T[]) =>
    rows.filter((row) => twin.keep(row.userId));

  const everything = evaluate(before, {
    asOf,
    scenarios: null,
    organisationIds: null,
    userIds: null,
  });
  const due = everything.filter(({ decision }) =>
    decision === "candidate" || decision === "suppressed"
  );
  const [oneDue, anyone] = day.explained;
  const asked = [...several(due, [oneDue]), ...several(everything, [anyone])]
    .map(({ userId }) => userId).filter(twin.keep);
  const explanations = everything.filter(({ userId }) => asked.includes(userId));
  compare(
    "explain",
    explanations.map(({ userId, scenario, decision, reason }) =>
      explainedLine(
        userId,
        scenario,
        decision === "out_of_scope" ? null : decision !== "not_due",
        decision,
        reason,
      )
    ),
    await explained(sql, [...new Set(asked)], asOf),
  );

  const allVerdicts = evaluate(before, request);
  const verdicts = kept(allVerdicts);
  const candidates = candidatesOf(verdicts);
  const lines = candidates.map(candidateLine);
  const dry = await run(sql, request, { dryRun: true, invocationId: uuid("e", position) });
  compare("the dry run's candidates", lines, dry);
  const real = await run(sql, request, { dryRun: false, invocationId });
  compare("the run's candidates", lines, real);

  twin.world = withCandidates(before, candidatesOf(allVerdicts));
  const after = await lookAround(sql, invocationId);
  compare(
    "the windows after the run",
    kept(twin.world.cooldowns).map((row) =>
      [row.userId, row.scenario, row.occurrenceKey, `from ${row.windowStart}`, `until ${row.until}`]
        .join(" | ")
    ),
    after.cooldowns,
  );
  compare("windows that overlap", [], after.overlaps);
  compare(
    "the outbox after the run",
    kept(twin.world.notifications).map((row) =>
      [
        row.userId,
        row.scenario,
        row.occurrenceKey,
        row.evaluationDate,
        row.cancelled ? "cancelled" : "standing",
      ].join(" | ")
    ),
    after.outbox,
  );
  compare(
    "when the run's notifications expire",
    candidates.map(({ userId, scenario, occurrenceKey, expiresAt }) =>
      [userId, scenario, occurrenceKey, `expires ${new Date(expiresAt).toISOString()}`].join(" | ")
    ),
    after.expiries,
  );
  compare(
    "what the ledger says was suppressed",
    suppressedLines(verdicts),
    Object.entries(after.suppressed ?? {}).flatMap(([scenario, reasons]) =>
      Object.entries(reasons).map(([reason, times]) => `${scenario} | ${reason} | ${times}`)
    ),
  );
  compare("verify_mentor_state", [], after.wrongStates);

  return tally([
    "runs",
    ...asked.map(() => "mentors explained"),
    ...verdicts.map(({ scenario, decision, reason }) => `${scenario} ${reason ?? decision}`),
    ...candidates.filter((candidate) => Date.parse(candidate.deliverAfter) > Date.parse(asOf))
      .map(() => "pushes that wait for the end of quiet hours"),
  ]);
}

/** What of a world is looked at: all of it, or what is left of it to show why it fails. */
interface Part {
  keep: (userId: string) => boolean;
  /** Changes that are left out, as "day change". */
  without: Set<string>;
}

const WHOLE: Part = { keep: () => true, without: new Set() };

interface Failure {
  message: string;
  /** Of the world, when it failed. */
  world: World;
  /** The run that failed, from 0. */
  run: number;
}

const ROLLED_BACK = Symbol("rolled back");

/** Null: model and SQL agree. */
async function checkWorld(
  sql: Sql,
  plan: Plan,
  part: Part,
  count: (counts: Record<string, number>) => void = () => {},
): Promise<Failure | null> {
  let failure: Failure | null = null;
  try {
    await sql.begin(async (transaction) => {
      // A transaction takes queries as a connection does; only its type lacks begin.
      const twin = new Twin(transaction as unknown as Sql, plan.base, part.keep);
      let today = plan.base;
      let run = 0;
      try {
        await twin.build(plan);
        for (const [position, day] of plan.days.entries()) {
          run = position;
          if (position > 0) {
            today = addDays(today, day.step);
            for (const [order, change] of day.changes.entries()) {
              if (!part.without.has(`${position} ${order}`)) await twin.apply(change, today);
            }
          }
          count(await compareDay(twin, day, instantOf(today, day), position));
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        failure = { message, world: twin.world, run };
      }
      throw ROLLED_BACK;
    });
  } catch (thrown) {
    if (thrown !== ROLLED_BACK) throw thrown;
  }
  return failure;
}

function instantOf(today: string, day: DayPlan): string {
  return Temporal.PlainDateTime.from(`${today}T${day.time}`)
    .toZonedDateTime(day.zone).toInstant().toString();
}

/**
 * Looks for one mentor who fails alone, then leaves out every change that the
 * failure does not need, and tells the rest as a story.
 */
async function explainFailure(sql: Sql, plan: Plan, first: Failure): Promise<string> {
  const until = Date.now() + SHRINK_FOR_MILLISECONDS;
  let failure = first;
  let part = WHOLE;
  const mentors = plan.mentors.map((_, position) => uuid("a", position));
  const alone = async (userId: string) =>
    await checkWorld(sql, plan, { ...WHOLE, keep: (other) => other === userId });

  const named = first.message.match(/aaaaaaaa-[0-9a-f-]{27}/)?.[0];
  let culprit: string | undefined;
  for (const userId of named ? [named, ...mentors] : mentors) {
    if (Date.now() > until) break;
    const failed = await alone(userId);
    if (!failed) continue;
    failure = failed;
    culprit = userId;
    part = { ...WHOLE, keep: (other) => other === userId };
    break;
  }
  for (const [position, day] of plan.days.entries()) {
    for (const order of day.changes.keys()) {
      if (Date.now() > until) break;
      const less = { ...part, without: new Set([...part.without, `${position} ${order}`]) };
      const failed = await checkWorld(sql, plan, less);
      if (failed) [failure, part] = [failed, less];
    }
  }

  const story: string[] = [];
  let today = plan.base;
  for (const [position, day] of plan.days.slice(0, failure.run + 1).entries()) {
    if (position > 0) {
      today = addDays(today, day.step);
      for (const [order, change] of day.changes.entries()) {
        if (!part.without.has(`${position} ${order}`)) story.push(JSON.stringify(change));
      }
    }
    story.push(`run ${position + 1} as of ${instantOf(today, day)}`);
  }
  return [
    `Run ${failure.run + 1} of the world: ${failure.message}`,
    culprit ? `  with mentor ${culprit} alone` : "  with no mentor alone",
    ...story.map((line) => `    ${line}`),
    "  the world then, as the model has it",
    culprit ? about(failure.world, culprit) : "    not shown: it is not about one mentor",
  ].join("\n");
}

Deno.test("in any world, runs decide what the specification says", async () => {
  report(`SEED=${SEED} ORACLE_WORLDS=${WORLDS}`);
  const database = await testDatabase();
  const seen: Record<string, number> = {};
  const count = (counts: Record<string, number>) => {
    for (const [what, times] of Object.entries(counts)) seen[what] = (seen[what] ?? 0) + times;
  };
  try {
    const property = fc.asyncProperty(plans, async (plan) => {
      const failure = await checkWorld(database.sql, plan, WHOLE, count);
      if (failure) throw new Error(await explainFailure(database.sql, plan, failure));
      count({ worlds: 1, mentors: plan.mentors.length });
    });
    const result = await fc.check(property, {
      numRuns: WORLDS,
      seed: SEED,
      unbiased: true,
      // A plan that fails is made smaller by explainFailure, which knows what can be left out.
      endOnFailure: true,
      ...PATH ? { path: PATH } : {},
    });
    if (result.failed) {
      const error = result.errorInstance;
      throw new Error(
        `${error instanceof Error ? error.message : String(error)}\n` +
          `This world again: SEED=${SEED} ORACLE_PATH=${result.counterexamplePath} ` +
          "deno test -A sql/tests/oracle/",
      );
    }
  } finally {
    await database.drop();
  }
  if (PATH) return;
  const counts = Object.entries(seen).toSorted(([a], [b]) => a < b ? -1 : 1);
  report(counts.map(([what, times]) => `${what}: ${times}`).join("\n"));
  const missing = [
    ...SCENARIOS.map((scenario) => `${scenario} candidate`),
    ...REASONS.flatMap((reason) =>
      reason === "max_reminders"
        ? ["inactivity max_reminders"]
        : SCENARIOS.map((scenario) => `${scenario} ${reason}`)
    ),
  ].filter((what) => !seen[what]);
  if (missing.length > 0) throw new Error(`Never occurred: ${missing.join(", ")}`);
});
