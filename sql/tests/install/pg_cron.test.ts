import { ok, strictEqual } from "node:assert/strict";
import { applyMigrations, createDatabase } from "../../../scripts/database.ts";
import { connect } from "../../../scripts/server.ts";
import { server } from "../../../scripts/testing.ts";

/** The one database of a server in which its pg_cron works; undefined where there is no pg_cron. */
async function cronDatabase(): Promise<string | undefined> {
  const admin = connect(server.url("template1", "supabase_admin"));
  const [row] = await admin<{ name: string | null }[]>`
    select current_setting('cron.database_name', true) as name
  `;
  await admin.end();
  return row?.name ?? undefined;
}

const name = await cronDatabase();

Deno.test({
  name: "pg_cron evaluates by itself, as the role that installed",
  ignore: name === undefined, // the PostgreSQL of npm brings no pg_cron
  async fn() {
    const url = await createDatabase(server, name ?? "");
    await applyMigrations(url);
    const sql = connect(url);
    try {
      await sql`
        select cron.schedule('evaluation', '* * * * *', 'select public.run_scenario_evaluation()')
      `;
      let runs: { status: string; triggered_by: string }[] = [];
      for (let second = 0; second < 90 && runs.length === 0; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        runs = await sql<{ status: string; triggered_by: string }[]>`
          select status, triggered_by from scheduler.invocations
        `;
      }
      strictEqual(runs[0]?.triggered_by, "postgres");
      strictEqual(runs[0]?.status, "completed");
      await new Promise((resolve) => setTimeout(resolve, 500));
      const details = await sql<{ status: string }[]>`select status from cron.job_run_details`;
      ok(details.some(({ status }) => status === "succeeded"));
    } finally {
      await sql.unsafe("select cron.unschedule('evaluation')").catch(() => {});
      await sql.end();
    }
  },
});
