// make demo: the engine on a fresh database, from nothing to an explanation.

import { applyMigrations, createDatabase } from "./database.ts";
import { connect, embeddedBinaries, type Server, startServer } from "./server.ts";
import { onInterrupt, step, table } from "./terminal.ts";

let server: Server | undefined;
onInterrupt(async () => await server?.stop());

console.log("\nA PostgreSQL of its own, gone again at the end:\n");
try {
  server = await step("PostgreSQL 17 started", () => startServer(embeddedBinaries()));
  const url = await createDatabase(server, "app");
  await step("migrations applied by the Supabase CLI", () => applyMigrations(url));

  const notices: string[] = [];
  const sql = connect(url, { onnotice: (notice) => notices.push(notice.message ?? "") });
  await step("a world of 3 organisations and 500 mentors", async () => {
    await sql.unsafe(await Deno.readTextFile(new URL("../sql/local/world.sql", import.meta.url)));
  });

  console.log("\nselect run_scenario_evaluation();\n");
  const candidates = await step("first evaluation", async () => {
    return await sql`
      select
        candidate.user_id as mentor, organisation.name as organisation, candidate.scenario_type,
        to_char(candidate.deliver_after at time zone 'Europe/Oslo', 'DD.MM. HH24:MI') as after, candidate.title
      from run_scenario_evaluation() as candidate
      join public.organisations as organisation on organisation.id = candidate.organisation_id
      order by candidate.notification_id
    `;
  });
  console.log(`    ${notices.pop()}\n`);
  console.log(table(candidates.slice(0, 12)));
  if (candidates.length > 12) console.log(`    … and ${candidates.length - 12} more`);

  console.log("\nselect run_scenario_evaluation();  -- a minute later\n");
  const again = await step(
    "second evaluation",
    async () => await sql`select * from run_scenario_evaluation()`,
  );
  console.log(`    ${notices.pop()}`);
  console.log(`    ${again.length} candidates: everybody who was due has been decided on once.`);

  const mentor = candidates.find((row) => row.scenario_type === "inactivity")?.mentor;
  console.log(`\nselect * from explain_scenario_evaluation('${mentor}');\n`);
  const explanations = await sql`
    select scenario_type, decision, reason, explanation from explain_scenario_evaluation(${
    mentor ?? null
  })
  `;
  for (const { scenario_type, decision, reason, explanation } of explanations) {
    console.log(`    ${scenario_type}: ${decision}${reason === decision ? "" : `, ${reason}`}`);
    console.log(`      ${explanation}`);
  }

  if (candidates.length === 0 || again.length > 0) {
    throw new Error("The demo did not go as described above; please report this.");
  }
  await sql.end();
} finally {
  await server?.stop();
}
console.log("\nNothing is left running. To keep a database for play: make up, then make psql.\n");
