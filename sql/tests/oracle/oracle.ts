// What is due, written a second time from the specification alone: loops over
// plain rows, no index, no hint, no bulk. The SQL has to agree with it.

/** A calendar date, "2026-03-29": compares as text. */
export type Day = string;

export const SCENARIOS = ["expiry", "inactivity", "milestone"] as const;
export type Scenario = typeof SCENARIOS[number];

export const REASONS = [
  "opted_out",
  "no_device",
  "cooldown",
  "max_reminders",
  "already_evaluated",
  "frequency_cap",
] as const;
export type Reason = typeof REASONS[number];

export interface Organisation {
  id: string;
  timezone: string | null;
  locale: string | null;
}

export interface Mentor {
  id: string;
  organisationId: string;
  status: "active" | "paused" | "inactive";
  joinedOn: Day;
  timezone: string | null;
  locale: string | null;
}

export interface Activity {
  id: number;
  userId: string;
  date: Day;
}

export interface Certification {
  id: string;
  userId: string;
  expiresOn: Day | null;
  revoked: boolean;
}

export interface Device {
  token: string;
  userId: string;
  disabled: boolean;
}

export interface Preference {
  userId: string;
  scenario: Scenario;
  pushEnabled: boolean;
}

/** organisationId null: the default row. */
export interface Settings {
  organisationId: string | null;
  paused: boolean;
  dailyCap: number | null;
  weeklyCap: number | null;
  quietStart: string | null;
  quietEnd: string | null;
  timezone: string | null;
  locale: string | null;
}

export interface Params {
  threshold_days: number;
  max_reminders: number | null;
  milestones: number[];
  lookback_days: number;
  lead_days: number[];
}

/** organisationId null: the default row. A null is left out and comes from what is shipped. */
export interface Config {
  organisationId: string | null;
  scenario: Scenario;
  enabled: boolean;
  params: Partial<Params>;
  cooldownDays: number | null;
  priority: number | null;
  ttlHours: number | null;
}

/** organisationId null: the default's text. */
export interface Template {
  organisationId: string | null;
  scenario: Scenario;
  locale: string;
  title: string;
  body: string;
}

export interface Notification {
  userId: string;
  scenario: Scenario;
  occurrenceKey: string;
  evaluationDate: Day;
  cancelled: boolean;
}

export interface Cooldown {
  userId: string;
  scenario: Scenario;
  windowStart: Day;
  until: Day;
  occurrenceKey: string;
}

export interface World {
  organisations: Organisation[];
  mentors: Mentor[];
  activities: Activity[];
  certifications: Certification[];
  devices: Device[];
  preferences: Preference[];
  settings: Settings[];
  configs: Config[];
  templates: Template[];
  notifications: Notification[];
  cooldowns: Cooldown[];
}

export interface Request {
  /** An instant, ISO 8601. */
  asOf: string;
  scenarios: Scenario[] | null;
  organisationIds: string[] | null;
  userIds: string[] | null;
}

export interface Candidate {
  userId: string;
  organisationId: string;
  scenario: Scenario;
  occurrenceKey: string;
  windowStart: Day;
  cooldownUntil: Day;
  evaluationDate: Day;
  deliverAfter: string;
  expiresAt: string;
  title: string;
  body: string;
}

export interface Verdict {
  userId: string;
  scenario: Scenario;
  decision: "candidate" | "suppressed" | "not_due" | "out_of_scope";
  reason: Reason | null;
  candidate: Candidate | null;
}

const SHIPPED_PARAMS: Params = {
  threshold_days: 30,
  max_reminders: 3,
  milestones: [1, 10, 25, 50, 100, 250, 500],
  lookback_days: 14,
  lead_days: [60, 30, 7],
};
const SHIPPED_COOLDOWN: Record<Scenario, number> = { expiry: 1, inactivity: 30, milestone: 1 };
const SHIPPED_PRIORITY: Record<Scenario, number> = { expiry: 10, inactivity: 20, milestone: 30 };
const SHIPPED_TTL_HOURS = 72;

// Dates and zones ----------------------------------------------------------------

const MILLISECONDS_A_DAY = 24 * 60 * 60 * 1000;

export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(day) + days * MILLISECONDS_A_DAY).toISOString().slice(0, 10);
}

export function daysFrom(earlier: Day, later: Day): number {
  return (Date.parse(later) - Date.parse(earlier)) / MILLISECONDS_A_DAY;
}

function latest(days: Day[]): Day | undefined {
  return days.toSorted().at(-1);
}

// Remembered, because asking costs a quarter of a millisecond.
const zonesAsked = new Map<string, boolean>();

function isZone(name: string | null): name is string {
  if (name === null) return false;
  let known = zonesAsked.get(name);
  if (known === undefined) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: name });
      known = true;
    } catch {
      known = false;
    }
    zonesAsked.set(name, known);
  }
  return known;
}

function firstZone(...names: (string | null)[]): string {
  return names.find(isZone) ?? "Europe/Oslo";
}

export function dateIn(zone: string, asOf: string): Day {
  return Temporal.Instant.from(asOf).toZonedDateTimeISO(zone).toPlainDate().toString();
}

/** as_of itself, or the end of the quiet hours that it falls into. */
export function deliveryTime(
  asOf: string,
  zone: string,
  quietStart: string | null,
  quietEnd: string | null,
): string {
  const instant = Temporal.Instant.from(asOf);
  if (quietStart === null || quietEnd === null) return instant.toString();
  const local = instant.toZonedDateTimeISO(zone);
  const time = local.toPlainTime();
  const fromStart = Temporal.PlainTime.compare(time, quietStart) >= 0;
  const beforeEnd = Temporal.PlainTime.compare(time, quietEnd) < 0;
  const order = Temporal.PlainTime.compare(quietStart, quietEnd);
  const quiet = order < 0 ? fromStart && beforeEnd : order > 0 ? fromStart || beforeEnd : false;
  if (!quiet) return instant.toString();

  for (let day = local.toPlainDate();; day = day.add({ days: 1 })) {
    // "later" is both rules: of two such times the later one, and in a gap the
    // moment that the offset before the change makes of it.
    const end = day.toPlainDateTime(quietEnd)
      .toZonedDateTime(zone, { disambiguation: "later" }).toInstant();
    if (Temporal.Instant.compare(end, instant) > 0) return end.toString();
  }
}

// Settings -------------------------------------------------------------------------

function settingsOf(world: World, organisationId: string | null): Settings {
  return world.settings.find((row) => row.organisationId === organisationId) ?? {
    organisationId,
    paused: false,
    dailyCap: null,
    weeklyCap: null,
    quietStart: null,
    quietEnd: null,
    timezone: null,
    locale: null,
  };
}

function effectiveSettings(world: World, organisationId: string): Settings {
  const own = settingsOf(world, organisationId);
  const standard = settingsOf(world, null);
  return {
    organisationId,
    paused: own.paused || standard.paused,
    dailyCap: own.dailyCap ?? standard.dailyCap,
    weeklyCap: own.weeklyCap ?? standard.weeklyCap,
    quietStart: own.quietStart ?? standard.quietStart,
    quietEnd: own.quietEnd ?? standard.quietEnd,
    timezone: standard.timezone,
    locale: standard.locale,
  };
}

interface EffectiveConfig {
  enabled: boolean;
  params: Params;
  cooldownDays: number;
  priority: number;
  ttlHours: number;
}

function effectiveConfig(
  world: World,
  organisationId: string,
  scenario: Scenario,
): EffectiveConfig | null {
  const rowOf = (id: string | null) =>
    world.configs.find((row) => row.organisationId === id && row.scenario === scenario);
  const row = rowOf(organisationId) ?? rowOf(null);
  if (!row) return null;
  return {
    enabled: row.enabled,
    params: { ...SHIPPED_PARAMS, ...row.params },
    cooldownDays: row.cooldownDays ?? SHIPPED_COOLDOWN[scenario],
    priority: row.priority ?? SHIPPED_PRIORITY[scenario],
    ttlHours: row.ttlHours ?? SHIPPED_TTL_HOURS,
  };
}

// Occurrences ----------------------------------------------------------------------

type Facts = Record<string, string>;

interface Occurrence {
  key: string;
  anchor: Day;
  facts: Facts;
  /** Inactivity only. */
  tooManyReminders: boolean;
}

/** Occurrence keys of the mentor that are done: in the outbox and not cancelled. */
function keysDone(world: World, userId: string, scenario: Scenario): string[] {
  return world.notifications
    .filter((row) => row.userId === userId && row.scenario === scenario && !row.cancelled)
    .map((row) => row.occurrenceKey);
}

function activityDates(world: World, userId: string): Day[] {
  return world.activities.filter((row) => row.userId === userId).map((row) => row.date).toSorted();
}

function inactivity(world: World, mentor: Mentor, today: Day, params: Params): Occurrence | null {
  const last = latest(activityDates(world, mentor.id)) ?? mentor.joinedOn;
  const silent = daysFrom(last, today);
  if (silent < params.threshold_days) return null;

  const prefix = `inactivity:${last}:`;
  const sent = keysDone(world, mentor.id, "inactivity").filter((key) => key.startsWith(prefix));
  const n = 1 + Math.max(0, ...sent.map((key) => Number(key.slice(prefix.length))));
  return {
    key: `${prefix}${n}`,
    anchor: addDays(last, params.threshold_days),
    facts: { days_silent: String(silent) },
    tooManyReminders: params.max_reminders !== null && n > params.max_reminders,
  };
}

function milestone(world: World, mentor: Mentor, today: Day, params: Params): Occurrence | null {
  const dates = activityDates(world, mentor.id);
  const notified = keysDone(world, mentor.id, "milestone").map((key) => Number(key.split(":")[1]));
  for (const m of params.milestones.toSorted((a, b) => b - a)) {
    const reachedOn = dates[m - 1];
    if (reachedOn === undefined) continue;
    if (reachedOn > today || reachedOn <= addDays(today, -params.lookback_days)) continue;
    if (notified.some((before) => before >= m)) return null;
    return {
      key: `milestone:${m}`,
      anchor: reachedOn,
      facts: { milestone: String(m) },
      tooManyReminders: false,
    };
  }
  return null;
}

function expiry(world: World, mentor: Mentor, today: Day, params: Params): Occurrence | null {
  const done = keysDone(world, mentor.id, "expiry");
  const expiryDates = world.certifications
    .filter((row) => row.userId === mentor.id && !row.revoked)
    .map((row) => row.expiresOn)
    .filter((day) => day !== null);
  for (const expiresOn of expiryDates.toSorted()) {
    const left = daysFrom(today, expiresOn);
    if (left < 0) continue;
    const lead = params.lead_days.toSorted((a, b) => a - b).find((days) => left <= days);
    if (lead === undefined) continue;
    const key = `expiry:${expiresOn}:${lead}`;
    if (done.includes(key)) continue;
    return {
      key,
      anchor: addDays(expiresOn, -lead),
      facts: { days_left: String(left), expires_on: expiresOn },
      tooManyReminders: false,
    };
  }
  return null;
}

const DETECTORS = { expiry, inactivity, milestone };

// Suppression ------------------------------------------------------------------------

function latestWindowEnd(world: World, userId: string, scenario: Scenario): Day | undefined {
  const windows = world.cooldowns
    .filter((row) => row.userId === userId && row.scenario === scenario)
    .toSorted((a, b) => a.windowStart < b.windowStart ? -1 : 1);
  return windows.at(-1)?.until;
}

/** taken: what this run has decided to send to the mentor already. */
function reasonAgainst(
  world: World,
  mentor: Mentor,
  scenario: Scenario,
  occurrence: Occurrence,
  today: Day,
  settings: Settings,
  taken: number,
): Reason | null {
  const optedOut = world.preferences.some((row) =>
    row.userId === mentor.id && row.scenario === scenario && !row.pushEnabled
  );
  if (optedOut) return "opted_out";

  const reachable = world.devices.some((row) => row.userId === mentor.id && !row.disabled);
  if (!reachable) return "no_device";

  const restsUntil = latestWindowEnd(world, mentor.id, scenario);
  if (restsUntil !== undefined && restsUntil > today) return "cooldown";

  if (occurrence.tooManyReminders) return "max_reminders";

  const ofMentor = world.notifications.filter((row) => row.userId === mentor.id);
  const evaluated = ofMentor.some((row) =>
    row.scenario === scenario && row.evaluationDate === today
  );
  if (evaluated) return "already_evaluated";

  const standing = ofMentor.filter((row) => !row.cancelled);
  const ofDay = standing.filter((row) => row.evaluationDate === today).length + taken;
  const ofWeek =
    standing.filter((row) => row.evaluationDate > addDays(today, -7) && row.evaluationDate <= today)
      .length + taken;
  if (settings.dailyCap !== null && ofDay >= settings.dailyCap) return "frequency_cap";
  if (settings.weeklyCap !== null && ofWeek >= settings.weeklyCap) return "frequency_cap";
  return null;
}

// Text -------------------------------------------------------------------------------

/** Dates as the language of the text writes them. */
function asRead(fact: string, locale: string): string {
  const norwegian = locale === "nb" || locale === "nn";
  return norwegian && /^\d+-\d+-\d+$/.test(fact) ? fact.split("-").toReversed().join(".") : fact;
}

function textFor(
  world: World,
  mentor: Mentor,
  organisation: Organisation,
  standardLocale: string | null,
  scenario: Scenario,
  facts: Facts,
): { title: string; body: string } {
  const wanted = mentor.locale ?? organisation.locale ?? standardLocale ?? "nb";
  for (const locale of [wanted, "nb", "en"]) {
    for (const organisationId of [organisation.id, null]) {
      const template = world.templates.find((row) =>
        row.organisationId === organisationId && row.scenario === scenario && row.locale === locale
      );
      if (!template) continue;
      const fill = (text: string) =>
        text.replaceAll(
          /\{\{(\w+)\}\}/g,
          (_, name: string) => asRead(facts[name] ?? `no ${name}`, locale),
        );
      return { title: fill(template.title), body: fill(template.body) };
    }
  }
  throw new Error(`The world has no template at all for ${scenario} in ${wanted}`);
}

// The evaluation ---------------------------------------------------------------------

function judgeMentor(
  world: World,
  mentor: Mentor,
  asOf: string,
  scenarios: readonly Scenario[],
): Verdict[] {
  const organisation = world.organisations.find((row) => row.id === mentor.organisationId);
  if (!organisation) throw new Error(`The world lacks organisation ${mentor.organisationId}`);
  const settings = effectiveSettings(world, organisation.id);
  const today = dateIn(firstZone(organisation.timezone, settings.timezone), asOf);

  const verdicts: Verdict[] = [];
  const configured: { scenario: Scenario; config: EffectiveConfig }[] = [];
  for (const scenario of scenarios) {
    const config = effectiveConfig(world, organisation.id, scenario);
    if (mentor.status === "active" && !settings.paused && config?.enabled) {
      configured.push({ scenario, config });
    } else {
      verdicts.push({
        userId: mentor.id,
        scenario,
        decision: "out_of_scope",
        reason: null,
        candidate: null,
      });
    }
  }

  let taken = 0;
  configured.sort((a, b) => a.config.priority - b.config.priority);
  for (const { scenario, config } of configured) {
    const verdict = { userId: mentor.id, scenario, reason: null, candidate: null };
    const occurrence = DETECTORS[scenario](world, mentor, today, config.params);
    if (!occurrence) {
      verdicts.push({ ...verdict, decision: "not_due" });
      continue;
    }
    const reason = reasonAgainst(world, mentor, scenario, occurrence, today, settings, taken);
    if (reason) {
      verdicts.push({ ...verdict, decision: "suppressed", reason });
      continue;
    }
    taken++;
    const restedUntil = latestWindowEnd(world, mentor.id, scenario);
    const windowStart = restedUntil !== undefined && restedUntil > occurrence.anchor
      ? restedUntil
      : occurrence.anchor;
    const deliverAfter = deliveryTime(
      asOf,
      firstZone(mentor.timezone, organisation.timezone, settings.timezone),
      settings.quietStart,
      settings.quietEnd,
    );
    verdicts.push({
      ...verdict,
      decision: "candidate",
      candidate: {
        userId: mentor.id,
        organisationId: organisation.id,
        scenario,
        occurrenceKey: occurrence.key,
        windowStart,
        cooldownUntil: addDays(today, config.cooldownDays),
        evaluationDate: today,
        deliverAfter,
        expiresAt: Temporal.Instant.from(deliverAfter).add({ hours: config.ttlHours }).toString(),
        ...textFor(world, mentor, organisation, settings.locale, scenario, occurrence.facts),
      },
    });
  }
  return verdicts;
}

/** All that a run decides, by mentor and scenario; over everything, it is what explain has to say. */
export function evaluate(world: World, request: Request): Verdict[] {
  const scenarios = request.scenarios ?? SCENARIOS;
  const verdicts: Verdict[] = [];
  for (const mentor of world.mentors) {
    if (request.organisationIds?.includes(mentor.organisationId) === false) continue;
    if (request.userIds?.includes(mentor.id) === false) continue;
    verdicts.push(...judgeMentor(world, mentor, request.asOf, scenarios));
  }
  return verdicts;
}

export function candidatesOf(verdicts: Verdict[]): Candidate[] {
  return verdicts.map((verdict) => verdict.candidate).filter((candidate) => candidate !== null);
}

/** The world after a run that was not dry. */
export function withCandidates(world: World, candidates: Candidate[]): World {
  return {
    ...world,
    notifications: [
      ...world.notifications,
      ...candidates.map(({ userId, scenario, occurrenceKey, evaluationDate }) => ({
        userId,
        scenario,
        occurrenceKey,
        evaluationDate,
        cancelled: false,
      })),
    ],
    cooldowns: [
      ...world.cooldowns,
      ...candidates.map((candidate) => ({
        userId: candidate.userId,
        scenario: candidate.scenario,
        windowStart: candidate.windowStart,
        until: candidate.cooldownUntil,
        occurrenceKey: candidate.occurrenceKey,
      })),
    ],
  };
}

/** The world after a notification was cancelled: its window is released with it. */
export function withCancelled(world: World, cancelled: Notification): World {
  return {
    ...world,
    notifications: world.notifications.map((row) =>
      row === cancelled ? { ...row, cancelled: true } : row
    ),
    cooldowns: world.cooldowns.filter((row) =>
      row.userId !== cancelled.userId || row.scenario !== cancelled.scenario ||
      row.occurrenceKey !== cancelled.occurrenceKey
    ),
  };
}
