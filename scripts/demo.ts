// make demo: from an empty database to pushes that arrive.

import { type CronWorker, startCronWorker } from "./cron_worker.ts";
import { applyMigrations, createDatabase } from "./database.ts";
import { type EdgeFunction, newSecret, startEdgeFunction } from "./edge_function.ts";
import { type FakeFcm, startFakeFcm } from "./fake_fcm.ts";
import { DISPATCHER_LOGIN, newPassword } from "./logins.ts";
import { type NetWorker, startNetWorker } from "./net_worker.ts";
import { connect, embeddedBinaries, type Server, type Sql, startServer } from "./server.ts";
import { onInterrupt, step, table } from "./terminal.ts";

let server: Server | undefined;
let fcm: FakeFcm | undefined;
let dispatcher: EdgeFunction | undefined;
let net: NetWorker | undefined;
let cron: CronWorker | undefined;
const putAway = async () => {
  await cron?.stop();
  await net?.stop();
  await dispatcher?.stop();
  await fcm?.stop();
  await server?.stop();
};
onInterrupt(putAway);

async function explain(sql: Sql, mentor: string): Promise<void> {
  console.log(`\nselect * from explain_scenario_evaluation('${mentor}');\n`);
  const rows = await sql`
    select scenario_type, decision, reason, explanation from explain_scenario_evaluation(${mentor})
  `;
  for (const { scenario_type, decision, reason, explanation } of rows) {
    const why = reason && reason !== decision ? `, ${reason}` : "";
    console.log(`    ${scenario_type}: ${decision}${why}`);
    console.log(`      ${explanation}`);
  }
}

/** How many mentors are in the reach of a person of the world, asked as that person. */
async function reach(sql: Sql, person: string): Promise<number> {
  return await sql.begin(async (transaction) => {
    await transaction`
      select
        set_config('role', 'authenticated', true),
        set_config('request.jwt.claims', jsonb_build_object('sub', md5(${person}::text)::uuid)::text, true)
    `;
    const [counted] = await transaction<{ mentors: number }[]>`
      select count(*)::integer as mentors from public.coordinator_mentor_status(page_size => 200)
    `;
    return counted?.mentors ?? 0;
  });
}

/** Waits for the run that a tick asked for, and returns its line of the ledger. */
async function runOf(
  sql: Sql,
  job: string,
  seconds = 30,
): Promise<Record<string, unknown> | undefined> {
  for (const end = performance.now() + 1000 * seconds; performance.now() < end;) {
    const [run] = await sql`
      select triggered_by, job, status, attempt, http_status, candidates, sent, suppressed
      from scheduler.run_history
      where job = ${job} and triggered_by = 'pg_cron'
    `;
    if (run && !["requested", "running"].includes(run["status"])) return { ...run };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return undefined;
}

function expect(fulfilled: boolean): void {
  if (!fulfilled) throw new Error("The demo did not go as it should; please report this.");
}

console.log("\nA PostgreSQL, a provider and a function of its own, gone again at the end:\n");
try {
  server = await step("PostgreSQL 17 started", () => startServer(embeddedBinaries()));
  const database = server;
  const url = await createDatabase(server, "app");
  await step("migrations applied by the Supabase CLI", () => applyMigrations(url));

  const notices: string[] = [];
  const sql = connect(url, { onnotice: (notice) => notices.push(notice.message ?? "") });
  await step("a world of 3 organisations and 500 mentors", async () => {
    await sql.unsafe(await Deno.readTextFile(new URL("../sql/local/world.sql", import.meta.url)));
    // So that the demo can be given at any hour.
    await sql`update scheduler.organisation_settings set quiet_start = null, quiet_end = null`;
  });
  const secret = newSecret();
  const provider = fcm = await step(
    "a fake of FCM, which keeps its protocol",
    () => startFakeFcm(),
  );
  await step(
    "the Edge Function, with a login that can read no table",
    async () => {
      dispatcher = await startEdgeFunction({
        environment: {
          SCHEDULER_DB_URL: await newPassword(sql, url, DISPATCHER_LOGIN),
          SCHEDULER_SECRET: secret,
          FCM_ENDPOINT: provider.endpoint,
          FCM_SERVICE_ACCOUNT: provider.serviceAccount,
        },
      });
      await sql`select scheduler.configure_edge(url => ${dispatcher.url}, secret => ${secret})`;
    },
  );
  const ticks = cron = await step("stand-ins for pg_cron, pg_net and Vault", async () => {
    net = await startNetWorker(database.url("app", "supabase_admin"));
    return await startCronWorker(database.url("app", "supabase_admin"));
  });

  console.log("\nselect run_scenario_evaluation();\n");
  const candidates = await sql`
    select
      candidate.user_id as mentor, organisation.name as organisation, candidate.scenario_type, candidate.title
    from run_scenario_evaluation() as candidate
    join public.organisations as organisation on organisation.id = candidate.organisation_id
    order by candidate.notification_id
  `;
  console.log(`    ${notices.pop()}\n`);
  console.log(table(candidates.slice(0, 6)));
  console.log(`    … and ${candidates.length - 6} more, in the outbox and not sent yet`);

  // One for whom this activity is no milestone.
  const [silent] = await sql<{ mentor: string }[]>`
    select notification.user_id as mentor
    from scheduler.notifications as notification
    join scheduler.mentor_state as state on state.user_id = notification.user_id
    where notification.scenario_type = 'inactivity'
      and state.activity_count + 1 not in (select milestone from scheduler.milestones)
    order by notification.id
    limit 1
  `;
  const mentor = silent?.mentor ?? "";
  await sql`
    insert into public.activities (user_id, activity_date, kind)
    values (${mentor}, (now() at time zone 'Europe/Oslo')::date, 'conversation')
  `;
  console.log("\nBefore the sender comes, one of the silent mentors records a conversation.");

  console.log("\nOne tick of the day, fired at once instead of at 06:00 UTC:\n");
  const daily = await step(
    "pg_cron → pg_net, signed → the function: evaluates, claims, sends, records",
    async () => {
      await ticks.fire("scenario-scheduler-daily");
      return await runOf(sql, "scenario-evaluation");
    },
  );
  await step(
    "the minute's tick: sees the answer, finds nothing due, asks for nothing",
    async () => {
      await ticks.fire("scenario-scheduler-dispatch");
    },
  );
  console.log("\nselect * from scheduler.run_history;\n");
  const history = await sql`
    select triggered_by, job, status, http_status, candidates, sent, suppressed
    from scheduler.run_history
  `;
  console.log(table(history));

  console.log("\nWhat arrived at FCM:\n");
  const written = ({ title, body }: { title: string; body: string }) =>
    `${title} / ${body.replace(/\d[\d.]*/g, "…")}`;
  const arrived = Map.groupBy(provider.accepted, written);
  console.log(table(
    [...arrived].map(([text, pushes]) => ({ pushes: pushes.length, text }))
      .sort((a, b) => b.pushes - a.pushes),
  ));

  await explain(sql, mentor);

  const [outbox] = await sql<{ sent: number; cancelled: number }[]>`
    select
      count(*) filter (where status = 'sent')::integer as sent,
      count(*) filter (where status = 'cancelled' and status_reason = 'active_again')::integer as cancelled
    from scheduler.notifications
  `;
  const keys = new Set(provider.accepted.map(({ collapseKey }) => collapseKey));
  console.log("\n");
  console.log(table([
    { what: "decided on", pushes: candidates.length },
    { what: "cancelled: active again before it was sent", pushes: outbox?.cancelled },
    { what: "sent", pushes: outbox?.sent },
    { what: "accepted by FCM", pushes: provider.accepted.length },
    { what: "accepted twice", pushes: provider.accepted.length - keys.size },
  ]));

  const [inReach, ofAdmin] = [await reach(sql, "coordinator 0"), await reach(sql, "admin 0")];
  console.log(
    `\nOf the 500 mentors the coordinator of organisation 0 sees ${inReach}, its admin ${ofAdmin}.`,
  );

  expect(candidates.length > 6 && daily?.["status"] === "completed");
  expect(outbox?.cancelled === 1 && outbox.sent === candidates.length - 1);
  expect(provider.accepted.length === outbox?.sent && keys.size === outbox.sent);
  expect(daily?.["sent"] === outbox?.sent && history[0]?.["http_status"] === 202);
  expect(await runOf(sql, "dispatch-backlog", 0) === undefined);
  expect(0 < inReach && inReach < ofAdmin && ofAdmin < 200);
  await sql.end();
} finally {
  await putAway();
}
console.log("\nNothing is left running. To keep a database for play: make up, then make psql.\n");
