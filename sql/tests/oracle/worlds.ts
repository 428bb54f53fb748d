// Random worlds, as plans: everything is named by position and by days from the
// world's base date, so that fast-check can shrink a plan and it still is one.

import fc from "fast-check";
import type { Day, Params, Scenario } from "./oracle.ts";
import { SCENARIOS } from "./oracle.ts";

export interface SettingsPlan {
  paused: boolean;
  dailyCap: number | null;
  weeklyCap: number | null;
  quietStart: string | null;
  quietEnd: string | null;
}

export interface ConfigPlan {
  scenario: Scenario;
  enabled: boolean;
  params: Partial<Params>;
  cooldownDays: number | null;
  priority: number | null;
  ttlHours: number | null;
}

export interface TemplatePlan {
  scenario: Scenario;
  locale: string;
}

export interface OrganisationPlan {
  timezone: string | null;
  locale: string | null;
  settings: SettingsPlan | null;
  configs: ConfigPlan[];
  templates: TemplatePlan[];
}

export interface CertificationPlan {
  expires: number | null;
  revoked: boolean;
}

export interface MentorPlan {
  organisation: number;
  status: "active" | "paused" | "inactive";
  joined: number;
  timezone: string | null;
  locale: string | null;
  /** Days on which something was done, each as often as it says. */
  activities: { day: number; times: number }[];
  certifications: CertificationPlan[];
  /** For each device whether it is disabled. */
  devices: boolean[];
  preferences: { scenario: Scenario; pushEnabled: boolean }[];
}

/** "which" and "who" are positions, taken modulo what there is. */
export type Change =
  | { kind: "record activities"; who: number[]; days: number[]; times: number }
  | { kind: "act on a push"; which: number[]; days: number[] }
  | { kind: "move activities"; which: number[]; by: number }
  | { kind: "hand activities over"; which: number[]; to: number }
  | { kind: "delete activities"; which: number[] }
  | { kind: "forget what a mentor did"; who: number; after: number }
  | { kind: "truncate activities" }
  | { kind: "certify"; who: number; certification: CertificationPlan }
  | { kind: "renew"; which: number; expires: number | null }
  | { kind: "revoke or restore"; which: number }
  | { kind: "delete certification"; which: number }
  | { kind: "switch device"; which: number }
  | { kind: "new device"; who: number }
  | { kind: "prefer"; who: number; scenario: Scenario; pushEnabled: boolean }
  | { kind: "change status"; who: number; status: MentorPlan["status"] }
  | { kind: "join on"; who: number; joined: number }
  | { kind: "change mentor's zone"; who: number; timezone: string | null; locale: string | null }
  | { kind: "change organisation"; who: number; organisation: number }
  | { kind: "delete mentor"; who: number }
  | { kind: "add mentor again"; which: number; organisation: number; joined: number }
  | { kind: "cancel notifications"; which: number[] }
  | {
    kind: "settle notifications";
    which: number[];
    status: "sent" | "failed" | "dead" | "expired";
  }
  | {
    kind: "move organisation";
    organisation: number;
    timezone: string | null;
    locale: string | null;
  }
  | { kind: "set settings"; organisation: number | null; settings: SettingsPlan }
  | { kind: "set config"; organisation: number | null; config: ConfigPlan }
  | { kind: "delete config"; organisation: number; scenario: Scenario };

export interface DayPlan {
  /** Days since the one before. */
  step: number;
  /** Wall time, and the zone that it is read in. */
  time: string;
  zone: string;
  changes: Change[];
  scenarios: Scenario[] | null;
  organisations: number[] | null;
  mentors: number[] | null;
  /** Who is explained: one of those for whom something is due, one of all. */
  explained: [number, number];
}

export interface Plan {
  base: Day;
  standardLocale: string | null;
  standardSettings: SettingsPlan | null;
  standardConfigs: ConfigPlan[];
  /** Default templates that are taken away. nb or en stays, so that there is a text for everybody. */
  deletedTemplates: TemplatePlan[];
  organisations: OrganisationPlan[];
  mentors: MentorPlan[];
  days: DayPlan[];
}

const scenario = fc.constantFrom(...SCENARIOS);
const position = fc.nat(9999);
const positions = fc.array(position, { minLength: 1, maxLength: 6 });
const manyPositions = fc.array(position, { minLength: 1, maxLength: 20, size: "max" });

/** The value in one of eight, else null. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof(
    { weight: 7, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary },
  );
}

function nearby(...middles: number[]): fc.Arbitrary<number> {
  return fc.tuple(fc.constantFrom(...middles), fc.integer({ min: -2, max: 3 }))
    .map(([middle, by]) => middle + by);
}

const invalidZones = ["Europe/Atlantis", ""];
const organisationZone = fc.constantFrom(
  "Europe/Oslo",
  "Pacific/Auckland",
  "America/Los_Angeles",
  "Pacific/Kiritimati",
  null,
  ...invalidZones,
);
const mentorZone = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "Europe/Oslo",
      "America/Los_Angeles",
      "Pacific/Auckland",
      "Australia/Lord_Howe",
      "Asia/Kathmandu",
      ...invalidZones,
    ),
  },
);
const locale = fc.constantFrom(null, "nb", "nn", "en", "sv");

const base: fc.Arbitrary<Day> = fc.oneof(
  // Within days of a change of the clocks somewhere, of a leap day, of a new year.
  fc.constantFrom(
    ...["2026-03-26", "2026-03-28", "2026-10-23", "2026-10-24"],
    ...["2026-04-02", "2026-04-04", "2026-09-25", "2026-09-26"],
    ...["2026-03-07", "2026-03-06", "2026-10-30", "2026-10-31"],
    ...["2028-02-27", "2026-12-30"],
  ),
  fc.integer({ min: 0, max: 1000 }).map((days) =>
    new Date(Date.UTC(2025, 0, 1 + days)).toISOString().slice(0, 10)
  ),
);

const times = ["00:00:00", "00:30:00", "01:59:59", "02:30:00", "03:00:00", "06:00:00", "07:59:59"]
  .concat(["08:00:00", "12:00:00", "20:59:59", "21:00:00", "22:15:00", "23:59:59"]);
const time = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...times) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)).map((parts) =>
      parts.map((part) => String(part).padStart(2, "0")).join(":")
    ),
  },
);

const quietHours = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ quietStart: null, quietEnd: null }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      { quietStart: "21:00", quietEnd: "08:00" },
      { quietStart: "22:00", quietEnd: "02:30" },
      { quietStart: "00:00", quietEnd: "02:00" },
      { quietStart: "02:30", quietEnd: "06:15" },
      { quietStart: "12:00", quietEnd: "14:00" },
      { quietStart: "20:00", quietEnd: "00:00" },
      { quietStart: "09:00", quietEnd: "09:00" },
    ),
  },
  { weight: 1, arbitrary: fc.constant({ quietStart: "18:00", quietEnd: null }) },
  { weight: 1, arbitrary: fc.constant({ quietStart: null, quietEnd: "10:00" }) },
);

const settings: fc.Arbitrary<SettingsPlan> = fc.record({
  paused: fc.nat(19).map((n) => n === 0),
  dailyCap: fc.constantFrom(null, null, 0, 1, 1, 2, 2, 3, 3),
  weeklyCap: fc.constantFrom(null, null, 0, 1, 2, 3, 3),
  quiet: quietHours,
}).map(({ quiet, ...rest }) => ({ ...rest, ...quiet }));

/** Two scenarios of one organisation never have the same priority: their order would be anybody's. */
const priorities: Record<Scenario, (number | null)[]> = {
  expiry: [null, 11, 25, 40],
  inactivity: [null, 5, 21, 35],
  milestone: [null, 1, 15, 31],
};

const cooldowns: Record<Scenario, (number | null)[]> = {
  expiry: [null, 1, 2, 7],
  inactivity: [null, 1, 1, 1, 2, 3],
  milestone: [null, 1, 3, 7],
};

const params: Record<Scenario, fc.Arbitrary<Partial<Params>>> = {
  expiry: fc.record({
    lead_days: fc.constantFrom([60, 30, 7], [30, 7], [7, 60, 30], [10, 5, 0], [14]),
  }, { requiredKeys: [] }),
  inactivity: fc.record({
    threshold_days: fc.constantFrom(30, 14, 10),
    max_reminders: fc.constantFrom(null, 1, 1, 2, 3),
  }, { requiredKeys: [] }),
  // Milestones close to each other: a mentor reaches the next one while the window of the last is open.
  milestone: fc.record({
    milestones: fc.constantFrom(
      [1, 3, 5],
      [2, 4, 6, 8],
      [5, 1, 3, 2, 4],
      [3, 4, 5, 6, 7, 8],
      [1, 10, 25, 50],
      [10],
    ),
    lookback_days: fc.constantFrom(14, 14, 3, 1),
  }, { requiredKeys: [] }),
};

const config: fc.Arbitrary<ConfigPlan> = scenario.chain((of) =>
  fc.record({
    scenario: fc.constant(of),
    enabled: fc.nat(14).map((n) => n > 0),
    params: params[of],
    cooldownDays: fc.constantFrom(...cooldowns[of]),
    priority: fc.constantFrom(...priorities[of]),
    ttlHours: fc.constantFrom(null, 1, 24, 100),
  })
);
const configs = fc.uniqueArray(config, { maxLength: 3, selector: (row) => row.scenario });

const organisation: fc.Arbitrary<OrganisationPlan> = fc.record({
  timezone: organisationZone,
  locale,
  settings: fc.option(settings, { freq: 2 }),
  configs,
  templates: fc.uniqueArray(
    fc.record({ scenario, locale: fc.constantFrom("nb", "nn", "en") }),
    { maxLength: 4, selector: (row) => `${row.scenario} ${row.locale}` },
  ),
});

const silentDay = nearby(-30, -30, -14, -10, -45);
const busyDay = fc.oneof(
  fc.integer({ min: -20, max: 0 }),
  nearby(-14, -3, -1, 0),
);
const plannedDay = fc.integer({ min: 1, max: 25 });
const oldDay = fc.integer({ min: -400, max: -31 });

function days(day: fc.Arbitrary<number>, minLength: number, maxLength: number) {
  return fc.array(
    fc.record({ day, times: fc.constantFrom(1, 1, 1, 2, 3) }),
    { minLength, maxLength },
  );
}

const activities = fc.oneof(
  { weight: 2, arbitrary: days(busyDay, 0, 0) },
  { weight: 6, arbitrary: days(fc.oneof(silentDay, silentDay, oldDay), 1, 3) },
  { weight: 5, arbitrary: days(busyDay, 1, 4) },
  { weight: 3, arbitrary: days(fc.oneof(busyDay, busyDay, oldDay, plannedDay), 4, 9) },
  { weight: 1, arbitrary: days(fc.oneof(busyDay, oldDay), 14, 18) },
  { weight: 1, arbitrary: days(fc.oneof(silentDay, plannedDay), 1, 2) },
);

const expires = fc.oneof(
  { weight: 6, arbitrary: nearby(60, 30, 7, 10, 14, 5, 0) },
  { weight: 2, arbitrary: fc.constantFrom(7, 30) },
  { weight: 1, arbitrary: fc.integer({ min: -5, max: 90 }) },
);
const certification: fc.Arbitrary<CertificationPlan> = fc.record({
  expires: fc.option(expires, { freq: 8 }),
  revoked: fc.nat(7).map((n) => n === 0),
});

const status = fc.constantFrom<MentorPlan["status"]>(
  ...["active", "active", "active", "active", "active", "active", "active"] as const,
  "paused",
  "inactive",
);
const joined = fc.oneof(
  { weight: 4, arbitrary: silentDay },
  { weight: 2, arbitrary: fc.integer({ min: -500, max: 0 }) },
  { weight: 1, arbitrary: plannedDay },
);

const mentor: fc.Arbitrary<MentorPlan> = fc.record({
  organisation: position,
  status,
  joined,
  timezone: mentorZone,
  locale: fc.oneof(fc.constant(null), locale),
  activities,
  certifications: fc.oneof(
    fc.constant<CertificationPlan[]>([]),
    fc.array(certification, { maxLength: 4 }),
    // The same course twice.
    certification.map((one) => [one, one]),
  ),
  devices: fc.oneof(
    { weight: 8, arbitrary: fc.constant<boolean[]>([false]) },
    { weight: 3, arbitrary: fc.array(fc.boolean(), { maxLength: 3 }) },
  ),
  preferences: fc.oneof(
    { weight: 3, arbitrary: fc.constant<MentorPlan["preferences"]>([]) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(
        fc.record({ scenario, pushEnabled: fc.boolean() }),
        { maxLength: 3, selector: (row) => row.scenario },
      ),
    },
  ),
});

function change<T extends Change>(weight: number, arbitrary: fc.Arbitrary<T>) {
  return { weight, arbitrary: arbitrary as fc.Arbitrary<Change> };
}

const kind = <K extends Change["kind"]>(name: K) => fc.constant(name);
const maybeStandard = fc.oneof(
  { weight: 3, arbitrary: fc.nat(3) },
  { weight: 1, arbitrary: fc.constant(null) },
);

const changes = fc.array(
  fc.oneof(
    change(
      6,
      fc.record({
        kind: kind("record activities"),
        who: manyPositions,
        days: fc.array(
          fc.oneof(
            { weight: 5, arbitrary: busyDay },
            { weight: 1, arbitrary: fc.oneof(silentDay, oldDay, plannedDay) },
          ),
          { minLength: 1, maxLength: 3 },
        ),
        times: fc.constantFrom(1, 1, 2),
      }),
    ),
    change(
      2,
      fc.record({
        kind: kind("act on a push"),
        which: manyPositions,
        days: fc.array(fc.constantFrom(0, 0, -1, 1), { minLength: 1, maxLength: 3 }),
      }),
    ),
    change(
      3,
      fc.record({
        kind: kind("move activities"),
        which: positions,
        by: fc.integer({ min: -35, max: 35 }),
      }),
    ),
    change(
      1,
      fc.record({ kind: kind("hand activities over"), which: positions, to: position }),
    ),
    change(3, fc.record({ kind: kind("delete activities"), which: positions })),
    change(
      1,
      fc.record({
        kind: kind("forget what a mentor did"),
        who: position,
        after: fc.constantFrom(-500, -30, -14, -3),
      }),
    ),
    {
      weight: 1,
      arbitrary: fc.nat(9).map((n): Change =>
        n === 0
          ? { kind: "truncate activities" }
          : { kind: "delete activities", which: [n, n * 31, n * 57] }
      ),
    },
    change(2, fc.record({ kind: kind("certify"), who: position, certification })),
    change(
      2,
      fc.record({ kind: kind("renew"), which: position, expires: fc.option(expires, { freq: 6 }) }),
    ),
    change(1, fc.record({ kind: kind("revoke or restore"), which: position })),
    change(1, fc.record({ kind: kind("delete certification"), which: position })),
    change(2, fc.record({ kind: kind("switch device"), which: position })),
    change(1, fc.record({ kind: kind("new device"), who: position })),
    change(
      2,
      fc.record({
        kind: kind("prefer"),
        who: position,
        scenario,
        pushEnabled: fc.boolean(),
      }),
    ),
    change(2, fc.record({ kind: kind("change status"), who: position, status })),
    change(1, fc.record({ kind: kind("join on"), who: position, joined })),
    change(
      1,
      fc.record({
        kind: kind("change mentor's zone"),
        who: position,
        timezone: mentorZone,
        locale,
      }),
    ),
    change(
      1,
      fc.record({ kind: kind("change organisation"), who: position, organisation: position }),
    ),
    change(2, fc.record({ kind: kind("delete mentor"), who: position })),
    change(
      2,
      fc.record({
        kind: kind("add mentor again"),
        which: position,
        organisation: position,
        joined,
      }),
    ),
    change(6, fc.record({ kind: kind("cancel notifications"), which: manyPositions })),
    change(
      1,
      fc.record({
        kind: kind("settle notifications"),
        which: positions,
        status: fc.constantFrom("sent", "failed", "dead", "expired"),
      }),
    ),
    change(
      1,
      fc.record({
        kind: kind("move organisation"),
        organisation: position,
        timezone: organisationZone,
        locale,
      }),
    ),
    change(
      1,
      fc.record({ kind: kind("set settings"), organisation: maybeStandard, settings }),
    ),
    change(2, fc.record({ kind: kind("set config"), organisation: maybeStandard, config })),
    change(
      1,
      fc.record({ kind: kind("delete config"), organisation: position, scenario }),
    ),
  ),
  { maxLength: 16, size: "max" },
);

const day: fc.Arbitrary<DayPlan> = fc.record({
  step: fc.constantFrom(1, 1, 1, 1, 1, 2, 2, 3, 7, 14, 30, 0, 0, 0, -1),
  time,
  zone: fc.constantFrom(
    "Europe/Oslo",
    "Pacific/Auckland",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "UTC",
  ),
  changes,
  scenarios: seldom(
    fc.subarray([...SCENARIOS], { minLength: 1 }).chain((some) =>
      fc.shuffledSubarray(some, { minLength: some.length })
    ),
  ),
  organisations: seldom(fc.array(fc.nat(3), { minLength: 1, maxLength: 3 })),
  mentors: seldom(fc.array(position, { minLength: 1, maxLength: 30, size: "max" })),
  explained: fc.tuple(position, position),
});

/** Quiet hours that end in the hour that is skipped or comes twice, and a run in the night of it. */
const nightOfTheClocks = fc.record({
  where: fc.constantFrom(
    { zone: "Europe/Oslo", date: "2026-03-29", quietEnd: "02:30" },
    { zone: "Europe/Oslo", date: "2026-10-25", quietEnd: "02:30" },
    { zone: "Pacific/Auckland", date: "2026-09-27", quietEnd: "02:30" },
    { zone: "Pacific/Auckland", date: "2026-04-05", quietEnd: "02:30" },
    { zone: "America/Los_Angeles", date: "2026-03-08", quietEnd: "02:30" },
    { zone: "America/Los_Angeles", date: "2026-11-01", quietEnd: "01:30" },
  ),
  time: fc.constantFrom("00:30:00", "01:15:00", "01:59:59"),
});

const anyPlan: fc.Arbitrary<Plan> = fc.record({
  base,
  standardLocale: fc.constantFrom("nb", "nb", "nb", "en", null),
  standardSettings: fc.option(settings.map((row) => ({ ...row, paused: false })), { freq: 2 }),
  standardConfigs: configs,
  deletedTemplates: fc.array(
    fc.oneof(
      fc.record({ scenario, locale: fc.constant("nn") }),
      fc.record({ scenario: fc.constantFrom("expiry", "milestone"), locale: fc.constant("nb") }),
      fc.record({ scenario: fc.constant("inactivity"), locale: fc.constant("en") }),
    ),
    { maxLength: 3 },
  ),
  organisations: fc.array(organisation, { minLength: 3, maxLength: 4 }),
  // Fifty on average; a minimum that high could not be shrunk.
  mentors: fc.array(mentor, { minLength: 1, maxLength: 99, size: "max" }),
  days: fc.array(day, { minLength: 4, maxLength: 6 }),
});

export const plan: fc.Arbitrary<Plan> = fc.tuple(anyPlan, seldom(nightOfTheClocks)).map(
  ([any, night]) => {
    if (!night) return any;
    const { where, time } = night;
    const inThatZone = { timezone: where.zone, settings: null };
    return {
      ...any,
      base: where.date,
      standardSettings: {
        ...any.standardSettings ?? { paused: false, dailyCap: 1, weeklyCap: 3 },
        quietStart: "22:00",
        quietEnd: where.quietEnd,
      },
      organisations: any.organisations.map((row, position) =>
        position < 2 ? { ...row, ...inThatZone } : row
      ),
      days: any.days.map((day, position) =>
        position === 0 ? { ...day, time, zone: where.zone } : day
      ),
    };
  },
);
