// Requests that go astray on the way from the database to the function: they are
// found and made again, the pushes arrive once, and the ledger tells the story.

import assert from "node:assert/strict";
import { newSecret } from "../../scripts/edge_function.ts";
import { pause } from "../../scripts/testing.ts";
import { type Asked, freePort, inWorld, notOnce, type Run, until, type World } from "./world.ts";

const DAILY: Run = {
  job_name: "scenario-evaluation",
  status: "completed",
  status_reason: null,
  triggered_by: "pg_cron",
  attempt: 1,
  http_status: 202,
  error_type: null,
};
const MINUTELY: Run = { ...DAILY, job_name: "dispatch-backlog" };

interface Fault {
  name: string;
  /** Takes the place of the function at a port. Returns what makes room for it. */
  begin(world: World, port: number): Promise<() => Promise<void>>;
  /** What the ledger says of each request. */
  seen: Omit<Asked, "attempt">;
  /** How the run fails if nobody mends it. */
  failure: { error_type: string; error_message: string };
}

/** The function itself, set up wrongly. */
async function wronglySetUp(world: World, environment: Record<string, string>, port: number) {
  const wrong = await world.start(environment, world.fake, port);
  return () => wrong.stop();
}

/** Something else that listens there. */
async function somethingElse(
  world: World,
  answer: () => Response | "never",
  port: number,
): Promise<() => Promise<void>> {
  const place = world.listen(() => Promise.resolve(answer()), port);
  await world.startNetWorker();
  return () => place.end();
}

const FAULTS: Fault[] = [
  {
    name: "a request that a crash of the database took from the queue",
    begin: () => Promise.resolve(() => Promise.resolve()),
    seen: { outcome: "lost", http_status: null, error: null },
    failure: {
      error_type: "network_error",
      error_message: "the request was lost before it was made",
    },
  },
  {
    name: "a request while the function is down",
    begin: async (world) => {
      await world.startNetWorker();
      return () => Promise.resolve();
    },
    seen: { outcome: "unreachable", http_status: null, error: "Couldn't connect to server" },
    failure: {
      error_type: "network_error",
      error_message: "not reached: Couldn't connect to server",
    },
  },
  {
    name: "a request that the function refuses, because its secret is another",
    begin: async (world, port) => {
      await world.startNetWorker();
      return await wronglySetUp(world, { SCHEDULER_SECRET: newSecret() }, port);
    },
    seen: { outcome: "refused", http_status: 401, error: "unauthorized" },
    failure: { error_type: "authentication_error", error_message: "answered 401 unauthorized" },
  },
  {
    name: "a request that the function answers with 500, because its database is not there",
    begin: async (world, port) => {
      await world.startNetWorker();
      const nowhere = `postgresql://postgres@127.0.0.1:${freePort()}/none`;
      return await wronglySetUp(world, { SCHEDULER_DB_URL: nowhere }, port);
    },
    seen: { outcome: "refused", http_status: 500, error: "network_error" },
    failure: {
      error_type: "evaluation_logic_error",
      error_message: "answered 500 network_error",
    },
  },
  {
    name: "a request that a gateway answers with 502 and a page",
    begin: (world, port) =>
      somethingElse(
        world,
        () => new Response("<h1>Bad Gateway</h1>", { status: 502 }),
        port,
      ),
    seen: { outcome: "refused", http_status: 502, error: null },
    failure: { error_type: "evaluation_logic_error", error_message: "answered 502" },
  },
  {
    name: "a request that is never answered",
    begin: (world, port) => somethingElse(world, () => "never", port),
    seen: { outcome: "timed_out", http_status: null, error: "Timeout of 1000 ms reached." },
    failure: { error_type: "timeout_error", error_message: "no answer in time" },
  },
  {
    name: "a request that something else than the function answers with 200",
    begin: (world, port) => somethingElse(world, () => new Response("hello"), port),
    seen: { outcome: "accepted", http_status: 200, error: null },
    failure: {
      error_type: "network_error",
      error_message: "answered 200, but no run began: is the url that of the function?",
    },
  },
];

/** Until the request that is out has met its fate. */
async function meetsItsFate(world: World, fault: Fault): Promise<void> {
  if (fault.seen.outcome === "lost") await world.crashNet();
  else await world.requestsAreMade();
}

/** So that a test need not wait ten seconds for it. */
async function waitASecond(world: World): Promise<void> {
  await world.sql`update scheduler.jobs set timeout = '1 second'`;
}

for (const fault of FAULTS) {
  Deno.test(`${fault.name} is made again, at once and after five minutes, and the pushes arrive once`, async () => {
    await inWorld(async (world) => {
      const tokens = await world.addMentors(5);
      const port = freePort();
      await world.schedule(`http://127.0.0.1:${port}/`);
      await waitASecond(world);
      const mend = await fault.begin(world, port);

      await world.tick("scenario-scheduler-daily");
      await meetsItsFate(world, fault);
      await world.tick("scenario-scheduler-dispatch");
      await meetsItsFate(world, fault);
      await world.tick("scenario-scheduler-dispatch", 4);
      const { http_status } = fault.seen;
      assert.deepEqual(await world.ledger(), [
        { ...DAILY, status: "requested", attempt: 2, http_status },
      ]);
      assert.deepEqual(await world.requests(), [
        { attempt: 1, ...fault.seen },
        { attempt: 2, ...fault.seen },
      ]);
      assert.equal(world.fake.requests, 0);

      await mend();
      await world.start({}, world.fake, port);
      if (fault.seen.outcome === "lost") await world.startNetWorker();
      assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 6), []);
      await world.runsEnd();
      await world.tick("scenario-scheduler-dispatch", 7);
      assert.deepEqual(notOnce(tokens, world.fake), []);
      assert.deepEqual(await world.ledger(), [{ ...DAILY, attempt: 3 }]);
      assert.deepEqual(await world.requests(), [
        { attempt: 1, ...fault.seen },
        { attempt: 2, ...fault.seen },
        { attempt: 3, outcome: "accepted", http_status: 202, error: null },
      ]);
      const said = [fault.seen.outcome, fault.seen.http_status, fault.seen.error]
        .filter((word) => word !== null).join(" ");
      assert.equal(
        await world.status("requests"),
        fault.seen.outcome === "accepted"
          ? "ok: none of the last day went wrong"
          : `warn: of the last day 2 went wrong and were made again: ${said}`,
      );
    });
  });

  Deno.test(`${fault.name} four times fails the run, the status says so, and a run by hand makes up for it`, async () => {
    await inWorld(async (world) => {
      const tokens = await world.addMentors(3);
      const port = freePort();
      await world.schedule(`http://127.0.0.1:${port}/`);
      await waitASecond(world);
      const mend = await fault.begin(world, port);
      await world.tick("scenario-scheduler-daily");
      for (const minutes of [0, 6, 31]) {
        await meetsItsFate(world, fault);
        assert.deepEqual(await world.tick("scenario-scheduler-dispatch", minutes), []);
      }
      await meetsItsFate(world, fault);
      // A minute's tick is enough for it, and nothing more is asked for then.
      await world.tick("scenario-scheduler-dispatch", 32);
      await world.tick("scenario-scheduler-dispatch", 59);
      const { http_status } = fault.seen;
      const failed = {
        ...DAILY,
        status: "failed",
        attempt: 4,
        http_status,
        error_type: fault.failure.error_type,
      };
      assert.deepEqual(await world.ledger(), [failed]);
      assert.deepEqual(
        await world.requests(),
        [1, 2, 3, 4].map((attempt) => ({ attempt, ...fault.seen })),
      );
      const [row] = await world.sql`select error_message from scheduler.invocations`;
      assert.equal(row?.["error_message"], fault.failure.error_message);
      assert.match(
        await world.status("requests"),
        /^fail: runs given up in the last day: 1 .*scheduler\.run_job/,
      );
      const job = await world.status("job scenario-evaluation");
      assert.ok(job.startsWith("warn: last run failed"), job);
      assert.ok(job.includes(fault.failure.error_message), job);

      await mend();
      await world.start({}, world.fake, port);
      await world.sql`select scheduler.run_job('scenario-evaluation')`;
      if (fault.seen.outcome === "lost") await world.startNetWorker();
      await world.runsEnd();
      assert.deepEqual(notOnce(tokens, world.fake), []);
      assert.match(await world.status("job scenario-evaluation"), /^ok: last run completed/);
    });
  });
}
