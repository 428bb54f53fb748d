import assert from "node:assert/strict";
import { runEvaluationBatch } from "./batch.ts";
import { Tally } from "./jobs/run.ts";
import type { Claimed, Outbox } from "./outbox.ts";
import { claimed, keepLog, memoryProvider, ORDER } from "./testing.ts";

/** How many pushes leave where the answer to the claim comes so much later. */
async function sentAfter(milliseconds: number): Promise<{ sent: number; outcomes: string[] }> {
  let now = 0;
  const pages: Claimed[][] = [[claimed(1), claimed(2)], []];
  const outcomes: string[] = [];
  const outbox = {
    claim: () => {
      const page = pages.shift() ?? [];
      if (page.length > 0) now += milliseconds;
      return Promise.resolve(page);
    },
    record: (results: { notification_id: number; outcome: string }[]) => {
      outcomes.push(...results.map(({ outcome }) => outcome));
      return Promise.resolve(
        results.map(({ notification_id }) => ({ notification_id, status: "sent", recorded: true })),
      );
    },
  } as unknown as Outbox;
  const provider = memoryProvider();
  await runEvaluationBatch({
    order: ORDER,
    tally: new Tally(keepLog().logger.run(ORDER.invocation_id)),
    clock: () => now,
    startedAt: 0,
  }, {
    evaluates: false,
    outbox,
    options: {
      providers: new Map([[provider.name, provider]]),
      defaultProvider: provider.name,
      pageSize: 500,
      concurrency: 50,
      timeoutThresholdMs: 100_000_000,
    },
  });
  return { sent: provider.messages.length, outcomes };
}

Deno.test("a lease counts from when it was asked for: a claim that is answered after it sends nothing", async () => {
  assert.deepEqual(await sentAfter(1000), { sent: 2, outcomes: ["sent", "sent"] });
  // An hour is the longest lease that there is.
  assert.deepEqual(await sentAfter(3_600_001), { sent: 0, outcomes: ["held", "held"] });
});
