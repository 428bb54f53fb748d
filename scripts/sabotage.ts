// make sabotage [ONLY='part of a name|of another']: takes one safeguard after the other away,
// in copies of the checkout, and shows which tests notice: which fail, that is, for one that
// merely breaks says nothing. Ends with 1 if one is not noticed.

import { existsSync } from "node:fs";
import { ROOT } from "./database.ts";
import { chosen, orRefuse } from "./given.ts";
import { Moved, type Sabotage, sabotaged } from "./sabotage/change.ts";
import { SABOTAGES } from "./sabotage/safeguards.ts";
import { type Outcome, readTexts, Scratch } from "./sabotage/scratch.ts";
import { onInterrupt, step, table } from "./terminal.ts";

/** One for each of two cores. */
const COPIES = 2;

const wanted = orRefuse(() => chosen(SABOTAGES));

/** Takes from a list until it is empty, in all copies at once. */
async function share<T>(
  copies: readonly Scratch[],
  list: readonly T[],
  work: (copy: Scratch, item: T) => Promise<void>,
): Promise<void> {
  const left = [...list];
  await Promise.all(copies.map(async (copy) => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(copy, item);
  }));
}

/** What is run at once while nothing is missing: all of pgTAP, all that needs no filter, else a file. */
function runs(sabotages: readonly Sabotage[]): { files: string[]; filters: string[] }[] {
  const filters = new Map<string, Set<string> | undefined>();
  for (const { file, filter } of sabotages.flatMap(({ tests }) => tests)) {
    const known = filters.has(file) ? filters.get(file) : new Set<string>();
    const isWhole = filter === undefined || file.endsWith(".sql");
    filters.set(file, isWhole ? undefined : known?.add(filter));
  }
  const groups = Map.groupBy(
    filters,
    ([file, wanted]) => file.endsWith(".sql") ? "pgTAP" : wanted === undefined ? "Deno" : file,
  );
  return [...groups.values()].map((group) => ({
    files: group.map(([file]) => file),
    filters: group.flatMap(([, wanted]) => [...wanted ?? []]),
  }));
}

/** The tests that fail while nothing is missing: they can't notice anything. */
async function failingAnyway(
  copies: readonly Scratch[],
  sabotages: readonly Sabotage[],
): Promise<string[]> {
  const failing: string[] = [];
  for (const copy of copies) await copy.tryOut([], []);
  await share(copies, runs(sabotages), async (copy, { files, filters }) => {
    const { failed, broken } = await copy.run(files, filters);
    failing.push(...failed, ...broken);
  });
  return failing;
}

interface Line extends Record<string, unknown> {
  safeguard: string;
  removed: string;
  "noticed by": string;
  seconds: string;
}

const lines = new Map<Sabotage, Line>();
const noticed = new Set<Sabotage>();

function tell(sabotage: Sabotage, isNoticed: boolean, said: string, seconds = ""): void {
  if (isNoticed) noticed.add(sabotage);
  const { name, removed } = sabotage;
  console.log(`  ${isNoticed ? "✓" : "✗"} ${name}${seconds && ` (${seconds} s)`}: ${said}`);
  lines.set(sabotage, { safeguard: name, removed, "noticed by": said, seconds });
}

const tellUntriable = (sabotage: Sabotage, error: unknown) =>
  tell(sabotage, false, `can't be tried: ${error instanceof Error ? error.message : error}`);

function saidOf({ failed, broken }: Outcome): string {
  const [first, ...others] = failed;
  if (first !== undefined) {
    return others.length > 0 ? `${first} (and ${others.length} more)` : first;
  }
  return broken.length > 0 ? `NOBODY: breaks its tests: ${broken.join("; ")}` : "NOBODY";
}

const texts = await readTexts();

/** Told before anything is begun. */
function isWhereItWas(sabotage: Sabotage): boolean {
  try {
    sabotaged(sabotage.changes, texts);
    for (const { file } of sabotage.tests) {
      if (!existsSync(`${ROOT}${file}`)) throw new Moved(`there is no ${file}`);
    }
    return true;
  } catch (error) {
    if (!(error instanceof Moved)) throw error;
    tellUntriable(sabotage, error);
    return false;
  }
}

const copies: Scratch[] = [];
const removeAll = async () => {
  await Promise.all(copies.map((copy) => copy.remove()));
};
onInterrupt(removeAll);

const triable = wanted.filter(isWhereItWas);
// What leaves the migrations alone shares a template.
const leavesDatabase = ({ changes }: Sabotage) => changes.every(({ kind }) => kind === "file");
const inOrder = [
  ...triable.filter(leavesDatabase),
  ...triable.filter((each) => !leavesDatabase(each)),
];
let failingBefore = 0;
const begun = performance.now();
try {
  await step("copies of the checkout, each with a PostgreSQL 17", async () => {
    while (copies.length < Math.min(COPIES, triable.length)) {
      const copy = new Scratch(texts);
      copies.push(copy);
      await copy.start();
    }
  });
  const failing = await step(
    "the tests of these safeguards, while nothing is missing",
    () => failingAnyway(copies, triable),
  );
  for (const name of failing) console.log(`  ✗ fails anyway: ${name}`);
  failingBefore = failing.length;
  await share(copies, inOrder, async (copy, sabotage) => {
    const started = performance.now();
    try {
      const outcome = await copy.tryOut(sabotage.changes, sabotage.tests, failing);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      tell(sabotage, outcome.failed.length > 0, saidOf(outcome), seconds);
    } catch (error) {
      tellUntriable(sabotage, error);
    }
  });
} finally {
  await removeAll();
}

/** What stands before the colon in their names. */
const groups = Map.groupBy(wanted, ({ name }) => name.split(":", 1)[0] ?? "");
const counts = [...groups].map(([group, safeguards]) => ({
  group,
  safeguards: safeguards.length,
  noticed: safeguards.filter((each) => noticed.has(each)).length,
}));

console.log(`\n${table(wanted.flatMap((each) => lines.get(each) ?? []))}\n`);
console.log(`${table(counts)}\n`);
console.log(
  `${noticed.size} of ${wanted.length} noticed, ` +
    `${((performance.now() - begun) / 60_000).toFixed(1)} minutes`,
);
const unnoticed = wanted.filter((each) => !noticed.has(each));
if (unnoticed.length > 0) {
  console.error(
    `Nobody notices that these are missing: ${unnoticed.map(({ name }) => name).join(", ")}.`,
  );
}
if (failingBefore > 0) console.error("Some tests fail anyway: put them right first.");
Deno.exit(unnoticed.length + failingBefore > 0 ? 1 : 0);
