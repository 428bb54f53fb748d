// The whole chain on the real pg_cron. It works in one database of a server only,
// so no other test may use that one.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { notOnce, until, World } from "../../../edge/tests/world.ts";
import { applyMigrations, createDatabase } from "../../../scripts/database.ts";
import { connect, type Sql } from "../../../scripts/server.ts";
import { server, type TestDatabase } from "../../../scripts/testing.ts";

/** The one database of a server in which its pg_cron works; undefined where there is no pg_cron. */
async function findCronDatabase(): Promise<string | undefined> {
  const admin = connect(server.url("template1", "supabase_admin"));
  const [row] = await admin<{ name: string | null }[]>`
    select current_setting('cron.database_name', true) as name
  `;
  await admin.end();
  return row?.name ?? undefined;
}

const name = await findCronDatabase();

async function cronDatabase(name: string): Promise<TestDatabase> {
  const url = await createDatabase(server, name);
  await applyMigrations(url);
  const sessions: Sql[] = [];
  const session = (role: "postgres" | "supabase_admin" = "postgres") => {
    const sql = connect(server.url(name, role));
    sessions.push(sql);
    return sql;
  };
  const sql = session();
  return {
    url,
    adminUrl: server.url(name, "supabase_admin"),
    sql,
    session,
    // It stays, empty of jobs: pg_cron does not come back in a server whose database was dropped.
    async drop() {
      await sql`select cron.unschedule(jobid) from cron.job`;
      for (const session of sessions) await session.end({ timeout: 2 });
    },
  };
}

/** The tables, but Vault's, and the statements of others in which a text stands, as it is or as bytes. */
async function whereIs(text: string, admin: Sql): Promise<string[]> {
  const tables = await admin<{ table: string }[]>`
    select class.oid::regclass::text as table
    from pg_class as class
    where (class.relkind in ('r', 'm') and class.relnamespace <> 'vault'::regnamespace)
      or class.oid = 'pg_stat_activity'::regclass
    order by 1
  `;
  const found: string[] = [];
  for (const { table } of tables) {
    const rows = await admin`
      select from ${admin.unsafe(table)} as present
      where strpos(lower(present::text), lower(${text}::text)) > 0
        or strpos(present::text, encode(convert_to(${text}::text, 'UTF8'), 'hex')) > 0
      limit 1
    `;
    if (rows.length > 0) found.push(table);
  }
  return found;
}

interface CronRun {
  jobname: string;
  status: string;
  username: string;
  command: string;
  return_message: string;
  minute: string;
}

Deno.test({
  name:
    "pg_cron starts the daily run by itself, as the role that installed, and it ends in a push to everybody who is due",
  ignore: name === undefined, // the PostgreSQL of npm brings no pg_cron
  async fn() {
    const world = await World.make({}, cronDatabase(name ?? ""));
    try {
      const { sql, secret } = world;
      const tokens = await world.addMentors(7, { devices: 2 });
      const scheduler = await world.start();
      await world.schedule(scheduler.url);
      await sql`
        update scheduler.jobs set schedule = '* * * * *' where job_name = 'scenario-evaluation'
      `;

      const ticks = async () => [
        ...await sql<CronRun[]>`
            select
              job.jobname, run.status, run.username, run.command, run.return_message,
              to_char(run.start_time at time zone 'UTC', 'YYYY-MM-DD HH24:MI:00') as minute
            from cron.job_run_details as run
            join cron.job on job.jobid = run.jobid
            order by job.jobname
          `,
      ];
      const daily = async () =>
        (await ticks()).find((run) => run.jobname === "scenario-scheduler-daily");
      await until("its minute comes", async () => (await daily())?.status === "succeeded", 75);
      // Once is enough.
      await sql`
        update scheduler.jobs set schedule = '0 6 * * *' where job_name = 'scenario-evaluation'
      `;
      const minute = (await daily())?.minute ?? "";
      const ofTheMinute = async () => (await ticks()).filter((run) => run.minute === minute);
      await until(
        "the minute's other entry is through",
        async () => (await ofTheMinute()).filter((run) => run.status === "succeeded").length === 2,
      );
      deepStrictEqual(
        // "1 row", or "SELECT 1" where the job runs in a worker of the server.
        (await ofTheMinute()).map(({ jobname, status, username, command, return_message }) => ({
          jobname,
          status,
          username,
          command,
          started: Number(return_message.replace(/\D/g, "")),
        })),
        ["scenario-scheduler-daily", "scenario-scheduler-dispatch"].map((jobname, i) => ({
          jobname,
          status: "succeeded",
          username: "postgres",
          command: `select scheduler.tick('${jobname}')`,
          started: i === 0 ? 1 : 0,
        })),
      );

      // pg_net's worker has not begun yet, and everybody can read its queue.
      const admin = world.database.session("supabase_admin");
      deepStrictEqual(await whereIs(scheduler.url, admin), ["net.http_request_queue"]);
      deepStrictEqual(await whereIs(secret, admin), []);
      const runs = async () =>
        (await sql<Record<string, unknown>[]>`
          select
            job_name, status, triggered_by, attempt, http_status, total_dispatched,
            to_char(scheduled_for at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as scheduled_for,
            request_id = (select max(request_id) from scheduler.requests) as of_its_request
          from scheduler.scheduler_execution_log
        `).map((row) => ({ ...row }));
      const requested = {
        job_name: "scenario-evaluation",
        status: "requested",
        triggered_by: "pg_cron",
        attempt: 1,
        http_status: null,
        total_dispatched: null,
        scheduled_for: minute,
        of_its_request: true,
      };
      deepStrictEqual(await runs(), [requested], "nothing was due, so nothing else was asked for");

      await world.startNetWorker();
      await world.runsEnd();
      await sql`select scheduler.reconcile_requests()`;
      deepStrictEqual(notOnce(tokens, world.fake), []);
      deepStrictEqual(await runs(), [
        { ...requested, status: "completed", http_status: 202, total_dispatched: 7 },
      ]);

      deepStrictEqual(await whereIs(secret, admin), []);
      const written = [
        ...scheduler.log,
        ...scheduler.complaints,
        await Deno.readTextFile(`${server.folder}/server.log`),
      ].join("\n").toLowerCase();
      ok(written.includes("scheduler_run_completed") && written.includes("scheduler.tick("));
      strictEqual(written.includes(secret), false);
    } finally {
      await world.end();
    }
  },
});
