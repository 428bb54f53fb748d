// Requests that go astray on the way from the database to the function: they are
// found and made again, the pushes arrive once, and the ledger tells the story.

import assert from "node:assert/strict";
import { newSecret } from "../../scripts/edge_function.ts";
import {
  type Asked,
  DAILY,
  freePort,
  inWorld,
  MINUTELY,
  notOnce,
  until,
  type World,
} from "./world.ts";

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
    seen: { outcome: "refused", http_status: 500, error: "database_error" },
    failure: {
      error_type: "database_error",
      error_message: "answered 500 database_error",
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
    failure: { error_type: "network_error", error_message: "answered 502" },
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
  Deno.test(`${fault.name}: it is made again, at once and after ten minutes, and the pushes arrive once`, async () => {
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
      await world.tick("scenario-scheduler-dispatch", 9);
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
      assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 11), []);
      await world.runsEnd();
      await world.tick("scenario-scheduler-dispatch", 12);
      assert.deepEqual(notOnce(tokens, world.fake), []);
      assert.deepEqual(await world.ledger(), [{ ...DAILY, attempt: 3 }]);
      assert.deepEqual(await world.requests(), [
        { attempt: 1, ...fault.seen },
        { attempt: 2, ...fault.seen },
        { attempt: 3, outcome: "accepted", http_status: 202, error: null },
      ]);
      const said = fault.seen.outcome === "accepted"
        ? "answered 200, but no run began"
        : [fault.seen.outcome, fault.seen.http_status, fault.seen.error]
          .filter((word) => word !== null).join(" ");
      assert.equal(
        await world.status("requests"),
        `warn: of the last day 2 went wrong and were made again: ${said}`,
      );
    });
  });

  Deno.test(`${fault.name}, four times: the run fails, the status says so, and one by hand makes up for it`, async () => {
    await inWorld(async (world) => {
      const tokens = await world.addMentors(3);
      const port = freePort();
      await world.schedule(`http://127.0.0.1:${port}/`);
      await waitASecond(world);
      const mend = await fault.begin(world, port);
      await world.tick("scenario-scheduler-daily");
      for (const minutes of [0, 11, 181]) {
        await meetsItsFate(world, fault);
        assert.deepEqual(await world.tick("scenario-scheduler-dispatch", minutes), []);
      }
      await meetsItsFate(world, fault);
      // A minute's tick is enough for it, and nothing more is asked for then.
      await world.tick("scenario-scheduler-dispatch", 182);
      await world.tick("scenario-scheduler-dispatch", 190);
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

Deno.test("a request whose number pg_net gave out again after a crash is not taken for the newer one", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(4);
    await world.schedule((await world.start()).url);
    await world.crashNet(); // numbers begin at 1
    await world.tick("scenario-scheduler-daily");
    await world.crashNet();
    await world.sql`select scheduler.run_job('dispatch-backlog')`;
    await world.startNetWorker();
    await world.requestsAreMade();
    const numbers = await world.sql`select distinct request_id from scheduler.requests`;
    assert.equal(numbers.length, 1, "both have the same number");
    await until("the newer one has run", async () => {
      return (await world.ledger()).some((run) => run.status === "completed");
    });

    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.ledger(), [
      { ...DAILY, attempt: 2 },
      { ...MINUTELY, triggered_by: "operator" },
    ]);
    assert.deepEqual((await world.requests()).map(({ attempt, outcome }) => [attempt, outcome]), [
      [1, "lost"],
      [1, "accepted"],
      [2, "accepted"],
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("an answer that a crash took away is no lost request while the run is on: it is not made again", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    await world.schedule((await world.start({ PUSH_CONCURRENCY: "1" })).url);
    await world.startNetWorker();
    await world.tick("scenario-scheduler-daily");
    await until("it sends", () => world.fake.acceptedCount > 0);
    await world.requestsAreMade();
    await world.crashNet();
    await world.tick("scenario-scheduler-dispatch");
    assert.deepEqual(await world.ledger(), [{ ...DAILY, status: "running", http_status: null }]);
    await world.runsEnd();
    assert.deepEqual(await world.requests(), [
      { attempt: 1, outcome: "accepted", http_status: null, error: null },
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  }, { latencyMilliseconds: 60 });
});

Deno.test("an answer of a batch that pg_net began just before the request came is the request's", async () => {
  await inWorld(async (world) => {
    await world.schedule(`http://127.0.0.1:${freePort()}/`);
    // What its worker does, with time for a tick between its first two steps.
    const worker = await world.database.session().reserve();
    await worker`begin`;
    await worker`select now()`;
    await world.tick("scenario-scheduler-daily");
    await worker`
      with taken as (delete from net.http_request_queue returning id)
      insert into net._http_response (id, status_code, timed_out) select id, 403, false from taken
    `;
    await worker`commit`;
    worker.release();
    await world.tick("scenario-scheduler-dispatch");
    const [first] = await world.requests();
    assert.deepEqual(first, { attempt: 1, outcome: "refused", http_status: 403, error: null });
  });
});

Deno.test("requests that pg_net's worker did not make for minutes are made again; when it makes them all, one runs", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(5);
    await world.schedule((await world.start()).url);
    await world.tick("scenario-scheduler-daily");
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.requests(), [
      { attempt: 1, outcome: null, http_status: null, error: null },
    ], "it may still be made");
    await world.tick("scenario-scheduler-dispatch", 3);
    const unanswered = { attempt: 1, outcome: "unanswered", http_status: null, error: null };
    assert.deepEqual(await world.requests(), [
      unanswered,
      { attempt: 2, outcome: null, http_status: null, error: null },
    ]);
    assert.equal((await world.sql`select from net.http_request_queue`).length, 2);

    await world.startNetWorker();
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 9);
    assert.deepEqual(await world.ledger(), [{ ...DAILY, attempt: 2 }]);
    assert.deepEqual(await world.requests(), [
      unanswered,
      { attempt: 2, outcome: "accepted", http_status: 202, error: null },
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

const TIMED_OUT = {
  attempt: 1,
  outcome: "timed_out",
  http_status: null,
  error: "Timeout of 1000 ms reached.",
};

/** Hands a request on, as it came. */
async function handOn(request: Request, body: Uint8Array<ArrayBuffer>, url: string) {
  const answer = await fetch(url, { method: "POST", headers: request.headers, body });
  return new Response(await answer.text(), { status: answer.status });
}

Deno.test("a function that took the run on, and whose answer came too late, is not asked again", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(5);
    const scheduler = await world.start();
    const slow = world.listen(async (request) => {
      await handOn(request, await request.bytes(), scheduler.url);
      return "never";
    });
    await world.schedule(slow.url);
    await waitASecond(world);
    await world.startNetWorker();
    await world.tick("scenario-scheduler-daily");
    await world.requestsAreMade();
    await world.runsEnd();
    for (const minutes of [0, 11, 181]) await world.tick("scenario-scheduler-dispatch", minutes);
    assert.deepEqual(await world.ledger(), [{ ...DAILY, http_status: null }]);
    assert.deepEqual(await world.requests(), [TIMED_OUT]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a request that reaches the function after it was given up and made again runs once, whichever comes first", async () => {
  for (const first of ["the late one", "the one that was made again"]) {
    await inWorld(async (world) => {
      const tokens = await world.addMentors(5);
      const scheduler = await world.start();
      const asked: Promise<number>[] = [];
      const late = Promise.withResolvers<void>();
      const again = Promise.withResolvers<void>();
      const held = world.listen(async (request) => {
        const isLate = asked.length === 0;
        const body = await request.bytes();
        const answer = (isLate ? late : again).promise
          .then(() => handOn(request, body, scheduler.url));
        asked.push(answer.then(({ status }) => status));
        return isLate ? "never" : await answer;
      });
      await world.schedule(held.url);
      await waitASecond(world);
      await world.startNetWorker();
      await world.tick("scenario-scheduler-daily");
      await world.requestsAreMade();
      await world.tick("scenario-scheduler-dispatch");
      await until("it is asked again", () => asked.length === 2);
      const order = first === "the late one" ? [late, again] : [again, late];
      for (const one of order) {
        one.resolve();
        await (one === late ? asked[0] : asked[1]);
      }
      assert.deepEqual((await Promise.all(asked)).map((status) => status < 300), [true, true]);
      await world.runsEnd();
      await world.tick("scenario-scheduler-dispatch", 1);
      assert.deepEqual(await world.ledger(), [
        {
          ...DAILY,
          attempt: 2,
          // The second is answered with the figures of the run, if that has ended.
          http_status: (await asked[1]) ?? null,
        },
      ]);
      assert.deepEqual((await world.requests()).map(({ outcome }) => outcome), [
        "timed_out",
        "accepted",
      ]);
      assert.deepEqual(notOnce(tokens, world.fake), []);
    });
  }
});

Deno.test("while a secret is rotated, and after, no request is refused", async () => {
  await inWorld(async (world) => {
    const [before, after] = [newSecret(), newSecret()];
    const port = freePort();
    await world.startNetWorker();
    const both = { SCHEDULER_SECRET: after, SCHEDULER_SECRET_PREVIOUS: before };
    const steps: [inVault: string, environment: Record<string, string>][] = [
      [before, { SCHEDULER_SECRET: before }],
      [before, both],
      [after, both],
      [after, { SCHEDULER_SECRET: after }],
    ];
    for (const [inVault, environment] of steps) {
      const tokens = await world.addMentors(2);
      const sent = world.fake.accepted.length;
      const scheduler = await world.start(environment, world.fake, port);
      await world.schedule(`http://127.0.0.1:${port}/`, inVault);
      await world.sql`select scheduler.run_job('scenario-evaluation')`;
      await world.runsEnd();
      const pushed = world.fake.accepted.slice(sent).map(({ token }) => token);
      assert.deepEqual(pushed.sort(), tokens.sort());
      await scheduler.stop();
    }
    await world.tick("scenario-scheduler-dispatch");
    assert.deepEqual((await world.requests()).map(({ http_status }) => http_status), [
      202,
      202,
      202,
      202,
    ]);

    // The old one alone is worth nothing any more.
    await world.start({ SCHEDULER_SECRET: after }, world.fake, port);
    await world.schedule(`http://127.0.0.1:${port}/`, before);
    await world.sql`select scheduler.run_job('scenario-evaluation')`;
    await world.requestsAreMade();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.equal((await world.requests())[4]?.http_status, 401);
  });
});

Deno.test("what refused the old secret is mended by a function that knows both, without a word to the database", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(3);
    const [old, present] = [newSecret(), newSecret()];
    const port = freePort();
    await world.startNetWorker();
    const hasty = await world.start({ SCHEDULER_SECRET: present }, world.fake, port);
    await world.schedule(`http://127.0.0.1:${port}/`, old);
    await world.tick("scenario-scheduler-daily");
    await world.requestsAreMade();
    await hasty.stop();
    await world.start(
      { SCHEDULER_SECRET: present, SCHEDULER_SECRET_PREVIOUS: old },
      world.fake,
      port,
    );
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    assert.deepEqual((await world.requests()).map(({ outcome }) => outcome), ["refused", null]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});
