// From a request to the API to accepted pushes: the database asks the dispatcher, which
// runs as it does for pg_cron, and the API tells what came of it.

import assert from "node:assert/strict";
import type { FakeFcmOptions } from "../../scripts/fake_fcm.ts";
import { ApiWorld, NORTH, SOUTH } from "./api_world.ts";
import { inWorld, notOnce, until, type World } from "./world.ts";

/** A world with both functions, in which only those are mentors whom a test adds. */
async function inBothWorlds(
  test: (api: ApiWorld, world: World) => Promise<void>,
  options: FakeFcmOptions = {},
): Promise<void> {
  await inWorld(async (world) => {
    const api = await ApiWorld.make({ database: world.database });
    try {
      await world.sql`update public.peer_mentors set status = 'inactive'`;
      await test(api, world);
    } finally {
      await api.end();
    }
  }, options);
}

Deno.test("a run that is asked for is made by the dispatcher, and looked at when it is over", async () => {
  await inBothWorlds(async (api, world) => {
    const tokens = await world.addMentors(12, { organisation: NORTH });
    const southern = await world.addMentors(3, { organisation: SOUTH });
    const [gone] = await world.addMentors(1, { organisation: NORTH, token: "unregistered" });
    await world.sql`
      update public.device_tokens set disabled_at = now() where token = ${tokens.pop() ?? ""}
    `;
    await world.schedule((await world.start({ PAGE_SIZE: "5" })).url);
    await world.startNetWorker();

    const key = { "idempotency-key": crypto.randomUUID() };
    const asked = await api.call("coordinator", "POST", "", {}, key);
    assert.equal(asked.status, 202);
    await world.runsEnd();
    const { status, body } = await api.call("admin", "GET", `/${asked.body.id}`);
    assert.equal(status, 200);
    assert.deepEqual(
      {
        status: body.status,
        triggered_by: body.triggered_by,
        active: body.total_active_mentors,
        evaluated: body.total_evaluated,
        candidates: body.total_candidates,
        dispatched: body.total_dispatched,
        suppressed: body.suppressed,
        errors: body.errors,
      },
      {
        status: "completed",
        triggered_by: "api",
        active: 13,
        evaluated: 13,
        candidates: 12,
        dispatched: 11,
        suppressed: { inactivity: { no_device: 1 } },
        errors: { invalid_token: 1 },
      },
    );
    assert.deepEqual([body.total_suppressed, body.total_errors], [1, 1]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.ok(gone && southern.length === 3);
    assert.equal((await api.call("otherAdmin", "GET", `/${asked.body.id}`)).status, 404);

    // Sent again, the request gets the answer of then, and nobody a push.
    const again = await api.call("coordinator", "POST", "", {}, key);
    assert.deepEqual([again.status, again.text], [202, asked.text]);
    await world.requestsAreMade();
    assert.equal(world.fake.requests, 12);
  });
});

Deno.test("a run to look only sends nothing and tells what it saw", async () => {
  await inBothWorlds(async (api, world) => {
    await world.addMentors(6, { organisation: NORTH });
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    const asked = await api.call("admin", "POST", "", { dry_run: true, scenarios: ["inactivity"] });
    assert.equal(asked.status, 202);
    await world.runsEnd();
    const { body } = await api.call("admin", "GET", `/${asked.body.id}`);
    assert.deepEqual(
      [body.status, body.dry_run, body.scenarios, body.total_candidates, body.total_dispatched],
      ["completed", true, ["inactivity"], 6, 0],
    );
    assert.equal(world.fake.requests, 0);
    assert.deepEqual(await world.outbox(), {});
  });
});

Deno.test("a run that is asked to stop ends at its next page; the next one sends the rest, and nobody gets two", async () => {
  await inBothWorlds(async (api, world) => {
    const tokens = await world.addMentors(40, { organisation: NORTH });
    await world.schedule((await world.start({ PAGE_SIZE: "4", PUSH_CONCURRENCY: "2" })).url);
    await world.startNetWorker();
    const { body: { id } } = await api.call("admin", "POST", "", {});
    await until("it sends", () => world.fake.acceptedCount > 0);

    const stopped = await api.call("coordinator", "PUT", `/${id}`, {
      note: "Wrong text",
      stop: true,
    });
    assert.deepEqual([stopped.status, stopped.body.status], [200, "running"]);
    const acceptedAtStop = world.fake.acceptedCount;
    await world.runsEnd();
    const { body: ended } = await api.call("admin", "GET", `/${id}`);
    assert.deepEqual([ended.status, ended.status_reason, ended.note], [
      "partial",
      "stopped",
      "Wrong text",
    ]);
    assert.equal(ended.total_dispatched, world.fake.acceptedCount);
    // The pages that were on, two at most, and no more.
    assert.ok(world.fake.acceptedCount <= acceptedAtStop + 8, `${world.fake.acceptedCount}`);
    assert.ok(world.fake.acceptedCount < 40, "it came to its end before the stop");
    const { sent = 0, ...rest } = await world.outbox();
    assert.deepEqual(rest, { pending: 40 - sent }, "nothing is left in doubt");

    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.outbox(), { sent: 40 });
    const [next] = (await api.call("admin", "GET", "?limit=1")).body.data;
    assert.deepEqual([next?.job_name, next?.status], ["dispatch-backlog", "completed"]);
    const late = await api.call("admin", "PUT", `/${id}`, { stop: true });
    assert.equal(late.status, 409);
  }, { latencyMilliseconds: 60 });
});

Deno.test("who is evaluated by hand gets the push from the next minute's run, once", async () => {
  await inBothWorlds(async (api, world) => {
    const tokens = await world.addMentors(3, { organisation: NORTH });
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    const user_ids = (await api.call("admin", "GET", "/active-peer-mentors")).body.data
      .map(({ user_id }) => user_id);
    const evaluated = await api.call("admin", "POST", "/evaluation-batch", {
      user_ids,
      dry_run: false,
    });
    assert.equal(evaluated.body.candidates.length, 3);
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    const started = await api.call("admin", "POST", "", {});
    assert.equal(started.status, 202);
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    const statuses = (await api.call("admin", "GET", "/active-peer-mentors")).body.data
      .map(({ last_notification_status }) => last_notification_status);
    assert.deepEqual(statuses, ["sent", "sent", "sent"]);
  });
});

Deno.test("of runs that many ask for at once one is made, and nobody is pushed twice", async () => {
  await inBothWorlds(async (api, world) => {
    const tokens = await world.addMentors(20, { organisation: NORTH });
    await world.schedule((await world.start({ PAGE_SIZE: "5" })).url);
    await world.startNetWorker();
    const answers = await Promise.all(
      Array.from(
        { length: 12 },
        (_, i) => api.call(i % 2 ? "admin" : "coordinator", "POST", "", {}),
      ),
    );
    assert.deepEqual(answers.map(({ status }) => status).filter((s) => s !== 202 && s !== 409), []);
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    const runs = await world.ledger();
    assert.ok(runs.some(({ status }) => status === "completed"));
    assert.deepEqual(runs.filter(({ status }) => !["completed", "skipped"].includes(status)), []);
  }, { latencyMilliseconds: 20 });
});
