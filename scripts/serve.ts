// make serve: the Edge Function on this machine, against DATABASE_URL or what make
// up keeps. That one also wakes it: the stand-ins of pg_cron and pg_net run here.

import { type CronWorker, startCronWorker } from "./cron_worker.ts";
import { newSecret, startEdgeFunction } from "./edge_function.ts";
import postgres from "postgres";
import { type NetWorker, startNetWorker } from "./net_worker.ts";
import { connect } from "./server.ts";
import { current } from "./stack.ts";
import { onInterrupt } from "./terminal.ts";

/** Of the function's own environment, what is set here goes through. */
const PASSED_ON = [
  "SCHEDULER_SECRET_PREVIOUS",
  "FCM_SERVICE_ACCOUNT",
  "FCM_ENDPOINT",
  "PAGE_SIZE",
  "PUSH_CONCURRENCY",
  "TIMEOUT_THRESHOLD_MS",
];

const stack = Deno.env.get("DATABASE_URL") ? undefined : await current();
const databaseUrl = Deno.env.get("DATABASE_URL") || stack?.url;
if (!databaseUrl) {
  console.error(
    "No database. Give one, make serve DATABASE_URL=postgresql://…, or keep one for play: make up",
  );
  Deno.exit(1);
}
const secret = Deno.env.get("SCHEDULER_SECRET") || newSecret();
const provider = Deno.env.get("PUSH_PROVIDER") ||
  (Deno.env.get("FCM_SERVICE_ACCOUNT") ? "fcm" : "log");
const port = Number(Deno.env.get("PORT") || 8787);
if (!(Number.isInteger(port) && port >= 1 && port <= 65535)) {
  console.error("PORT must be a number from 1 to 65535.");
  Deno.exit(1);
}
const passedOn = PASSED_ON.flatMap((name) => {
  const value = Deno.env.get(name);
  return value ? [[name, value]] : [];
});

/** What a Supabase project has of its own: someone who calls the function every minute. */
async function wake(url: string): Promise<[NetWorker, CronWorker]> {
  const sql = connect(stack?.url ?? "");
  try {
    await sql`select scheduler.configure_edge(url => ${url}, secret => ${secret})`;
  } finally {
    await sql.end();
  }
  const admin = new URL(stack?.url ?? "");
  admin.username = "supabase_admin";
  return [await startNetWorker(admin.href), await startCronWorker(admin.href)];
}

try {
  const edge = await startEdgeFunction({
    environment: {
      ...Object.fromEntries(passedOn),
      SCHEDULER_DB_URL: databaseUrl,
      SCHEDULER_SECRET: secret,
      PUSH_PROVIDER: provider,
    },
    port,
    onLog: (line) => console.log(line),
    onComplaint: (line) => console.error(line),
  });
  const wakers = stack ? await wake(edge.url) : [];
  onInterrupt(async () => {
    await Promise.all(wakers.map((worker) => worker.stop()));
    await edge.stop();
  });
  console.log(
    `Pushes go to ${provider === "log" ? "this terminal" : provider}. ${
      stack ? "The database wakes it every minute that something is due. " : ""
    }Ctrl-C ends it. To start a run:\n\n` +
      `  curl -X POST -H "X-Scheduler-Secret: ${
        Deno.env.get("SCHEDULER_SECRET") ? "$SCHEDULER_SECRET" : secret
      }" ${edge.url}\n`,
  );
  await edge.ended;
} catch (error) {
  // The function has said why itself.
  if (error instanceof postgres.PostgresError) console.error(`SCHEDULER_SECRET: ${error.message}`);
  Deno.exit(1);
}
