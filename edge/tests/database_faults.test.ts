// A database that is down, goes away in the middle of a run, or is slow. What
// was decided is never lost, and what was sent is recorded if it can be.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import type { FakeFcmOptions } from "../../scripts/fake_fcm.ts";
import { givenSeed, pause, randomFrom, report } from "../../scripts/testing.ts";
import { Proxy } from "./proxy.ts";
import {
  acceptsByToken,
  type Answered,
  inWorld,
  logOf,
  notOnce,
  until,
  type World,
} from "./world.ts";

async function behindProxy(
  test: (world: World, proxy: Proxy) => Promise<void>,
  options: FakeFcmOptions = {},
): Promise<void> {
  const proxy = new Proxy();
  try {
    await inWorld((world) => test(world, proxy), options);
  } finally {
    await proxy.end();
  }
}

const startBehind = (world: World, proxy: Proxy, settings: Record<string, string> = {}) =>
  world.start({ SCHEDULER_DB_URL: proxy.url(world.urlAs("dispatcher")), ...settings });

/** Ends the dispatcher's backends, and says how many there were. */
async function terminate(world: World): Promise<number> {
  const ended = await world.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'dispatcher'
  `;
  return ended.length;
}

/** A failure says that it is one, under which id, and nothing of what is inside. */
function assertSaysLittle({ status, answer }: Answered, type: string): void {
  assert.equal(status, 500);
  assert.deepEqual(Object.keys(answer).sort(), ["error", "invocation_id"]);
  assert.equal(Object(answer["error"]).type, type);
  assert.doesNotMatch(JSON.stringify(answer), /127\.0\.0\.1|postgres|select|ECONN|password/i);
}

/** The run failed, and its log says so in order. */
async function assertLogged(on: EdgeFunction, { answer }: Answered, type: string): Promise<void> {
  const log = await logOf(on, answer["invocation_id"]);
  assert.deepEqual(log.map((entry) => entry.event), [
    "scheduler_run_started",
    "scheduler_run_failed",
    "scheduler_run_completed",
  ]);
  assert.equal(log[1]?.["error_type"], type);
  assert.equal(log[2]?.["completed"], false);
  assert.doesNotMatch(on.log.join("\n"), /127\.0\.0\.1|postgresql:|password/);
}

Deno.test("a database that is down at the start fails the run, and the next one finds all", async (t) => {
  for (const how of ["refusing", "closing", "silent"] as const) {
    await t.step(`${how} connections`, async () => {
      await behindProxy(async (world, proxy) => {
        const tokens = await world.addMentors(10);
        const scheduler = await startBehind(world, proxy);
        proxy.goDown(how);
        const failed = await world.run(scheduler);
        assertSaysLittle(failed, "database_error");
        await assertLogged(scheduler, failed, "database_error");
        assert.equal(world.fake.requests, 0);

        proxy.comeUp();
        const { answer } = await world.run(scheduler);
        assert.equal(answer["total_dispatched"], 10);
        assert.deepEqual(notOnce(tokens, world.fake), []);
      });
    });
  }
});

Deno.test("wherever a connection breaks, nothing is lost and nothing is sent twice", async (t) => {
  await behindProxy(async (world, proxy) => {
    const scheduler = await startBehind(world, proxy);
    const tokens: string[] = [];
    for (
      const at of [
        "start_invocation",
        "run_scenario_evaluation",
        "claim_notifications",
        "record_push_results",
        "finish_invocation",
      ]
    ) {
      for (const when of ["before", "after"] as const) {
        await t.step(`${when} ${at} is carried out`, async () => {
          tokens.push(...await world.addMentors(6));
          proxy.breakAt({ at, when });
          const { status, answer } = await world.run(scheduler);
          assert.equal(proxy.isToBreak, false);
          assert.ok(status === 200 || status === 500);
          if (at === "record_push_results") {
            assert.equal(status, 200, "it is recorded over a new connection");
            assert.equal((await world.outbox())["sending"], undefined);
          }
          if (status === 500) assertSaysLittle({ status, answer }, "database_error");

          await world.leasesRunOut();
          assert.equal((await world.run(scheduler)).status, 200);
          assert.deepEqual(notOnce(tokens, world.fake), []);
          assert.deepEqual(await world.outbox(), { sent: tokens.length });
          assert.deepEqual(await world.attempts(), { sent: tokens.length });
        });
      }
    }
  });
});

Deno.test("backends that are terminated while it sends cost no push", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const scheduler = await world.start({ SCHEDULER_DB_URL: world.urlAs("dispatcher") });
    const tokens: string[] = [];
    for (let round = 0; round < 5; round++) {
      tokens.push(...await world.addMentors(10));
      let toGo = 5;
      let terminated = 0;
      onAccept = async () => {
        if (--toGo === 0) terminated = await terminate(world);
      };
      const { status, answer } = await world.run(scheduler);
      assert.ok(terminated >= 1);
      assert.equal(status, 200);
      assert.equal(answer["total_dispatched"], 10);
    }
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.attempts(), { sent: 50 });
  }, { latencyMilliseconds: 10, onAccept: () => onAccept?.() });
});

Deno.test("a backend that is terminated while it records is replaced, and the page recorded once", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    const scheduler = await world.start({ SCHEDULER_DB_URL: world.urlAs("dispatcher") });
    const locked = Promise.withResolvers<void>();
    const enough = Promise.withResolvers<void>();
    let holding: Promise<unknown> | undefined;
    onAccept = () => {
      holding ??= world.database.session().begin(async (holder) => {
        await holder`lock table scheduler.push_attempts in exclusive mode`;
        locked.resolve();
        await enough.promise;
      });
      return locked.promise;
    };
    const run = world.run(scheduler);
    await locked.promise;
    for (let round = 0; round < 2; round++) {
      await until("it records", async () => {
        const [row] = await world.sql`
          select from pg_stat_activity where application_name = 'dispatcher'
            and wait_event_type = 'Lock' and query like '%record_push_results%'
        `;
        return row !== undefined;
      });
      await terminate(world);
    }
    enough.resolve();
    await holding;
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 10);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.attempts(), { sent: 10 });
  }, { onAccept: () => onAccept?.() });
});

Deno.test("a database that is gone for a second while it sends is waited for", async () => {
  await behindProxy(async (world, proxy) => {
    const tokens = await world.addMentors(20);
    const scheduler = await startBehind(world, proxy);
    const run = world.run(scheduler);
    await until("it sends", () => world.fake.inFlight > 1);
    proxy.goDown("refusing");
    await pause(1000);
    proxy.comeUp();
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 20);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.attempts(), { sent: 20 });
  }, { latencyMilliseconds: 300 });
});

Deno.test("a database that stays away leaves the page in doubt, which is sent again under its key", async () => {
  await behindProxy(async (world, proxy) => {
    const tokens = await world.addMentors(10);
    const scheduler = await startBehind(world, proxy);
    const run = world.run(scheduler);
    await until("it sends", () => world.fake.inFlight > 1);
    proxy.goDown("refusing");
    const failed = await run;
    assertSaysLittle(failed, "database_error");
    await assertLogged(scheduler, failed, "database_error");
    assert.deepEqual(await world.outbox(), { sending: 10 });

    proxy.comeUp();
    const early = await world.run(scheduler);
    assert.equal(early.answer["total_dispatched"], 0, "not before the lease is over");
    await world.leasesRunOut();
    const { answer } = await world.run(scheduler);
    assert.equal(answer["total_dispatched"], 10);
    const counts = acceptsByToken(world.fake);
    assert.ok(tokens.every((token) => counts.get(token) === 2));
    assert.equal(new Set(world.fake.accepted.map((message) => message.collapseKey)).size, 10);
    assert.deepEqual(await world.outbox(), { sent: 10 });
  }, { latencyMilliseconds: 300 });
});

Deno.test("connections that are cut at any moment lose nothing, and double only what is in doubt", async () => {
  const seed = givenSeed();
  const random = randomFrom(seed);
  await behindProxy(async (world, proxy) => {
    const tokens = await world.addMentors(600);
    const idOf = new Map<string, number>();
    const scheduler = await startBehind(world, proxy, { PAGE_SIZE: "10", PUSH_CONCURRENCY: "10" });
    const inDoubt = new Set<number>();
    let isCutting = true;
    let cuts = 0;
    const cutter = (async () => {
      while (isCutting && cuts < 40) {
        await pause(10 + random() * 120);
        cuts += proxy.cut();
      }
    })();
    let failures = 0;
    let runs = 0;
    try {
      for (let isDone = false; !isDone; runs++) {
        assert.ok(runs < 60, "it comes to no end");
        const { status } = await world.run(scheduler);
        if (status !== 200) failures++;
        await terminate(world);
        await until("its backends are gone", async () => await world.backends("dispatcher") === 0);
        for (const id of await world.leasesRunOut()) inDoubt.add(id);
        const { pending = 0, sending = 0, sent = 0 } = await world.outbox();
        isDone = pending + sending === 0 && sent === tokens.length;
      }
    } finally {
      isCutting = false;
      await cutter;
    }
    const rows = await world.sql<{ id: number; token: string }[]>`
      select n.id::integer as id, d.token
      from scheduler.notifications as n join public.device_tokens as d on d.user_id = n.user_id
    `;
    for (const { id, token } of rows) idOf.set(token, id);
    const counts = acceptsByToken(world.fake);
    assert.deepEqual(tokens.filter((token) => !counts.has(token)), []);
    const twice = [...counts].filter(([, count]) => count > 1).map(([token]) => token);
    assert.deepEqual(twice.filter((token) => !inDoubt.has(idOf.get(token) ?? 0)), []);
    // As many keys as notifications, and each token always under the same.
    const keys = new Set(world.fake.accepted.map((message) => message.collapseKey));
    const pairs = world.fake.accepted.map(({ token, collapseKey }) => `${token} ${collapseKey}`);
    assert.deepEqual([keys.size, new Set(pairs).size], [tokens.length, tokens.length]);
    report(
      `SEED=${seed}: ${cuts} connections cut in ${runs} runs, ${failures} of which failed: ` +
        `${inDoubt.size} of ${tokens.length} in doubt, ${twice.length} accepted twice`,
    );
  }, { latencyMilliseconds: 10 });
});

Deno.test("a claim waits for nobody: rows that somebody holds are left to the next run", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    await world.sql`select from public.run_scenario_evaluation()`;
    const scheduler = await world.start();
    await world.database.session().begin(async (holder) => {
      await holder`
        update scheduler.notifications set status_reason = 'looked at'
        where id in (select id from scheduler.notifications order by id limit 3)
      `;
      const { answer } = await world.run(scheduler);
      assert.equal(answer["total_dispatched"], 7);
      assert.ok(Number(answer["duration_ms"]) < 2000);
    });
    await world.run(scheduler);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a lock that lasts a second delays evaluation, claim and record, and no more", async () => {
  await inWorld(async (world) => {
    const tokens: string[] = [];
    const scheduler = await world.start();
    for (const table of ["scenario_cooldowns", "notifications", "push_attempts"]) {
      tokens.push(...await world.addMentors(5));
      let run: Promise<Answered> | undefined;
      await world.database.session().begin(async (holder) => {
        await holder.unsafe(`lock table scheduler.${table} in exclusive mode`);
        run = world.run(scheduler);
        await pause(1000);
      });
      const answered = await run;
      assert.equal(answered?.status, 200);
      assert.equal(answered.answer["total_dispatched"], 5);
      assert.ok(Number(answered.answer["duration_ms"]) > 500, `${table} was not waited for`);
    }
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a statement that takes too long fails the run, and the next one finds all", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    const scheduler = await world.start({
      SCHEDULER_DB_URL: `${world.urlAs("dispatcher")}&statement_timeout=1500`,
    });
    // Another evaluation has its turn, and does not come to an end.
    await world.database.session().begin(async (other) => {
      await other`select from public.run_scenario_evaluation(organisation_ids => '{}')`;
      const failed = await world.run(scheduler);
      assertSaysLittle(failed, "timeout_error");
      await assertLogged(scheduler, failed, "timeout_error");
    });
    assert.deepEqual(await world.outbox(), {});
    const { answer } = await world.run(scheduler);
    assert.equal(answer["total_dispatched"], 10);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});
