// A portal that is down, slow, lying or changed: each fault is a failed run that says what it
// was, does no harm to what is held, and is repaired by the next run.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import {
  type Asked,
  type FakePortal,
  type FakePortalOptions,
  type PortalRow,
  startFakePortal,
  type Trouble,
} from "../../scripts/fake_portal.ts";
import { COURSE, type Held, heldBy, inPortalWorld, type PortalWorld } from "./portal_world.ts";
import { logOf } from "./world.ts";

const CANARY = "Kanarifugl Fjærkledd kanari@fjaerkledd.example +47 987 65 432";
const HOUR = 3_600_000;

type TroubleOf = (portal: FakePortal, asked: Asked) => Trouble | undefined;

interface Fault {
  what: string;
  trouble: Trouble | TroubleOf;
  /** Whether it is the token endpoint's. */
  isOfTokens?: boolean;
  type: string;
  message: RegExp;
  /** The client tries again for as long as the run has time. */
  isTriedAgain?: boolean;
  /** Only a round for everything shows it. */
  isOfFullRounds?: boolean;
}

const status = (code: number, retryAfter?: string): Trouble => ({
  kind: "status",
  status: code,
  ...(retryAfter !== undefined && { retryAfter }),
});

const raw = (body: unknown, contentType?: string): Trouble => ({
  kind: "raw",
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...(contentType !== undefined && { contentType }),
});

const rows = (change: (row: PortalRow, place: number) => unknown): Trouble => ({
  kind: "rows",
  change,
});

/** All rows on each page, whose next is one of so many others. */
const circling = (pages: number): TroubleOf => (portal, { number }) =>
  raw({
    value: portal.rows(),
    "@odata.nextLink": `${portal.apiUrl}hlf_certifications?$skiptoken=${number % pages}`,
  });

const COLUMNS: [string, string, string][] = [
  ["hlf_certificationid", "external_id", "text"],
  ["hlf_memberid", "member_id", "text"],
  ["hlf_name", "name", "text"],
  ["hlf_expireson", "expires_on", "text"],
  ["modifiedon", "modified_on", "text"],
  ["statecode", "state", "number"],
];

const DRIFTS = COLUMNS.flatMap(([column, key, noun]): Fault[] => {
  const without = ({ [column]: _, ...others }: PortalRow) => others;
  return [
    {
      what: `${column} is missing`,
      trouble: rows(without),
      type: "provider_error",
      message: new RegExp(`has no field ${column} \\(${key} in HLF_FIELDS\\): was it renamed`),
    },
    {
      what: `${column} is renamed`,
      trouble: rows((row) => ({ ...without(row), [`new_${column}`]: row[column] })),
      type: "provider_error",
      message: new RegExp(`has no field ${column} \\(${key} in HLF_FIELDS\\): was it renamed`),
    },
    {
      what: `${column} is of another type`,
      trouble: rows((row) => ({ ...row, [column]: noun === "text" ? 5 : CANARY })),
      type: "provider_error",
      message: new RegExp(`field ${column} \\(${key} in HLF_FIELDS\\) is no ${noun}: was its type`),
    },
  ];
});

const FAULTS: Fault[] = [
  {
    what: "the token endpoint refuses the client",
    trouble: status(401),
    isOfTokens: true,
    type: "authentication_error",
    message: /refused the portal's client \(HLF_CLIENT_ID, HLF_CLIENT_SECRET\): 401/,
  },
  {
    what: "the token endpoint refuses the question",
    trouble: status(400),
    isOfTokens: true,
    type: "authentication_error",
    message: /refused the portal's client .*: 400/,
  },
  {
    what: "the token endpoint is in trouble",
    trouble: status(503),
    isOfTokens: true,
    isTriedAgain: true,
    type: "provider_error",
    message: /the token endpoint answered 503/,
  },
  {
    what: "the token endpoint sends HTML",
    trouble: raw(`<html>${CANARY}`, "text/html"),
    isOfTokens: true,
    isTriedAgain: true,
    type: "provider_error",
    message: /the token endpoint answered 200, and no token/,
  },
  {
    what: "every token is refused",
    trouble: status(401),
    type: "authentication_error",
    message: /the portal refuses the access token: 401/,
  },
  {
    what: "the client may not read",
    trouble: status(403),
    type: "authentication_error",
    message: /403; may it read the table HLF_ENTITY_SET/,
  },
  {
    what: "the table is gone",
    trouble: status(404),
    type: "provider_error",
    message: /404; are HLF_API_URL and HLF_ENTITY_SET right/,
  },
  {
    what: "the question is refused",
    trouble: status(400),
    type: "provider_error",
    message: /400; is HLF_FIELDS right/,
  },
  {
    what: "an answer that nobody expects",
    trouble: status(418),
    type: "provider_error",
    message: /answered 418; is HLF_API_URL/,
  },
  {
    what: "throttled for longer than the run has time",
    trouble: status(429, "3600"),
    type: "provider_error",
    message: /answered 429, and asks to be left alone for 3600 s/,
  },
  {
    what: "throttled until a time that is too late",
    trouble: () => status(429, new Date(Date.now() + HOUR).toUTCString()),
    type: "provider_error",
    message: /answered 429, and asks to be left alone for 3(59\d|60[01]) s/, // a Date has no parts of a second
  },
  {
    what: "throttled again and again",
    trouble: status(429),
    isTriedAgain: true,
    type: "provider_error",
    message: /answered 429$/,
  },
  ...[500, 502, 503, 504].map((code) => ({
    what: `${code} again and again`,
    trouble: status(code),
    isTriedAgain: true,
    type: "provider_error",
    message: new RegExp(`answered ${code}$`),
  })),
  {
    what: "answers break off",
    trouble: { kind: "break" },
    isTriedAgain: true,
    type: "network_error",
    message: /can't be reached/,
  },
  {
    what: "HTML",
    trouble: raw(`<html>${CANARY}`, "text/html; charset=utf-8"),
    type: "provider_error",
    message: /answered HTML where JSON belongs: is HLF_API_URL/,
  },
  {
    what: "JSON that is called something else",
    trouble: raw({ value: [] }, "text/plain"),
    type: "provider_error",
    message: /answered something else where JSON belongs/,
  },
  {
    what: "no JSON",
    trouble: raw(CANARY),
    type: "provider_error",
    message: /answer is no JSON/,
  },
  {
    what: "half of the JSON",
    trouble: { kind: "half" },
    type: "provider_error",
    message: /answer is no JSON/,
  },
  {
    what: "JSON without a list",
    trouble: raw({ values: [{ [CANARY]: CANARY }] }),
    type: "provider_error",
    message: /has no list "value"/,
  },
  {
    what: "rows that are no objects",
    trouble: rows((_, place) => [null, CANARY, 5, [CANARY]][place % 4]),
    type: "provider_error",
    message: /has no field/,
  },
  {
    what: "a page of more bytes than it can have",
    trouble: raw({ value: [], more: "x".repeat(500_000) }),
    type: "provider_error",
    message: /too large for a page/,
  },
  {
    what: "a page of more rows than it may have",
    trouble: raw({ value: new Array(5001).fill(0) }),
    type: "provider_error",
    message: /has 5001 rows, over 5000/,
  },
  {
    what: "a redirect",
    trouble: { kind: "redirect", to: `https://elsewhere.example.org/${CANARY}` },
    type: "provider_error",
    message: /answered 302/,
  },
  {
    what: "a next page elsewhere",
    trouble: { kind: "next", link: `https://elsewhere.example.org/${CANARY}` },
    type: "provider_error",
    message: /next page is not below HLF_API_URL: it is not followed/,
  },
  {
    what: "a next page that is the page itself",
    trouble: circling(1),
    type: "provider_error",
    message: /next page is the page itself/,
  },
  {
    what: "pages that lead in a circle",
    trouble: circling(3),
    type: "provider_error",
    message: /has no end: after page \d+ it still names a next one/,
  },
  {
    what: "pages without an end",
    trouble: circling(Infinity),
    type: "provider_error",
    message: /has no end: after page \d+ it still names a next one/,
  },
  {
    what: "nothing where there was much",
    trouble: raw({ value: [] }),
    isOfFullRounds: true,
    type: "provider_error",
    message: /named 0 of the \d+ certifications that it is known to have: that is not believed/,
  },
  ...DRIFTS,
];

/** Everything that was held is held as it was, or as the portal has it by now. */
function isUnharmed(before: readonly Held[], after: readonly Held[], portal: FakePortal): void {
  const now = new Map(after.map((one) => [one.external_id, one]));
  const wellKnown = [...before, ...heldBy(portal)].map((one) => JSON.stringify(one));
  for (const { external_id } of before) assert.ok(now.has(external_id), `${external_id} is gone`);
  for (const one of after) assert.ok(wellKnown.includes(JSON.stringify(one)), one.external_id);
}

/** Nothing personal is in what is said of runs. */
async function saysNothingPersonal(world: PortalWorld, on: EdgeFunction): Promise<void> {
  const said = JSON.stringify([on.log, on.complaints, await world.runs()]);
  const [mentor] = heldBy(world.portal);
  for (const canary of ["anari", "jærkledd", "987 65", mentor?.user_id ?? "", COURSE]) {
    assert.ok(!said.includes(canary), `${canary} in ${said}`);
  }
}

async function withCertifications(world: PortalWorld, count: number): Promise<string[]> {
  const mentors = await world.addMentors(3);
  for (let i = 0; i < count; i++) {
    world.certify(`kanari ${i}`, mentors[i % 3] ?? "", "2027-05-01");
  }
  return mentors;
}

Deno.test("each fault of a portal is a failed run with its type and what to do, harms nothing, and is repaired by the next", async (t) => {
  let current: { fault: Fault; portal: FakePortal } | undefined;
  await inPortalWorld(async (world) => {
    const [mentor = ""] = await withCertifications(world, 30);
    const start = (budget: string) =>
      world.start({ TIMEOUT_THRESHOLD_MS: budget, HLF_PAGE_SIZE: "50" });
    const [hasty, patient] = await Promise.all([start("1000"), start("20000")]);
    assert.equal((await world.sync(patient)).status, 200);

    for (const [i, fault] of FAULTS.entries()) {
      await t.step(fault.what, async () => {
        const on = fault.isTriedAgain ? hasty : patient;
        world.certify(`kanari new ${i}`, mentor, "2027-06-01");
        if (fault.isOfTokens) world.portal.revokeTokens();
        if (fault.isOfFullRounds) await world.weekPasses();
        const before = await world.held();

        current = { fault, portal: world.portal };
        const { status, answer } = await world.sync(on);
        current = undefined;
        assert.equal(status, 500);
        const run = await world.lastRun();
        assert.deepEqual([run?.job_name, run?.status, run?.error_type, run?.has_times], [
          "hlf-sync",
          "failed",
          fault.type,
          true,
        ]);
        assert.match(String(run?.error_message), fault.message);
        const log = await logOf(on, answer["invocation_id"]);
        const failed = log.find((entry) => entry.event === "scheduler_run_failed");
        assert.equal(failed?.["error_type"], fault.type);
        isUnharmed(before, await world.held(), world.portal);

        const repaired = await world.sync(patient);
        assert.deepEqual([repaired.status, repaired.answer["completed"]], [200, true]);
        assert.deepEqual(await world.held(), heldBy(world.portal));
      });
    }
    await saysNothingPersonal(world, hasty);
    await saysNothingPersonal(world, patient);
  }, {
    trouble: (asked) => {
      if (!current || (asked.to === "token") !== (current.fault.isOfTokens ?? false)) return;
      const { trouble } = current.fault;
      return typeof trouble === "function" ? trouble(current.portal, asked) : trouble;
    },
  });
});

/** A run fails like that on a portal in trouble, and the next one, after it, makes it good. */
async function failsOnce(
  trouble: (asked: Asked) => Trouble | undefined,
  type: string,
  message: RegExp,
): Promise<void> {
  let isOver = false;
  await inPortalWorld(async (world) => {
    await withCertifications(world, 5);
    const on = await world.start({ TIMEOUT_THRESHOLD_MS: "1000" });
    assert.equal((await world.sync(on)).status, 500);
    const run = await world.lastRun();
    assert.deepEqual([run?.status, run?.error_type, run?.has_times], ["failed", type, true]);
    assert.match(String(run?.error_message), message);
    assert.deepEqual(await world.held(), []);
    isOver = true;
    assert.equal((await world.sync(on)).answer["completed"], true);
    assert.deepEqual(await world.held(), heldBy(world.portal));
  }, { trouble: (asked) => isOver ? undefined : trouble(asked) });
}

Deno.test("a portal or a token endpoint that hangs, or is too slow, is a timeout_error", async () => {
  const slow = { kind: "slow", milliseconds: 30_000 } as const;
  const page = /the portal did not answer in time/;
  await Promise.all([
    failsOnce(({ to }) => to === "page" ? { kind: "hang" } : undefined, "timeout_error", page),
    failsOnce(({ to }) => to === "page" ? slow : undefined, "timeout_error", page),
    failsOnce(
      ({ to }) => to === "token" ? { kind: "hang" } : undefined,
      "timeout_error",
      /the token endpoint did not answer in time/,
    ),
  ]);
});

Deno.test("a portal that is down is a network_error, and what it has by the time that it is back is fetched", async () => {
  await inPortalWorld(async (world) => {
    await withCertifications(world, 5);
    const on = await world.start({ TIMEOUT_THRESHOLD_MS: "1000" });
    assert.equal((await world.sync(on)).answer["completed"], true);
    const rows = world.portal.rows();
    await world.portal.stop();
    assert.equal((await world.sync(on)).status, 500);
    const run = await world.lastRun();
    assert.deepEqual([run?.status, run?.error_type, run?.error_message, run?.has_times], [
      "failed",
      "network_error",
      "the portal can't be reached",
      true,
    ]);

    await using back = startFakePortal({ port: Number(new URL(world.portal.apiUrl).port) });
    for (const row of rows) back.put(String(row["hlf_certificationid"]), row);
    back.put("kanari 3", { hlf_expireson: "2028-05-01" });
    assert.equal((await world.sync(on)).answer["completed"], true);
    assert.deepEqual(await world.held(), heldBy(back));
  });
});

Deno.test("a portal that asks to be left alone for a moment, or has forgotten a token, is asked again in the same run", async () => {
  const troubles: Trouble[] = [
    status(429, "1"),
    status(401),
    status(503, new Date(Date.now() + 1500).toUTCString()),
  ];
  await inPortalWorld(async (world) => {
    await withCertifications(world, 5);
    const { answer } = await world.sync(await world.start());
    assert.equal(answer["completed"], true);
    assert.deepEqual(await world.held(), heldBy(world.portal));
    assert.equal(world.portal.tokensIssued, 2);
  }, { trouble: ({ to }) => to === "page" ? troubles.shift() : undefined });
});

Deno.test("a portal that has forgotten where a round was is asked from the start", async () => {
  let isDown = false;
  await inPortalWorld(async (world) => {
    await withCertifications(world, 9);
    const on = await world.start();
    await world.sync(on);
    assert.equal((await world.lastRun())?.pages_processed, 2);
    isDown = false;
    world.portal.forgetPages();
    assert.equal((await world.sync(on)).answer["completed"], true);
    assert.equal((await world.lastRun())?.pages_processed, 3);
    assert.deepEqual(await world.held(), heldBy(world.portal));
  }, {
    trouble: ({ to, number }) => {
      isDown ||= to === "page" && number === 3;
      return isDown && to === "page" ? status(403) : undefined;
    },
  });
});

// Single rows ---------------------------------------------------------------------

Deno.test("what is wrong with single rows is counted and kept with its reason, keeps none of the others, and goes away when it is mended", async () => {
  const ODD: Record<string, [PortalRow, string]> = {
    "odd 1": [{ hlf_memberid: CANARY }, "unknown_member"],
    "odd 2": [{ hlf_memberid: null }, "no_member"],
    "odd 3": [{ hlf_expireson: "31.12.2027" }, "malformed_date"],
    "odd 4": [{ hlf_expireson: "2027-02-30" }, "malformed_date"],
    "odd 5": [{ hlf_expireson: 20270501 }, "malformed_date"],
    "odd 6": [{ hlf_name: "" }, "no_name"],
    "odd 7": [{ hlf_name: { nb: CANARY } }, "no_name"],
    "odd 8": [{ statecode: "0" }, "malformed_removed"],
    "odd 9": [{ modifiedon: "yesterday" }, "malformed_modified_on"],
  };
  let isMended = false;
  await inPortalWorld(async (world) => {
    const [mentor = ""] = await withCertifications(world, 3);
    for (const id of Object.keys(ODD)) world.certify(id, mentor, null);
    const on = await world.start({ HLF_PAGE_SIZE: "50" });
    const { answer } = await world.sync(on);
    assert.equal(answer["completed"], true);
    assert.equal((await world.held()).length, 3);
    assert.deepEqual((await world.lastRun())?.details?.["rejected"], {
      unknown_member: 1,
      no_member: 1,
      malformed_date: 3,
      no_name: 2,
      malformed_removed: 1,
      malformed_modified_on: 1,
    });
    const rejects = () =>
      world.sql<{ external_id: string; reason: string }[]>`
        select external_id, reason from scheduler.certification_rejects order by external_id
      `;
    assert.deepEqual(
      (await rejects()).map(({ external_id, reason }) => [external_id, reason]),
      Object.entries(ODD).map(([id, [, reason]]) => [id, reason]),
    );
    await saysNothingPersonal(world, on);

    isMended = true;
    await world.sync(on);
    assert.deepEqual(await world.held(), heldBy(world.portal));
    assert.deepEqual([...await rejects()], []);
  }, {
    trouble: ({ to }) =>
      to === "page" && !isMended
        ? rows((row) => ({ ...row, ...ODD[String(row["hlf_certificationid"])]?.[0] }))
        : undefined,
  });
});

Deno.test("more fields than were asked for are no fault, and are kept nowhere", async () => {
  await inPortalWorld(async (world) => {
    await withCertifications(world, 3);
    const on = await world.start();
    assert.equal((await world.sync(on)).answer["completed"], true);
    assert.deepEqual(await world.held(), heldBy(world.portal));
    await saysNothingPersonal(world, on);
  }, {
    trouble: ({ to }) => to === "page" ? rows((row) => ({ ...row, diagnosis: CANARY })) : undefined,
  });
});

// Clocks --------------------------------------------------------------------------

/** One night after the other, with what the portal's people do in between. */
async function staysInStep(
  options: FakePortalOptions,
  changes: readonly ((world: PortalWorld, mentor: string) => void)[],
): Promise<void> {
  await inPortalWorld(async (world) => {
    const [mentor = ""] = await world.addMentors(1);
    const on = await world.start();
    for (const [night, change] of changes.entries()) {
      change(world, mentor);
      assert.equal((await world.sync(on)).answer["completed"], true);
      const wanted = heldBy(world.portal);
      const there = new Set(wanted.map(({ external_id }) => external_id));
      const held = await world.held();
      assert.deepEqual(
        held.filter(({ external_id }) => there.has(external_id)),
        wanted,
        `night ${night}`,
      );
    }
  }, options);
}

const UNTIL = (year: number) => `${year}-05-01`;

for (const hours of [-26, -3, 3, 26]) {
  Deno.test(`a portal whose clock is ${Math.abs(hours)} hours ${hours < 0 ? "behind" : "ahead"} loses nothing`, async () => {
    await staysInStep({ clockSkewMilliseconds: hours * HOUR }, [
      (world, mentor) => world.certify("a", mentor, UNTIL(2027)),
      (world) => world.portal.put("a", { hlf_expireson: UNTIL(2028) }),
      (world, mentor) => world.certify("b", mentor, UNTIL(2027)),
      () => {},
      (world) => world.portal.remove("b"),
      (world) => world.portal.put("b", { statecode: 0, hlf_expireson: null }),
    ]);
  });
}

Deno.test("a portal whose clock is behind loses nothing after a night without any row", async () => {
  await staysInStep({ clockSkewMilliseconds: -3 * HOUR }, [
    () => {},
    (world, mentor) => world.certify("a", mentor, UNTIL(2027)),
    // What was newest is gone without a trace: the next round names nothing.
    (world) => world.portal.erase("a"),
    (world, mentor) => world.certify("b", mentor, UNTIL(2027)),
  ]);
});

Deno.test("a row that the portal dates in the future hides none that are written later, whatever its clock", async () => {
  for (const hours of [0, -3, 3]) {
    await staysInStep({ clockSkewMilliseconds: hours * HOUR }, [
      (world, mentor) =>
        world.certify("a", mentor, UNTIL(2027), { modifiedon: "2090-01-01T00:00:00Z" }),
      (world, mentor) => world.certify("b", mentor, UNTIL(2027)),
      (world) => world.portal.put("a", { hlf_expireson: UNTIL(2028) }),
      (world) => world.portal.put("b", { hlf_expireson: UNTIL(2028) }),
    ]);
  }
});
