// make serve: the Edge Function on this machine, against DATABASE_URL or what make up keeps.

import { newSecret, startEdgeFunction } from "./edge_function.ts";
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

const databaseUrl = Deno.env.get("DATABASE_URL") || (await current())?.url;
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
  onInterrupt(() => edge.stop());
  console.log(
    `Pushes go to ${
      provider === "log" ? "this terminal" : provider
    }. Ctrl-C ends it. To start a run:\n\n` +
      `  curl -X POST -H "X-Scheduler-Secret: ${secret}" ${edge.url}\n`,
  );
  await edge.ended;
} catch {
  // It has said why.
  Deno.exit(1);
}
