// What is kept of a run in which something was found, since its database goes.

import type { Stack } from "./stack.ts";

const TABLES = ["notifications", "push_attempts", "scenario_cooldowns", "invocations", "requests"];

/** Writes the accept log and the tables that the judge looks at, and returns the folder. */
export async function keepEvidence(stack: Stack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "scenario-scheduler-fault-" });
  const keep = (name: string, rows: string) => Deno.writeTextFile(`${folder}/${name}.json`, rows);
  await keep("accepted", JSON.stringify(stack.accepts(), null, 1));
  for (const table of TABLES) {
    const [row] = await stack.sql<{ rows: string }[]>`
      select coalesce(string_agg(to_jsonb(kept)::text, E',\n' order by to_jsonb(kept)->'id'), '') as rows
      from scheduler.${stack.sql(table)} as kept
    `;
    await keep(table, `[${row?.rows ?? ""}]`);
  }
  return folder;
}
