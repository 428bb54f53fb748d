// A few of each fault, as make faults does up to hundreds; of sleepers, sleepers.test.ts waits for one.
// SEED=… repeats a run's choices.

import assert from "node:assert/strict";
import { givenSeed, report as say } from "../../../scripts/testing.ts";
import { FAULTS } from "./all.ts";
import { isGood, type Report, runFaults } from "./run.ts";

const seed = givenSeed();
/** Many of these few wait most of the time. */
const AT_A_TIME = 3;

function sayOf({ fault, times, verdict, said, seconds, writes, evidence }: Report): void {
  const { candidates, inDoubt, ambiguous } = verdict;
  say(
    `${fault}, ${times} times in ${Math.round(seconds)} s: ${candidates} candidates, ` +
      `${writes} writes, ${inDoubt} pushes in doubt, ${ambiguous} accepted more than once` +
      [said, evidence].map((more) => more && `; ${more}`).join(""),
  );
}

Deno.test("whatever goes wrong, nothing is lost, and nothing is doubled that is not in doubt", async (t) => {
  say(`SEED=${seed}`);
  const wanted = FAULTS.filter(({ timesInShort }) => timesInShort > 0)
    .map((fault) => ({ fault, times: fault.timesInShort }));
  for (const report of await runFaults(wanted, seed, AT_A_TIME, sayOf)) {
    const { fault, times, verdict, findings } = report;
    await t.step(`${fault}, ${times} times`, () => {
      const { lost, doubled } = verdict;
      assert.deepEqual({ lost, doubled, findings }, { lost: [], doubled: [], findings: [] });
      assert.ok(isGood(report));
    });
  }
});
