// The specs of this folder, run by PostgreSQL's own isolationtester: sessions
// whose steps are interleaved in a given order, one by one. What they print has
// to be what stands in the file beside the spec. UPDATE=1 writes those files;
// read the difference before you commit it.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { dirname, join } from "node:path";
import { embeddedBinaries } from "../../../scripts/server.ts";
import { report, server, type TestDatabase, testDatabase } from "../../../scripts/testing.ts";

const FOLDER = import.meta.dirname ?? "";
const FEWEST_PERMUTATIONS = 40;
/** Many times what a step takes; one that waits for ever holds up the rest of its spec for so long. */
const STEP_SECONDS = 10;

const named = (ending: string) =>
  [...Deno.readDirSync(FOLDER)]
    .filter(({ name }) => name.endsWith(ending))
    .map(({ name }) => name.slice(0, -ending.length))
    .sort();

const specs = named(".spec");
const specOf = (name: string) => Deno.readTextFileSync(join(FOLDER, `${name}.spec`));
const expectedOf = (name: string) => Deno.readTextFileSync(join(FOLDER, `${name}.out`));

/** The permutations that a spec names: the steps of each. */
const permutationsOf = (spec: string) =>
  [...spec.matchAll(/^permutation (.*)$/gm)].map(([, steps]) => steps?.trim().split(/\s+/) ?? []);

/** The permutations that were run: all that was printed of each. */
const printedOf = (output: string) => output.split(/^starting permutation: /m).slice(1);

/**
 * The one that npm brought, whichever server it speaks to: it comes with
 * make install, and its format does not change with the machine's packages.
 */
async function runTester(database: TestDatabase, spec: string): Promise<string> {
  const native = dirname(embeddedBinaries().folder);
  const command = join(native, "lib/postgresql/pgxs/src/test/isolation/isolationtester");
  const { pathname } = new URL(database.url);
  const tester = new Deno.Command(command, {
    args: [""],
    env: {
      LD_LIBRARY_PATH: join(native, "lib"),
      PGHOST: "127.0.0.1",
      PGPORT: String(server.port),
      PGUSER: "postgres",
      PGPASSWORD: server.password,
      PGDATABASE: pathname.slice(1),
      // An evaluation tells its figures each time; and to compile a query takes
      // longer than to look at these few rows.
      PGOPTIONS: "-c client_min_messages=warning -c jit=off",
      // A step is cancelled after twice this time.
      PG_TEST_TIMEOUT_DEFAULT: String(STEP_SECONDS / 2),
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = tester.stdin.getWriter();
  await input.write(new TextEncoder().encode(spec));
  await input.close();
  const { code, stdout, stderr } = await tester.output();
  const said = new TextDecoder().decode(stderr);
  strictEqual(code, 0, `isolationtester ended with ${code}: ${said}`);
  const printed = new TextDecoder().decode(stdout) + said;
  return `${printed.replaceAll(/ +$/gm, "").trimEnd()}\n`;
}

async function runSpec(name: string): Promise<string> {
  const database = await testDatabase();
  try {
    const admin = database.session("supabase_admin");
    await admin.unsafe(await Deno.readTextFile(join(FOLDER, "words.sql")));
    return await runTester(database, specOf(name));
  } finally {
    await database.drop();
  }
}

/** The permutations that ended otherwise, each without the lines that are the same before and after. */
function differences(expected: string, actual: string): string {
  const wanted = printedOf(expected);
  return printedOf(actual).flatMap((printed, index) => {
    if (printed === wanted[index]) return [];
    const [steps = "", ...lines] = printed.split("\n");
    const instead = (wanted[index] ?? "").split("\n").slice(1);
    while (lines.length && instead.length && lines[0] === instead[0]) {
      lines.shift();
      instead.shift();
    }
    while (lines.length && instead.length && lines.at(-1) === instead.at(-1)) {
      lines.pop();
      instead.pop();
    }
    return [
      `permutation ${steps}`,
      ...instead.map((line) => `- ${line}`),
      ...lines.map((line) => `+ ${line}`),
    ];
  }).join("\n");
}

const started = performance.now();
const permutations = specs.flatMap((name) => permutationsOf(specOf(name)));

for (const name of specs) {
  Deno.test(`${name.replaceAll("_", " ")}: each order of steps ends as it is written down`, async () => {
    const actual = await runSpec(name);
    strictEqual(printedOf(actual).length, permutationsOf(specOf(name)).length);
    if (Deno.env.get("UPDATE") === "1") {
      Deno.writeTextFileSync(join(FOLDER, `${name}.out`), actual);
      return;
    }
    ok(
      actual === expectedOf(name),
      `${name}.out on ${server.name} (-: expected, +: printed; UPDATE=1 writes it anew):\n${
        differences(expectedOf(name), actual)
      }`,
    );
  });
}

Deno.test("every spec has its expected output, and every output its spec", () => {
  deepStrictEqual(named(".out"), specs);
});

Deno.test("every permutation ends with the rules, and no rule is expected to be broken", () => {
  for (const name of specs) {
    for (const steps of permutationsOf(specOf(name))) strictEqual(steps.at(-1), "rules");
    for (const printed of printedOf(expectedOf(name))) {
      const [, rules = ""] = printed.split(/^rule +\|holds\n[-+]+\n/m);
      const answers = [...rules.matchAll(/\|([tf])$/gm)].map(([, answer]) => answer);
      strictEqual(answers.length, 9, `${name}: ${printed}`);
      ok(!answers.includes("f"), `${name}: ${printed}`);
    }
  }
});

Deno.test("the steps are interleaved in at least forty ways", () => {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  report(`isolation: ${specs.length} specs, ${permutations.length} permutations, ${seconds} s`);
  ok(permutations.length >= FEWEST_PERMUTATIONS, `${permutations.length} permutations`);
});
