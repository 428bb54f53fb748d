import assert from "node:assert/strict";
import fc from "fast-check";
import { Limiter } from "./limiter.ts";

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await Promise.resolve();
};

Deno.test("never more at a time than the limit, as many as there can be, and each piece once", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ duration: fc.nat({ max: 20 }), fails: fc.boolean() }), { maxLength: 100 }),
    fc.integer({ min: 1, max: 30 }),
    async (pieces, limit) => {
      const limiter = new Limiter(limit);
      let running = 0;
      let most = 0;
      const started: number[] = [];
      const outcomes = await Promise.allSettled(
        pieces.map(({ duration, fails }, i) =>
          limiter.run(async () => {
            most = Math.max(most, ++running);
            started.push(i);
            await turns(duration);
            running--;
            if (fails) throw new Error("failed");
            return i;
          })
        ),
      );
      assert.equal(most, Math.min(limit, pieces.length));
      assert.deepEqual(started, [...pieces.keys()]);
      outcomes.forEach((outcome, i) => {
        if (pieces[i]?.fails) assert.equal(outcome.status, "rejected");
        else assert.deepEqual(outcome, { status: "fulfilled", value: i });
      });
    },
  ));
});

Deno.test("the bound holds for pieces that come in at any time", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 })), { maxLength: 60 }),
    fc.integer({ min: 1, max: 5 }),
    async (pieces, limit) => {
      const limiter = new Limiter(limit);
      let running = 0;
      let done = 0;
      const all: Promise<void>[] = [];
      for (const [pause, duration] of pieces) {
        await turns(pause);
        all.push(limiter.run(async () => {
          assert.ok(++running <= limit);
          await turns(duration);
          running--;
          done++;
        }));
      }
      await Promise.all(all);
      assert.equal(done, pieces.length);
    },
  ));
});

Deno.test("a slow piece holds one place, and the others go on", async () => {
  const limiter = new Limiter(2);
  const slow = Promise.withResolvers<void>();
  const done: string[] = [];
  const all = ["slow", "a", "b", "c"].map((name) =>
    limiter.run(async () => {
      if (name === "slow") await slow.promise;
      done.push(name);
    })
  );
  await Promise.all(all.slice(1));
  assert.deepEqual(done, ["a", "b", "c"]);
  slow.resolve();
  await Promise.all(all);
  assert.deepEqual(done, ["a", "b", "c", "slow"]);
});
