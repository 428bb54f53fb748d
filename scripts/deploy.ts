// make deploy PROJECT_REF=… DATABASE_URL=…: the database, the function's secrets, the
// function, Vault and the schedules, in an order in which no tick in between fails. It
// can be repeated, and says what it changed.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { ConfigurationError, readConfiguration } from "../edge/shared/configuration.ts";
import { newSecret } from "./edge_function.ts";
import {
  cli,
  databaseProblem,
  isAmongOthers,
  missingMigrations,
  push,
  secretProblem,
  urlProblem,
  waitProblem,
  withTls,
} from "./project.ts";
import { connect, type Sql } from "./server.ts";
import { onInterrupt, step } from "./terminal.ts";

const FUNCTION = "scenario-scheduler";
const LOGIN = "scheduler_dispatcher";

/** Of the function's environment, what goes there as it is given here. */
const PASSED_ON = [
  "FCM_SERVICE_ACCOUNT",
  "PUSH_PROVIDER",
  "FCM_ENDPOINT",
  "PAGE_SIZE",
  "PUSH_CONCURRENCY",
  "TIMEOUT_THRESHOLD_MS",
];

type Environment = (name: string) => string | undefined;

/** Something that this program can say what to do about. */
class Trouble extends Error {
  constructor(message: string, readonly next: string) {
    super(message);
  }
}

export interface Plan {
  projectRef: string;
  databaseUrl: string;
  url: string;
  secret: string | undefined;
  dispatcherUrl: string | undefined;
  rotate: boolean;
  newLogin: boolean;
  /** How long to wait for the function, and for the pooler to know the login. */
  waitSeconds: number;
  passedOn: Map<string, string>;
}

// What is given ----------------------------------------------------------------

/** The project that a connection string names, if it names one. */
function projectOf(databaseUrl: string): string | undefined {
  const { hostname, username } = new URL(databaseUrl);
  return hostname.match(/^db\.([a-z]{20})\.supabase\.co$/)?.[1] ??
    username.match(/\.([a-z]{20})$/)?.[1];
}

function isSwitch(text: string | undefined): boolean {
  return text === undefined || text === "1";
}

/** What is asked for, and all that is wrong with it. Looks at nothing but what is given. */
export async function readPlan(
  environment: Environment,
): Promise<{ plan: Plan; problems: string[] }> {
  const read = (name: string) => environment(name)?.trim() || undefined;
  const projectRef = read("PROJECT_REF") ?? "";
  const databaseUrl = read("DATABASE_URL") ?? "";
  const url = read("URL") ?? `https://${projectRef}.supabase.co/functions/v1/${FUNCTION}`;
  const token = read("SUPABASE_ACCESS_TOKEN");
  const dispatcherUrl = read("SCHEDULER_DB_URL");
  const passedOn = new Map(
    PASSED_ON.flatMap((name) => {
      const value = read(name);
      return value ? [[name, value] as const] : [];
    }),
  );

  const problems: (string | undefined)[] = [];
  const refIsFine = /^[a-z]{20}$/.test(projectRef);
  if (!refIsFine) {
    problems.push(
      `PROJECT_REF ${projectRef ? "must be" : "is missing:"} the 20 small letters of the project ` +
        "(dashboard, Project Settings, General).",
    );
  }
  problems.push(databaseProblem(databaseUrl));
  const named = databaseProblem(databaseUrl) ? undefined : projectOf(databaseUrl);
  if (named && refIsFine && named !== projectRef) {
    problems.push(
      `DATABASE_URL is that of the project ${named}, and PROJECT_REF says ${projectRef}.`,
    );
  }
  if (read("URL")) problems.push(urlProblem(url));
  if (!token) {
    problems.push(
      "SUPABASE_ACCESS_TOKEN is missing: one of yours, from supabase.com/dashboard/account/tokens.",
    );
  } else if (!/^sbp_(oauth_|v0_)?[a-f0-9]{40}$/.test(token)) {
    problems.push("SUPABASE_ACCESS_TOKEN is none: it begins with sbp_ and 40 hex digits follow.");
  }
  problems.push(secretProblem(read("SCHEDULER_SECRET")), waitProblem(read("WAIT")));
  for (const name of ["ROTATE", "NEW_LOGIN"]) {
    if (!isSwitch(read(name))) problems.push(`${name} must be 1, or not be given.`);
  }
  if (dispatcherUrl && read("NEW_LOGIN")) {
    problems.push("SCHEDULER_DB_URL and NEW_LOGIN exclude each other: the one or the other.");
  }
  problems.push(
    ...await problemsOfTheFunction((name) =>
      // The function has what is not given here, or gets it from this program.
      ({ SCHEDULER_DB_URL: dispatcherUrl ?? "postgresql://none" })[name] ??
        (passedOn.get(name) || (name === "PUSH_PROVIDER" ? "log" : undefined))
    ),
  );
  return {
    plan: {
      projectRef,
      databaseUrl,
      url,
      secret: read("SCHEDULER_SECRET"),
      dispatcherUrl,
      rotate: read("ROTATE") === "1",
      newLogin: read("NEW_LOGIN") === "1",
      waitSeconds: Number(read("WAIT") ?? 60),
      passedOn,
    },
    problems: problems.filter((problem) => problem !== undefined),
  };
}

/** What the function itself would refuse at its start, but for an account that it may have already. */
async function problemsOfTheFunction(environment: Environment): Promise<string[]> {
  try {
    await readConfiguration((name) =>
      name === "PUSH_PROVIDER" && environment(name) === "fcm" && !environment("FCM_SERVICE_ACCOUNT")
        ? "log"
        : environment(name)
    );
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.split("\n  - ").slice(1);
  }
}

// What is there ------------------------------------------------------------------

/** The function's secrets: names, and digests of their values. */
async function readSecrets(projectRef: string): Promise<Map<string, string>> {
  const listed = await cli(["secrets", "list", `--remote=${projectRef}`]);
  if (!listed.success) {
    throw new Trouble(
      `The secrets of project ${projectRef} could not be listed: ${listed.problem}`,
      "Look at PROJECT_REF, and whether the token's account may administer the project.",
    );
  }
  const secrets = (listed.answer["secrets"] ?? []) as { name: string; value: string }[];
  return new Map(secrets.map(({ name, value }) => [name, value]));
}

function missingProvider(plan: Plan, present: ReadonlyMap<string, string>): string | undefined {
  const has = (name: string) => plan.passedOn.has(name) || present.has(name);
  if (has("FCM_SERVICE_ACCOUNT")) return undefined;
  if (has("PUSH_PROVIDER") && plan.passedOn.get("PUSH_PROVIDER") !== "fcm") return undefined;
  return "FCM_SERVICE_ACCOUNT is missing: the JSON of the service account that may send " +
    "(or PUSH_PROVIDER=log, which only logs).";
}

// The dispatcher's login ---------------------------------------------------------

/** How the server keeps a password, so that the password itself is in no log of its statements. */
export function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const sign = (text: string) => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(sign("Client Key")).digest("base64");
  const serverKey = sign("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}

/** The way to the same database for the dispatcher: over the shared pooler in transaction mode. */
export function dispatcherUrl(databaseUrl: string, password: string): string {
  const url = new URL(withTls(databaseUrl));
  const sslmode = url.searchParams.get("sslmode");
  url.search = sslmode ? `?sslmode=${sslmode}` : "";
  url.password = password;
  if (url.hostname.endsWith(".pooler.supabase.com")) {
    url.username = `${LOGIN}.${projectOf(databaseUrl) ?? ""}`;
    url.port = "6543";
  } else {
    url.username = LOGIN;
  }
  return url.href;
}

async function logsIn(url: string): Promise<boolean> {
  const sql = connect(url, { prepare: false });
  try {
    const [session] = await sql<{ role: string }[]>`select session_user as role`;
    return session?.role === LOGIN;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function makeLogin(sql: Sql, { databaseUrl, waitSeconds }: Plan): Promise<string> {
  const password = newSecret();
  await sql.unsafe(`alter role ${LOGIN} password '${scramVerifier(password)}'`);
  const url = dispatcherUrl(databaseUrl, password);
  const started = performance.now();
  while (true) {
    try {
      if (await logsIn(url)) return url;
    } catch (error) {
      // The shared pooler remembers the old password for a while.
      if (
        performance.now() - started < waitSeconds * 1000 && /authentication/i.test(String(error))
      ) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        continue;
      }
      const host = new URL(url).host;
      throw new Trouble(
        `${LOGIN} has a new password, but can't log in at ${host}: ${
          error instanceof Error ? error.message : error
        }`,
        `Set a password yourself (alter role ${LOGIN} password '…') and say which way the ` +
          "function is to take: SCHEDULER_DB_URL='postgresql://…' make deploy",
      );
    }
    throw new Trouble(
      `Who logs in as ${LOGIN} is somebody else.`,
      "Give SCHEDULER_DB_URL yourself.",
    );
  }
}

// Secrets of the function ----------------------------------------------------------

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A line of the file that the CLI reads; in single quotes everything stands for itself. */
function line(name: string, value: string): string {
  const text = name === "FCM_SERVICE_ACCOUNT"
    ? JSON.stringify(JSON.parse(value)).replaceAll("'", "\\u0027")
    : value.replaceAll("'", "%27");
  return `${name}='${text}'\n`;
}

async function setSecrets(projectRef: string, secrets: ReadonlyMap<string, string>): Promise<void> {
  const file = await Deno.makeTempFile({ prefix: "scenario-scheduler-" });
  const remove = () => Deno.remove(file).catch(() => {});
  onInterrupt(remove);
  try {
    await Deno.chmod(file, 0o600);
    await Deno.writeTextFile(file, [...secrets].map(([name, value]) => line(name, value)).join(""));
    const set = await cli(["secrets", "set", "--env-file", file, `--remote=${projectRef}`]);
    if (!set.success) {
      throw new Trouble(
        `The secrets were not taken: ${set.problem}`,
        "Look at what the token may do.",
      );
    }
  } finally {
    await remove();
  }
}

// The function ---------------------------------------------------------------------

/** Whether the function takes this secret, without a run: a body that is no JSON comes back as 415. */
async function takes(url: string, secret: string): Promise<{ taken: boolean; said: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "x-scheduler-secret": secret, "content-type": "text/plain" },
      body: "",
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
    });
    await response.body?.cancel();
    return { taken: response.status === 415, said: `it answered ${response.status}` };
  } catch (error) {
    return { taken: false, said: error instanceof Error ? error.message : String(error) };
  }
}

async function untilItTakes({ url, waitSeconds }: Plan, secret: string): Promise<void> {
  const started = performance.now();
  while (true) {
    const { taken, said } = await takes(url, secret);
    if (taken) return;
    if (performance.now() - started > waitSeconds * 1000) {
      throw new Trouble(
        `The function does not take its secret at ${url}: ${said}`,
        "Its log (dashboard, Edge Functions, scenario-scheduler, Logs) says whether it starts; " +
          "Vault was left as it was. Then: make deploy",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

// All of it ------------------------------------------------------------------------

async function done(name: string, work: () => Promise<string>): Promise<void> {
  const said = await step(name, work);
  console.log(`      ${said}`);
}

async function migrate(sql: Sql, databaseUrl: string): Promise<string> {
  const pushed = await push(databaseUrl);
  const missing = pushed.success || isAmongOthers(pushed) ? await missingMigrations(sql) : [];
  if (!pushed.success && !isAmongOthers(pushed)) {
    throw new Trouble(
      `The migrations could not be applied: ${pushed.problem}`,
      "Nothing of a migration that failed is kept. Put right what it says, then: make deploy",
    );
  }
  if (missing.length > 0) {
    throw new Trouble(
      "The project has migrations of its own, so the CLI does not apply these.",
      "Copy sql/migrations/*.sql to your project's supabase/migrations and push from there; " +
        "then: make deploy",
    );
  }
  for (const extension of ["pg_cron", "pg_net", "supabase_vault"]) {
    const schema = extension.replace(/^(pg|supabase)_/, "");
    const [there] = await sql`select from pg_namespace where nspname = ${schema}`;
    if (there) continue;
    throw new Trouble(
      `The extension ${extension} is not enabled.`,
      `Enable it (dashboard, Database, Extensions; or: create extension ${extension};), then: make deploy`,
    );
  }
  const applied = pushed.answer["migrations"];
  return Array.isArray(applied) && applied.length > 0
    ? `${applied.length} applied`
    : "unchanged: all were applied";
}

interface Kept {
  url: string | null;
  secret: string | null;
}

async function readVault(sql: Sql): Promise<Kept> {
  const [kept] = await sql<Kept[]>`
    select scheduler.read_secret('scenario_scheduler_url') as url,
      scheduler.read_secret('scenario_scheduler_secret') as secret
  `;
  return kept ?? { url: null, secret: null };
}

export async function deploy(plan: Plan, present: ReadonlyMap<string, string>): Promise<void> {
  const { projectRef, databaseUrl, url } = plan;
  const sql = connect(withTls(databaseUrl));
  const wanted = new Map(plan.passedOn);
  try {
    await done("migrations", () => migrate(sql, databaseUrl));

    const kept = await readVault(sql);
    const usable = kept.secret && !secretProblem(kept.secret) ? kept.secret : undefined;
    const secret = plan.secret ?? (plan.rotate ? undefined : usable) ?? newSecret();
    wanted.set("SCHEDULER_SECRET", secret);
    if (usable && usable !== secret) wanted.set("SCHEDULER_SECRET_PREVIOUS", usable);

    await done(`the login ${LOGIN}`, async () => {
      if (plan.dispatcherUrl) {
        wanted.set("SCHEDULER_DB_URL", plan.dispatcherUrl);
        return "as SCHEDULER_DB_URL says";
      }
      if (present.has("SCHEDULER_DB_URL") && !plan.newLogin) {
        return "unchanged: the function has one (NEW_LOGIN=1 makes a new password)";
      }
      const made = await makeLogin(sql, plan);
      wanted.set("SCHEDULER_DB_URL", made);
      return `has a new password, and logs in at ${new URL(made).host}`;
    });

    await done("secrets of the function", async () => {
      const changed = new Map(
        [...wanted].filter(([name, value]) => {
          const [, text = ""] = line(name, value).match(/='(.*)'\n$/s) ?? [];
          return present.get(name) !== digest(text);
        }),
      );
      if (changed.size === 0) return "unchanged";
      await setSecrets(projectRef, changed);
      return `set: ${[...changed.keys()].sort().join(", ")}`;
    });

    await done(`the function ${FUNCTION}`, async () => {
      const deployed = await cli([
        "functions",
        "deploy",
        FUNCTION,
        "--use-api",
        `--remote=${projectRef}`,
      ]);
      if (deployed.success) return "uploaded, as a new version";
      throw new Trouble(
        `The function was not deployed: ${deployed.problem}`,
        "The one that was there goes on. Put right what it says, then: make deploy",
      );
    });

    await done("the function takes its secret", async () => {
      await untilItTakes(plan, secret);
      return wanted.has("SCHEDULER_SECRET_PREVIOUS") ? "and the previous one" : "yes";
    });

    await done("Vault", async () => {
      if (kept.url === url && kept.secret === secret) return "unchanged";
      await sql`select scheduler.configure_edge(url => ${url}, secret => ${secret})`;
      return `keeps ${kept.secret === secret ? "the url" : "the url and the secret"} now`;
    });

    await done("schedules", async () => {
      const entries = await sql<{ cron_name: string; change: string }[]>`
        select cron_name, change from scheduler.apply_schedules()
      `;
      const taken = entries.find(({ change }) => change === "taken");
      if (taken) {
        throw new Trouble(
          `pg_cron has an entry ${taken.cron_name} that is not this project's.`,
          "Give the job another cron_name in scheduler.jobs, or take that entry away; then: make deploy",
        );
      }
      const changed = entries.filter(({ change }) => change !== "unchanged");
      return changed.length === 0
        ? `unchanged: ${entries.length} entries`
        : changed.map(({ cron_name, change }) => `${cron_name} ${change}`).join(", ");
    });

    if (wanted.has("SCHEDULER_SECRET_PREVIOUS") || present.has("SCHEDULER_SECRET_PREVIOUS")) {
      console.log(
        "\nThe previous secret is still accepted. When nobody uses it any more:\n" +
          `  npx supabase secrets unset SCHEDULER_SECRET_PREVIOUS --remote=${projectRef}`,
      );
    }
    console.log(`\nNext, with the same DATABASE_URL:\n  make verify URL=${url}`);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** What can be said before anything is done, of what is given and what is there. */
async function look(): Promise<{ plan: Plan; present: Map<string, string>; problems: string[] }> {
  const { plan, problems } = await readPlan((name) => Deno.env.get(name));
  const present = new Map<string, string>();
  const named = (name: string) => problems.some((problem) => problem.startsWith(name));
  if (!named("PROJECT_REF") && !named("SUPABASE_ACCESS_TOKEN")) {
    try {
      for (const [name, value] of await readSecrets(plan.projectRef)) present.set(name, value);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      problems.push(`${error.message}\n    ${error.next}`);
    }
  }
  const provider = missingProvider(plan, present);
  if (provider && !named("FCM_SERVICE_ACCOUNT") && !named("PUSH_PROVIDER")) problems.push(provider);
  if (!named("DATABASE_URL")) {
    const sql = connect(withTls(plan.databaseUrl));
    try {
      await sql`select 1`;
    } catch (error) {
      const said = error instanceof Error ? error.message || String(error) : String(error);
      problems.push(`DATABASE_URL leads nowhere: ${said}`);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
  return { plan, present, problems };
}

if (import.meta.main) {
  const { plan, present, problems } = await look();
  if (problems.length > 0) {
    console.error(`Nothing was done:\n${problems.map((text) => `  - ${text}`).join("\n")}`);
    Deno.exit(2);
  }
  try {
    await deploy(plan, present);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const next = error instanceof Trouble ? error.next : "What was done stays. Then: make deploy";
    console.error(`\n${said}\nnext: ${next}`);
    Deno.exit(1);
  }
}
