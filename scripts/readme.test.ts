// The README's SQL is run as it stands there, in a world where its ids exist.

import { ok } from "node:assert/strict";
import { ROOT } from "./database.ts";
import { testDatabase } from "./testing.ts";

const MENTOR = "08430966-6727-5427-ec2a-ca91b1a72cd3"; // of sql/local/world.sql

/** Statements of the README's SQL, by the heading above them. What the reader fills in is a dot dot dot. */
async function statements(): Promise<{ heading: string; statement: string }[]> {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  return readme.split(/^## /m).slice(1).flatMap((section) => {
    const [heading = ""] = section.split("\n");
    return [...section.matchAll(/^```sql\n([\s\S]*?)^```$/gm)]
      .flatMap(([, block = ""]) => block.split(/;[ ]*(?:--.*)?$/m))
      .map((statement) => statement.replaceAll(/^--.*$/gm, "").trim())
      .filter((statement) => statement !== "")
      .map((statement) => ({ heading, statement }));
  });
}

/** Sections whose statements can be run in the demo's world; the others are about tables of one's own. */
const RUN = [
  "Evaluating",
  "Explaining",
  "Sending",
  "Running by itself",
  "Certifications that must be valid",
  "An operator's day",
];

Deno.test("every SQL statement of the README can be run", async (t) => {
  const database = await testDatabase();
  try {
    const { sql } = database;
    await sql.unsafe(await Deno.readTextFile(`${ROOT}sql/local/world.sql`));
    const [organisation] = await sql<{ id: string }[]>`select id from public.organisations limit 1`;
    const found = (await statements()).filter(({ heading }) => RUN.includes(heading));
    ok(found.length > 20, `${found.length} statements`);
    ok(RUN.every((heading) => found.some((one) => one.heading === heading)));
    for (const { heading, statement } of found) {
      await t.step(`${heading}: ${statement.split("\n")[0]}`, async () => {
        await sql.unsafe(
          statement
            .replace("explain_scenario_evaluation('…')", `explain_scenario_evaluation('${MENTOR}')`)
            .replace("secret => '…'", `secret => '${"ab".repeat(32)}'`)
            .replace("<ref>", "abcdefghijklmnopqrst")
            .replaceAll("'…'", `'${organisation?.id}'`),
        );
      });
    }
  } finally {
    await database.drop();
  }
});
