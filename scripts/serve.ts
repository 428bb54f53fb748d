// make serve: both Edge Functions on this machine, against DATABASE_URL or what make up
// keeps. What a project has besides runs here for the latter: stand-ins of pg_cron and
// pg_net, which wake the scheduler, and of Auth, whose tokens make token prints.

import postgres from "postgres";
import { PORTAL_VARIABLES } from "../edge/dispatch/portal/configuration.ts";
import { startCronWorker } from "./cron_worker.ts";
import {
  type EdgeFunction,
  type EdgeFunctionOptions,
  newSecret,
  startEdgeFunction,
} from "./edge_function.ts";
import { startFakeAuth } from "./fake_auth.ts";
import { DEFAULT_PORTS, keptAuth } from "./local_auth.ts";
import { startNetWorker } from "./net_worker.ts";
import { API, SCHEDULER, supabaseUrlProblem, Trouble } from "./project.ts";
import { connect } from "./server.ts";
import { current, type Stack } from "./stack.ts";
import { onInterrupt } from "./terminal.ts";

const read = (name: string) => Deno.env.get(name)?.trim() || undefined;

/** Of the functions' own environment, what is set here goes through. */
function passedOn(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = read(name);
      return value ? [[name, value]] : [];
    }),
  );
}

// What is given ----------------------------------------------------------------

const problems: string[] = [];

function port(name: string, fallback: number): number {
  const text = read(name) ?? String(fallback);
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > 65535) {
    problems.push(`${name} must be a number from 1 to 65535, not "${text}".`);
    return fallback;
  }
  try {
    Deno.listen({ hostname: "127.0.0.1", port: number }).close();
  } catch (error) {
    const said = error instanceof Deno.errors.AddrInUse ? "is taken" : `can't be used (${error})`;
    problems.push(`The port ${number} ${said}: give another, make serve ${name}=…`);
  }
  return number;
}

const databaseUrl = read("DATABASE_URL");
const stack = databaseUrl ? undefined : await current();
const supabaseUrl = read("SUPABASE_URL");
if (!databaseUrl && !stack) {
  problems.push(
    "There is no database. Give one, make serve DATABASE_URL=postgresql://…, or keep one for play: make up",
  );
}
if (stack && !stack.apiUrl) {
  problems.push("What make up keeps is older than this folder: make down, then make up.");
}
if (databaseUrl) {
  for (
    const [name, what] of [
      ["SUPABASE_URL", "the project whose tokens the API takes, https://<project ref>.supabase.co"],
      ["SUPABASE_ANON_KEY", "its publishable key (dashboard, Project Settings, API Keys)"],
    ] as const
  ) if (!read(name)) problems.push(`${name} is missing beside DATABASE_URL: ${what}.`);
}
const wrong = supabaseUrlProblem(supabaseUrl);
if (wrong) problems.push(wrong);

const schedulerPort = port("PORT", DEFAULT_PORTS.scheduler);
const apiPort = port("API_PORT", schedulerPort + 1);
const authPort = supabaseUrl ? undefined : port("AUTH_PORT", apiPort + 1);
if (new Set([schedulerPort, apiPort, authPort]).size < 3) {
  problems.push("PORT, API_PORT and AUTH_PORT must be three different ones.");
}

// What runs ----------------------------------------------------------------------

/** What was started, to be stopped in the other order. */
const started: { stop(): Promise<void> }[] = [];

let ending: Promise<void> | undefined;

function putAway(): Promise<void> {
  return ending ??= (async () => {
    for (const one of started.reverse()) await one.stop();
  })();
}

async function start<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const one = await starting;
  started.push(one);
  return one;
}

async function startFunction(
  name: typeof SCHEDULER | typeof API,
  options: EdgeFunctionOptions,
): Promise<EdgeFunction> {
  try {
    return await start(startEdgeFunction({
      ...options,
      name,
      onLog: (line) => console.log(line),
      onComplaint: (line) => console.error(line),
    }));
  } catch {
    throw new Trouble(`The function ${name} did not start.`, "It has said why itself, above.");
  }
}

/** Whose tokens the API takes. */
async function projectAddress(): Promise<{ SUPABASE_URL: string; SUPABASE_ANON_KEY: string }> {
  const SUPABASE_ANON_KEY = read("SUPABASE_ANON_KEY") ?? "none";
  if (authPort === undefined) return { SUPABASE_URL: supabaseUrl ?? "", SUPABASE_ANON_KEY };
  const auth = await start(startFakeAuth({ key: (await keptAuth()).key, port: authPort }));
  return { SUPABASE_URL: auth.url, SUPABASE_ANON_KEY };
}

/** What a Supabase project has of its own: someone who calls the function every minute. */
async function wake(stack: Stack, url: string, secret: string): Promise<void> {
  const sql = connect(stack.url);
  try {
    await sql`select scheduler.configure_edge(url => ${url}, secret => ${secret})`;
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    throw new Trouble(`SCHEDULER_SECRET: ${error.message}`, "openssl rand -hex 32 makes one.");
  } finally {
    await sql.end({ timeout: 2 });
  }
  const admin = new URL(stack.url);
  admin.username = "supabase_admin";
  await start(startNetWorker(admin.href));
  await start(startCronWorker(admin.href));
}

async function serve(): Promise<{ scheduler: EdgeFunction; api: EdgeFunction }> {
  const secret = read("SCHEDULER_SECRET") ?? newSecret();
  const provider = read("PUSH_PROVIDER") ?? (read("FCM_SERVICE_ACCOUNT") ? "fcm" : "log");
  const project = await projectAddress();
  const scheduler = await startFunction(SCHEDULER, {
    environment: {
      ...passedOn(
        "SCHEDULER_SECRET_PREVIOUS",
        "FCM_SERVICE_ACCOUNT",
        "FCM_ENDPOINT",
        "PAGE_SIZE",
        "PUSH_CONCURRENCY",
        "TIMEOUT_THRESHOLD_MS",
        ...PORTAL_VARIABLES,
      ),
      SCHEDULER_DB_URL: stack?.dispatcherUrl ?? databaseUrl ?? "",
      SCHEDULER_SECRET: secret,
      PUSH_PROVIDER: provider,
    },
    port: schedulerPort,
  });
  const api = await startFunction(API, {
    environment: {
      ...passedOn("API_ALLOWED_ORIGINS", "API_TOKEN_ISSUER"),
      ...project,
      SCHEDULER_API_DB_URL: stack?.apiUrl ?? read("SCHEDULER_API_DB_URL") ?? databaseUrl ?? "",
    },
    port: apiPort,
  });
  if (stack) await wake(stack, scheduler.url, secret);
  if (authPort !== undefined) await keptAuth(authPort);
  tell({ scheduler, api, provider, secret });
  return { scheduler, api };
}

function tell({ scheduler, api, provider, secret }: {
  scheduler: EdgeFunction;
  api: EdgeFunction;
  provider: string;
  secret: string;
}): void {
  const shown = read("SCHEDULER_SECRET") ? "$SCHEDULER_SECRET" : secret;
  const token = supabaseUrl ? "<a token of the project>" : "$(make -s token ROLE=coordinator)";
  console.log(
    `Pushes go to ${provider === "log" ? "this terminal" : provider}. ${
      stack ? "The database wakes the scheduler every minute that something is due. " : ""
    }Ctrl-C ends both.\n\n` +
      `  the scheduler  ${scheduler.url}\n` +
      `  the API        ${api.url}api/v1/openapi.json\n\n` +
      `To start a run, and to see what a coordinator sees of it:\n\n` +
      `  curl -X POST -H "X-Scheduler-Secret: ${shown}" ${scheduler.url}\n\n` +
      `  TOKEN="${token}"\n` +
      `  curl -H "Authorization: Bearer $TOKEN" ${api.url}api/v1/scheduler-invocations\n`,
  );
}

if (problems.length > 0) {
  console.error(`Nothing was started:\n${problems.map((text) => `  - ${text}`).join("\n")}`);
  Deno.exit(2);
}
onInterrupt(putAway);
try {
  const { scheduler, api } = await serve();
  const ended = await Promise.race([
    scheduler.ended.then(() => SCHEDULER),
    api.ended.then(() => API),
  ]);
  if (!ending) console.error(`The function ${ended} ended by itself; the other one is stopped.`);
} catch (error) {
  console.error(error instanceof Error ? error.message || String(error) : String(error));
  if (error instanceof Trouble) console.error(`next: ${error.next}`);
}
await putAway();
Deno.exit(1);
