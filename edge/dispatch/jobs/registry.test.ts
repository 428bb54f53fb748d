// Jobs as a request reaches them: what they get, and what becomes of what they throw.

import assert from "node:assert/strict";
import { startFakePortal } from "../../../scripts/fake_portal.ts";
import { testDatabase } from "../../../scripts/testing.ts";
import { TypedError } from "../../shared/errors.ts";
import { handleScheduledInvocation } from "../handler.ts";
import { readPortal } from "../portal/configuration.ts";
import { DynamicsPortalClient } from "../portal/dynamics.ts";
import type { MemberPortal } from "../portal/member_portal.ts";
import { type Applied, Implausible, type PortalStore } from "../portal/store.ts";
import { openOutbox, post, prepare } from "../testing.ts";
import type { Outside } from "./hlf_sync.ts";
import { outsideJob } from "./registry.ts";
import type { Job, Outcome } from "./run.ts";

type Setup = Omit<Parameters<typeof prepare>[0], "outbox">;

const CANARIES = [
  "Kanarifugl Fjærkledd",
  "kanarifugl@fjaerkledd.example",
  "ca9a41f0-9d1e-4c0a-8b1d-ca9a41f0ca9a",
  "+47 987 65 432",
];
const ALL = CANARIES.join(" ");

const APPLIED: Applied = {
  received: 3,
  applied: 1,
  unchanged: 1,
  revoked: 0,
  rejected: { unknown_member: 1 },
  completed: true,
};

/** A store in memory that takes whatever it is given. */
const takingStore = (result: Partial<Applied> = {}): PortalStore => ({
  begin: () =>
    Promise.resolve({ started_at: "", modified_since: null, page_cursor: null, page: 0 }),
  apply: (_, { next }) => Promise.resolve({ ...APPLIED, completed: next === null, ...result }),
});

/** A portal in memory whose pages follow one another, ending with an error or the last page. */
function portalOf(...pages: (string | null | Error)[]): MemberPortal {
  let asked = 0;
  return {
    page: () => {
      const next = pages[asked++] ?? null;
      return next instanceof Error
        ? Promise.reject(next)
        : Promise.resolve({ certifications: [], next });
    },
  };
}

async function withJobs() {
  const database = openOutbox(await testDatabase());
  // The clock on the wall must not decide what a test sees.
  await database.sql`
    update scheduler.organisation_settings set quiet_start = null, quiet_end = null
    where organisation_id is null
  `;
  return {
    ...database,
    [Symbol.asyncDispose]: database[Symbol.asyncDispose],
    async run(setup: Setup, body: Record<string, unknown> = { job_name: "hlf-sync" }) {
      const prepared = prepare({ outbox: database.outbox, ...setup });
      const response = await handleScheduledInvocation(post(body), prepared.dependencies);
      return { ...prepared, status: response.status, answer: await response.json() };
    },
    async ledger() {
      const rows = await database.sql<Record<string, unknown>[]>`
        select job_name, status, error_type, error_message, pages_processed, details,
          started_at is not null and finished_at >= started_at as has_times
        from scheduler.invocations order by requested_at
      `;
      return rows.map((row) => ({ ...row }));
    },
  };
}

/** A job instead of hlf-sync. */
const instead = (job: Job): Setup => ({ jobs: (jobs) => new Map([...jobs, ["hlf-sync", job]]) });

const throwing = (error: unknown): Setup =>
  instead({ hasDryRun: false, work: () => Promise.reject(error) });

Deno.test("a job that throws is caught, classified, logged and recorded, and keeps no other", async () => {
  await using world = await withJobs();
  await world.sql`select tests.mentor()`;
  const cases: [unknown, string, RegExp][] = [
    [new TypedError("network_error", "the portal can't be reached"), "network_error", /reached/],
    [new TypeError(ALL), "evaluation_logic_error", /^unexpected TypeError$/],
    [ALL, "evaluation_logic_error", /^unexpected string$/],
    [undefined, "evaluation_logic_error", /^unexpected undefined$/],
    [Object.assign(new Error(ALL), { code: "53300" }), "database_error", /53300/],
    [new DOMException(ALL, "TimeoutError"), "timeout_error", /no answer in time/],
  ];
  for (const [thrown, type, message] of cases) {
    const { status, answer, log } = await world.run(throwing(thrown));
    assert.equal(status, 500);
    assert.equal(answer.error.type, type);
    assert.deepEqual(log.events(), [
      "scheduler_run_started",
      "scheduler_run_failed",
      "scheduler_run_completed",
    ]);
    assert.equal(log.entries()[1]?.["error_type"], type);
    const row = (await world.ledger()).at(-1);
    assert.match(String(row?.["error_message"]), message);
    assert.deepEqual(
      [row?.["job_name"], row?.["status"], row?.["error_type"], row?.["has_times"]],
      [
        "hlf-sync",
        "failed",
        type,
        true,
      ],
    );
    assert.ok(
      !CANARIES.some((canary) => JSON.stringify([log.lines, row, answer]).includes(canary)),
    );
  }
  const { answer } = await world.run(throwing(new TypeError()), {
    job_name: "scenario-evaluation",
  });
  assert.deepEqual([answer.completed, answer.total_dispatched], [true, 1]);
});

Deno.test("a job that throws before it promises anything is caught too", async () => {
  await using world = await withJobs();
  const { status, answer } = await world.run(instead({
    hasDryRun: false,
    work: () => {
      throw new TypeError();
    },
  }));
  assert.deepEqual([status, answer.error.type], [500, "evaluation_logic_error"]);
});

Deno.test("a job that calls the outside gets a portal, a store, a clock and a deadline, and nothing behind them", async () => {
  await using portal = startFakePortal();
  const hlf = readPortal((name) => portal.environment[name]);
  assert.ok(hlf);
  const database = { secret: "kanari" };
  const store = { ...takingStore(), database };
  let seen: Outside | undefined;
  const work = (outside: Outside): Promise<Outcome> => {
    seen = outside;
    return Promise.resolve({ status: "completed" });
  };
  await using world = await withJobs();
  const { answer } = await world.run(instead(outsideJob(work, {
    portal: new DynamicsPortalClient(hlf),
    openStore: () => store,
    options: { timeoutThresholdMs: 25_000 },
  })));
  assert.equal(answer.completed, true);
  assert.ok(seen);
  assert.deepEqual(Object.keys(seen).sort(), ["clock", "deadline", "portal", "store"]);
  assert.deepEqual(Object.keys(seen.store).sort(), ["apply", "begin"]);
  assert.ok(Object.isFrozen(seen) && Object.isFrozen(seen.store));
  assert.deepEqual(Reflect.ownKeys(seen.portal), []);
  const shown = Deno.inspect(seen, { depth: 20, showHidden: true });
  for (const secret of ["kanari", "postgres", "fake-client", "Outbox", "sql"]) {
    assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
  }
});

Deno.test("its deadline is the time guard of the run, counted from the request", async () => {
  await using world = await withJobs();
  let deadline = 0;
  const job = outsideJob((outside) => {
    deadline = outside.deadline;
    return Promise.resolve({ status: "completed" });
  }, {
    portal: portalOf(),
    openStore: () => takingStore(),
    options: { timeoutThresholdMs: 4000 },
  });
  await world.run({ ...instead(job), clock: () => 500 });
  assert.equal(deadline, 4500);
});

Deno.test("pages that were applied are counted in the log and the ledger, also where the run fails then", async () => {
  await using world = await withJobs();
  const down = new TypedError("network_error", "the portal can't be reached");
  for (const [end, failures] of [[null, 0], [down, 1]] as const) {
    const { log } = await world.run({
      portal: portalOf("2", "3", end),
      store: takingStore(),
    });
    const pages = 3 - failures;
    const counted = log.entries().find(({ event }) => event === "scheduler_run_counted");
    assert.deepEqual(counted?.["counts"], {
      received: 3 * pages,
      applied: pages,
      unchanged: pages,
      revoked: 0,
      rejected_unknown_member: pages,
    });
    const row = (await world.ledger()).at(-1);
    assert.equal(row?.["pages_processed"], pages);
    assert.equal(row?.["status"], failures ? "failed" : "completed");
  }
});

Deno.test("the types of what goes wrong with a portal are those of the ledger", async () => {
  await using world = await withJobs();
  const cases: [Setup, string, RegExp][] = [
    [{ portal: portalOf(new TypedError("timeout_error", "too slow")) }, "timeout_error", /slow/],
    [{ portal: portalOf(new TypedError("provider_error", "HTML")) }, "provider_error", /HTML/],
    [
      { portal: portalOf(new TypedError("authentication_error", "refused")) },
      "authentication_error",
      /refused/,
    ],
    [
      {
        store: {
          ...takingStore(),
          apply: () => Promise.reject(new Implausible("the portal named 3 of 900")),
        },
      },
      "provider_error",
      /named 3 of 900/,
    ],
    [
      {
        store: {
          ...takingStore(),
          begin: () => Promise.reject(Object.assign(new Error(ALL), { code: "57P01" })),
        },
      },
      "database_error",
      /57P01/,
    ],
  ];
  for (const [setup, type, message] of cases) {
    await world.run({ portal: portalOf(), store: takingStore(), ...setup });
    const row = (await world.ledger()).at(-1);
    assert.deepEqual([row?.["status"], row?.["error_type"]], ["failed", type]);
    assert.match(String(row?.["error_message"]), message);
  }
});

Deno.test("while it is switched off, hlf-sync completes, and log and ledger say that it is", async () => {
  await using world = await withJobs();
  const { status, answer, log } = await world.run({});
  assert.equal(status, 200);
  assert.equal(answer.completed, true);
  assert.deepEqual(log.events(), [
    "scheduler_run_started",
    "scheduler_run_noted",
    "scheduler_run_completed",
  ]);
  assert.match(String(log.entries()[1]?.["note"]), /^HLF_SYNC_ENABLED is off/);
  const [row] = await world.ledger();
  assert.deepEqual([row?.["status"], row?.["error_type"], row?.["error_message"]], [
    "completed",
    null,
    null,
  ]);
  assert.match(JSON.stringify(row?.["details"]), /HLF_SYNC_ENABLED is off/);
});

Deno.test("a dry run of a job that has none is the caller's mistake, and leaves no row", async () => {
  await using world = await withJobs();
  const { status, answer } = await world.run({}, { job_name: "hlf-sync", dry_run: true });
  assert.deepEqual([status, answer.error.type], [400, "invalid_argument"]);
  assert.match(answer.error.message, /dry_run is of no use for this job/);
  assert.deepEqual(await world.ledger(), []);
});

Deno.test("an unknown job is told the names of all that there are", async () => {
  await using world = await withJobs();
  const { status, answer } = await world.run({}, { job_name: "nightly" });
  assert.deepEqual([status, answer.error.type], [404, "unknown_job"]);
  assert.match(
    answer.error.message,
    /Known are: scenario-evaluation, dispatch-backlog, certification-expiry, hlf-sync\.$/,
  );
  const [row] = await world.ledger();
  assert.deepEqual(
    [row?.["job_name"], row?.["status"], row?.["error_type"], row?.["has_times"]],
    ["nightly", "failed", "evaluation_logic_error", true],
  );
});

Deno.test("a job that the database knows and the function doesn't is closed in the ledger as failed", async () => {
  await using world = await withJobs();
  const { status, answer } = await world.run({
    jobs: (jobs) => new Map([...jobs].filter(([name]) => name !== "hlf-sync")),
  });
  assert.deepEqual([status, answer.error.type], [404, "unknown_job"]);
  const [row] = await world.ledger();
  assert.deepEqual([row?.["job_name"], row?.["status"], row?.["has_times"]], [
    "hlf-sync",
    "failed",
    true,
  ]);
  assert.match(String(row?.["error_message"]), /is it deployed as it is here/);
});

Deno.test("a request that comes again after its job failed is answered as failed, and the job is not begun again", async () => {
  await using world = await withJobs();
  let begun = 0;
  const failing = instead({
    hasDryRun: false,
    work: () => {
      begun++;
      return Promise.reject(new TypedError("network_error", "the portal can't be reached"));
    },
  });
  const body = { job_name: "hlf-sync", invocation_id: "8d7f6a52-3c0e-4a8e-9a51-0b7c1d2e3f40" };
  await world.run(failing, body);
  const { status, answer } = await world.run(failing, body);
  assert.deepEqual([status, answer.error.type, answer.replayed], [500, "network_error", true]);
  assert.equal(begun, 1);
});

Deno.test("where the ledger can't be closed either, the job's own failure is the one that is told", async () => {
  await using world = await withJobs();
  const job: Job = {
    hasDryRun: false,
    work: async ({ order }) => {
      await world.sql`delete from scheduler.invocations where id = ${order.invocation_id}`;
      throw new TypedError("network_error", "the portal can't be reached");
    },
  };
  let now = 0;
  const { answer, log } = await world.run({ ...instead(job), clock: () => now += 60_000 });
  assert.equal(answer.error.type, "network_error");
  assert.deepEqual(log.events(), [
    "scheduler_run_started",
    "scheduler_run_failed",
    "scheduler_run_completed",
  ]);
});

Deno.test("nothing that stands in a portal's certifications is logged, whatever goes wrong with them", async () => {
  await using world = await withJobs();
  const row = { hlf_memberid: ALL, hlf_name: ALL, hlf_expireson: ALL };
  const troubles = [
    undefined,
    { kind: "rows", change: (shown: object) => ({ ...shown, [ALL]: ALL, statecode: ALL }) },
    { kind: "rows", change: () => ({ [ALL]: ALL }) },
    { kind: "raw", body: ALL },
    { kind: "raw", body: ALL, contentType: "text/html" },
    { kind: "raw", body: JSON.stringify({ error: { message: ALL } }), status: 400 },
    { kind: "next", link: `https://elsewhere.example.org/${encodeURIComponent(ALL)}` },
  ] as const;
  for (const trouble of troubles) {
    await using fake = startFakePortal({
      trouble: ({ to }) => to === "page" ? trouble : undefined,
    });
    fake.put(ALL, row);
    const hlf = readPortal((name) => fake.environment[name]);
    assert.ok(hlf);
    const { log, answer } = await world.run({
      portal: new DynamicsPortalClient(hlf),
      store: takingStore(),
    });
    const said = JSON.stringify([log.lines, answer, await world.ledger()]);
    for (const canary of [...CANARIES, "fjaerkledd", "Fjærkledd", "987 65", "fake-client-secret"]) {
      assert.ok(!said.includes(canary), `${canary} in ${said}`);
    }
    assert.equal(log.events().includes("scheduler_run_failed"), trouble !== undefined);
  }
});

Deno.test("certification-expiry, which pg_cron runs by itself, can be asked of the function too", async () => {
  await using world = await withJobs();
  await world.sql`
    select tests.requires('first aid'),
      tests.certified(tests.mentor(), 'first aid', current_date - 2),
      tests.certified(tests.mentor(), 'first aid', current_date + 2)
  `;
  const paused = async () => {
    const [row] = await world.sql`
      select count(*)::integer as mentors from public.peer_mentors where status = 'paused'
    `;
    return row?.["mentors"];
  };
  const dry = await world.run({}, { job_name: "certification-expiry", dry_run: true });
  assert.deepEqual([dry.status, dry.answer.completed, await paused()], [200, true, 0]);

  const { status, answer, log } = await world.run({}, { job_name: "certification-expiry" });
  assert.deepEqual([status, answer.completed, await paused()], [200, true, 1]);
  assert.deepEqual(log.entries()[1]?.["counts"], { certification_expired: 1 });
  const again = await world.run({}, { job_name: "certification-expiry" });
  assert.deepEqual([again.status, await paused()], [200, 1]);
  assert.deepEqual((await world.ledger()).map(({ status, details }) => [status, details]), [
    ["completed", { certification_expired: 1 }],
    ["completed", { certification_expired: 1 }],
    ["completed", {}],
  ]);
});
