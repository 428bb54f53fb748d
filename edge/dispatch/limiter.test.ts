import assert from "node:assert/strict";
import fc from "fast-check";
import { forEachBounded } from "./limiter.ts";

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

Deno.test("never more at a time than the limit, as many as there can be, and each item once", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.nat({ max: 20 }), { maxLength: 100 }),
    fc.integer({ min: 1, max: 30 }),
    async (durations, limit) => {
      let running = 0;
      let most = 0;
      const done: number[] = [];
      await forEachBounded([...durations.keys()], limit, async (item) => {
        most = Math.max(most, ++running);
        await turns(durations[item] ?? 0);
        running--;
        done.push(item);
      });
      assert.equal(most, Math.min(limit, durations.length));
      assert.deepEqual(done.sort((a, b) => a - b), [...durations.keys()]);
    },
  ));
});

Deno.test("a slow item holds one place, and the others go on", async () => {
  const slow = Promise.withResolvers<void>();
  const done: string[] = [];
  const all = forEachBounded(["slow", "a", "b", "c"], 2, async (item) => {
    if (item === "slow") await slow.promise;
    done.push(item);
  });
  await turns(20);
  assert.deepEqual(done, ["a", "b", "c"]);
  slow.resolve();
  await all;
  assert.deepEqual(done, ["a", "b", "c", "slow"]);
});

Deno.test("nothing to do is done at once", async () => {
  await forEachBounded([], 50, () => assert.fail("there is nothing"));
});
