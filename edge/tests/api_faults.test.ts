// The API while its database is down, breaks off or takes too long: it says that it
// is unavailable, and goes on by itself.

import assert from "node:assert/strict";
import { pause } from "../../scripts/testing.ts";
import { type Answer, type ApiWorld, assertProblem, inApiWorld } from "./api_world.ts";
import { Proxy } from "./proxy.ts";

async function behindProxy(test: (world: ApiWorld, proxy: Proxy) => Promise<void>): Promise<void> {
  const proxy = new Proxy();
  try {
    await inApiWorld((world) => test(world, proxy), { way: (url) => proxy.url(url) });
  } finally {
    await proxy.end();
  }
}

/** It is unavailable, and nothing of why stands in the answer. */
function assertIsUnavailable(answer: Answer, what: string): void {
  assertProblem(answer, 503, "unavailable", [], what);
  assert.doesNotMatch(answer.text, /127\.0\.0\.1|postgres|select|ECONN|scheduler_api|password/i);
}

/** Its log says what was the matter, in the words of the one list. */
function assertLogged(world: ApiWorld, errorType: string): void {
  const entries = world.api.log.map((line) => JSON.parse(line));
  assert.equal(entries.at(-1)?.error_type, errorType);
  assert.doesNotMatch(world.api.log.join("\n"), /127\.0\.0\.1|postgresql:|password/);
  assert.deepEqual(world.api.complaints, []);
}

async function goDownAndComeUp(how: "refusing" | "closing" | "silent"): Promise<void> {
  await behindProxy(async (world, proxy) => {
    const before = await world.call("admin", "GET");
    assert.equal(before.status, 200);
    proxy.goDown(how);
    const answers = await Promise.all(
      ([["GET", ""], ["GET", "/active-peer-mentors"], ["POST", ""]] as const)
        .map(([method, path]) => world.call("admin", method, path)),
    );
    for (const answer of answers) assertIsUnavailable(answer, how);
    assertLogged(world, "database_error");
    // Who needs no database is answered.
    assert.equal((await world.call(null, "GET")).status, 401);
    assert.equal((await world.call(null, "GET", "/api/v1/openapi.json")).status, 200);

    proxy.comeUp();
    await pause(1100); // it looks for it within a second
    const after = await world.call("admin", "GET");
    assert.deepEqual([after.status, after.body], [200, before.body], "nothing was done");
  });
}

Deno.test("a database that is down makes it unavailable, and one that is back is found without a restart", async () => {
  // All at once, since giving up takes its time.
  await Promise.all((["refusing", "closing", "silent"] as const).map(goDownAndComeUp));
});

Deno.test("a request whose answer is lost can be sent again with its key: one run, whatever had happened", async (t) => {
  await behindProxy(async (world, proxy) => {
    let runs = 0;
    for (
      const [at, when, isDone] of [
        ["request_invocation", "before", false],
        ["request_invocation", "after", false],
        ["commit", "before", false],
        ["commit", "after", true],
      ] as const
    ) {
      await t.step(`${when} ${at} is carried out`, async () => {
        const key = { "idempotency-key": crypto.randomUUID() };
        proxy.breakAt({ at, when });
        assertIsUnavailable(await world.call("admin", "POST", "", {}, key), at);
        assert.equal(proxy.isToBreak, false);
        const again = await world.call("admin", "POST", "", {}, key);
        assert.equal(again.status, 202, again.text);
        assert.equal(again.headers.get("idempotency-replayed"), isDone ? "true" : null);
        const rows = await world.sql`select from scheduler.invocations`;
        assert.equal(rows.length, ++runs);
        await world.sql`update scheduler.invocations set status = 'completed'`;
      });
    }
  });
});

Deno.test("connections that the server ended meanwhile are no fault of the next request", async () => {
  await inApiWorld(async (world) => {
    const admin = world.database.session("supabase_admin");
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => world.call("admin", "GET")),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      const ended = await admin`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'scenario-scheduler-api'
      `;
      assert.ok(ended.length > 0);
      await pause(50);
    }
    assert.deepEqual(world.api.complaints, []);
  });
});

Deno.test("a database that takes too long is given up after 8 seconds, and others are answered meanwhile", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    await world.sql.begin(async (blocking) => {
      await blocking`lock table scheduler.invocations in access exclusive mode`;
      const started = performance.now();
      // As many as there are connections.
      const waiting = Array.from({ length: 4 }, () => world.call("admin", "GET", `/${id}`));
      await pause(200);
      assert.equal((await world.call(null, "GET", `/${id}`)).status, 401);
      for (const answer of await Promise.all(waiting)) assertIsUnavailable(answer, "blocked");
      const seconds = (performance.now() - started) / 1000;
      assert.ok(seconds > 7 && seconds < 15, `${seconds} s`);
    });
    assertLogged(world, "timeout_error");
    assert.equal((await world.call("admin", "GET", `/${id}`)).status, 200);
  });
});

Deno.test("a login that may not, and a database without the migrations, are faults of ours that say nothing of it", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    const admin = world.database.session("supabase_admin");
    await admin`revoke execute on function public.get_invocation(uuid) from authenticated`;
    const answer = await world.call("admin", "GET", `/${id}`);
    assertProblem(answer, 500, "internal-error");
    assert.doesNotMatch(answer.text, /get_invocation|permission|42501/);
    const entry = JSON.parse(world.api.log.at(-1) ?? "{}");
    assert.match(entry.error_message, /^the database answered 42501: /);
    assert.equal(answer.body.instance, `urn:uuid:${entry.request_id}`);
    await admin`drop function public.get_invocation(uuid)`;
    assertProblem(await world.call("admin", "GET", `/${id}`), 500, "internal-error");
    assert.equal((await world.call("admin", "GET")).status, 200);
  });
});
