import assert from "node:assert/strict";
import type { Outbox } from "../outbox.ts";
import { keepLog, ORDER } from "../testing.ts";
import { conduct } from "./run.ts";

/** Runs a job whose timers go a hundred times as fast, with an outbox that only notes. */
async function conducted(
  work: (heartbeats: string[]) => Promise<void>,
  beat: () => Promise<void> = () => Promise.resolve(),
): Promise<{ heartbeats: string[]; periods: number[]; status: string | undefined }> {
  const heartbeats: string[] = [];
  const periods: number[] = [];
  let status: string | undefined;
  const outbox = {
    heartbeat: async (id: string) => {
      heartbeats.push(id);
      await beat();
    },
    finish: (_: string, ending: { status: string }) => {
      status = ending.status;
      return Promise.resolve({ status: ending.status });
    },
  } as unknown as Outbox;
  const every = globalThis.setInterval;
  globalThis.setInterval = ((handler: () => void, period: number) => {
    periods.push(period);
    return every(handler, period / 100);
  }) as typeof setInterval;
  try {
    const log = keepLog().logger.run(ORDER.invocation_id);
    await conduct({
      hasDryRun: true,
      work: async () => {
        await work(heartbeats);
        return { status: "completed" };
      },
    }, { order: ORDER, outbox, log, clock: () => performance.now(), startedAt: performance.now() });
  } finally {
    globalThis.setInterval = every;
  }
  return { heartbeats, periods, status };
}

/** Waits until there are so many, for two seconds at most. */
async function until(heartbeats: string[], count: number): Promise<void> {
  for (let i = 0; i < 200 && heartbeats.length < count; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("a run gives a sign of life every five seconds while its job works, and none after", async () => {
  const { heartbeats, periods, status } = await conducted((beats) => until(beats, 3));
  assert.ok(heartbeats.length >= 3, `${heartbeats.length} signs of life`);
  assert.deepEqual([...new Set(heartbeats)], [ORDER.invocation_id]);
  assert.deepEqual(periods, [5000], "six of them fit in what the database waits for one");
  assert.equal(status, "completed");
  const before = heartbeats.length;
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(heartbeats.length, before);
});

Deno.test("a sign of life that fails ends no run, and the next one follows", async () => {
  const { heartbeats, status } = await conducted(
    (beats) => until(beats, 2),
    () => Promise.reject(new Error("the database is gone for a moment")),
  );
  assert.ok(heartbeats.length >= 2, `${heartbeats.length} signs of life`);
  assert.equal(status, "completed");
});
