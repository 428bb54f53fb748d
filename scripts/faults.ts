// make faults [SEED=…] [ONLY=…] [SHARE=…]: every fault as often as it is
// promised, to the whole stack under load, and what came of it as a table.
// ONLY='one|another' takes the faults whose names have that, SHARE a part of the times. With
// the same seed the same is chosen; what meets what is not the same every time.

import { FAULTS } from "../edge/tests/faults/all.ts";
import { isGood, type Report, runFaults } from "../edge/tests/faults/run.ts";
import { DRAIN_SECONDS } from "../edge/tests/faults/stack.ts";
import { chosen, orRefuse } from "./given.ts";
import { givenSeed } from "./random.ts";
import { onInterrupt, table } from "./terminal.ts";
import { server } from "./testing.ts";

/** Two of them keep two cores busy; one alone often waits. */
const LANES = 2;
const MOST_SHOWN = 10;

function row({ fault, times, verdict, findings, writes, seconds, drainSeconds }: Report) {
  const unsent = Object.entries(verdict.unsent).map(([status, count]) => `${count} ${status}`);
  return {
    fault,
    times,
    writes,
    candidates: verdict.candidates,
    pushes: verdict.pushes,
    "accepted once": verdict.acceptedOnce,
    "in doubt": verdict.inDoubt,
    ambiguous: verdict.ambiguous,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length,
    "broken rules": findings.length,
    "drained in s": drainSeconds.toFixed(1),
    seconds: Math.round(seconds),
    "not sent": unsent.sort().join(", ") || "0",
  };
}

function givenShare(): number {
  const given = Deno.env.get("SHARE");
  if (!given || (Number(given) > 0 && Number.isFinite(Number(given)))) return Number(given || 1);
  throw new Error(
    `SHARE is ${given}, and must be a number above 0: give 0.1 for a tenth, or none.`,
  );
}

const seed = orRefuse(givenSeed);
const share = orRefuse(givenShare);
const wanted = orRefuse(() => chosen(FAULTS)).map((fault) => ({
  fault,
  times: Math.max(1, Math.round(fault.times * share)),
}));
onInterrupt(() => server.stop());

console.log(`SEED=${seed} ${server.name}`);
console.log("The seed repeats what is chosen, and not how it meets what else goes on.\n");
const shareAgain = share === 1 ? "" : ` SHARE=${share}`;
const reports = await runFaults(wanted, seed, LANES, (report) => {
  const said = report.said && `; ${report.said}`;
  console.log(`  ${isGood(report) ? "✓" : "✗"} ${report.fault}: ${report.times} times${said}`);
  const found = [...report.verdict.lost, ...report.verdict.doubled, ...report.findings];
  for (const finding of found.slice(0, MOST_SHOWN)) console.log(`      ${finding}`);
  if (found.length > MOST_SHOWN) console.log(`      and ${found.length - MOST_SHOWN} more`);
  if (isGood(report)) return;
  console.log(`      make faults SEED=${seed}${shareAgain} ONLY="${report.fault}"`);
  if (report.evidence) console.log(`      the accept log and the tables: ${report.evidence}`);
});
console.log(`\n${table(reports.map(row), "")}`);
console.log(
  "\nA push is a candidate on its way to one device. In doubt: a lease ran out while it was under\n" +
    "way, or nobody knows what became of an attempt. Ambiguous: of those, the ones accepted more\n" +
    "than once, each under one collapse key. Writes: what the load did to the tables meanwhile.\n" +
    "Drained in s: the work alone, of which there may be so much as fits in " +
    `${DRAIN_SECONDS} s. Waiting was\n` +
    "skipped: for retries, for leases of runs that are over, for the silence of dead runs.",
);
const bad = reports.filter((report) => !isGood(report)).length;
console.log(`\n${reports.length - bad} of ${reports.length} faults did no harm. SEED=${seed}`);
await server.stop();
Deno.exit(bad > 0 ? 1 : 0);
