// Senders that stand still for longer than their lease, and go on. Those that are
// killed are in faults.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import type { FakeFcm } from "../../scripts/fake_fcm.ts";
import { pause } from "../../scripts/testing.ts";
import { acceptsByToken, inWorld, notOnce, type World } from "./world.ts";

/** Stops the process when two of its messages were accepted, before it learns of either. */
function stopAfterTwo(sender: EdgeFunction): { accepted(): Promise<void>; stopped: Promise<void> } {
  let count = 0;
  const stopped = Promise.withResolvers<void>();
  return {
    stopped: stopped.promise,
    accepted: () => {
      if (++count === 2) {
        sender.kill("SIGSTOP");
        stopped.resolve();
      }
      return stopped.promise;
    },
  };
}

/** Every device has it, and every word about it is of one run. */
async function keepsOutcomeOf(world: World, invocation: unknown, devices: number): Promise<void> {
  assert.deepEqual(Object.keys(await world.outbox()), ["sent"]);
  assert.deepEqual(await world.attempts(), { sent: devices });
  const [others] = await world.sql`
    select count(*)::integer as count
    from scheduler.push_attempts as attempt
    join scheduler.notifications as n on n.id = attempt.notification_id
    where ${String(invocation)} not in (attempt.invocation_id, n.claimed_by)
  `;
  assert.equal(others?.["count"], 0);
}

Deno.test("a sender that slept past its lease sends nothing more", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(1, { devices: 4 });
    // The shortest lease there is: 40 seconds.
    const sleeper = await world.start({ PAGE_SIZE: "1", PUSH_CONCURRENCY: "2" });
    const { accepted, stopped } = stopAfterTwo(sleeper);
    onAccept = accepted;
    const run = world.run(sleeper);
    run.catch(() => {}); // said where it is awaited
    await stopped;
    onAccept = undefined;

    const [lease] = await world.sql`
      select date_part('epoch', max(lease_expires_at) - now()) as seconds from scheduler.notifications
    `;
    await pause(Math.max(0, Number(lease?.["seconds"]) * 1000 + 100));
    const second = await world.run(await world.start());
    assert.equal(second.answer["total_dispatched"], 1);
    assert.equal(world.fake.acceptedCount, 6);

    sleeper.kill("SIGCONT");
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 0);
    assert.equal(world.fake.acceptedCount, 6, "after its lease it sends no more");
    assert.deepEqual([...acceptsByToken(world.fake).values()].sort(), [1, 1, 2, 2]);
    assert.equal(acceptsByToken(world.fake).size, tokens.length);
    await keepsOutcomeOf(world, second.answer["invocation_id"], 4);
  }, { onAccept: () => onAccept?.() });
});

Deno.test("a sender whose page was taken over meanwhile records nothing of it", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(6);
    const first = await world.start({ PAGE_SIZE: "6", PUSH_CONCURRENCY: "2" });
    const { accepted, stopped } = stopAfterTwo(first);
    onAccept = accepted;
    const run = world.run(first);
    run.catch(() => {}); // said where it is awaited
    await stopped;
    onAccept = undefined;

    assert.equal((await world.leasesRunOut()).length, 6);
    const other = await world.anotherFake();
    const second = await world.run(await world.start({}, other));
    assert.equal(second.answer["total_dispatched"], 6);
    assert.deepEqual(notOnce(tokens, other), []);

    first.kill("SIGCONT");
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 0, "nothing that it says is recorded");
    assert.equal(answer["total_errors"], 6);
    await keepsOutcomeOf(world, second.answer["invocation_id"], 6);
    const keys = (accepted: FakeFcm) =>
      new Map(accepted.accepted.map(({ token, collapseKey }) => [token, collapseKey]));
    const late = keys(world.fake);
    assert.deepEqual([...late], [...late.keys()].map((token) => [token, keys(other).get(token)]));
  }, { onAccept: () => onAccept?.() });
});
