// make deploy PROJECT_REF=… DATABASE_URL=…: the database, the functions' logins and
// secrets, the functions, Vault and the schedules, in an order in which no tick in
// between fails. It can be repeated, and says what it changed.

import { createHash } from "node:crypto";
import { missingPortal, missingProvider, type Plan, readPlan } from "./deploy_plan.ts";
import { newSecret } from "./edge_function.ts";
import { checkMembership, LOGINS, makeLogin } from "./logins.ts";
import {
  API,
  apiUrlOf,
  cli,
  isAmongOthers,
  missingMigrations,
  push,
  SCHEDULER,
  secretProblem,
  Trouble,
  withTls,
} from "./project.ts";
import { connect, type Sql } from "./server.ts";
import { onInterrupt, step } from "./terminal.ts";

// What is there ------------------------------------------------------------------

/** The functions' secrets, which they share: names, and digests of their values. */
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

// The functions --------------------------------------------------------------------

/** The status of what a function answers, or why there is none. */
async function knock(url: string, options: RequestInit): Promise<number | string> {
  try {
    const response = await fetch(url, {
      ...options,
      redirect: "manual",
      signal: AbortSignal.timeout(20_000),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Knocks until the function answers so, or the time is over. */
async function until(
  expected: number,
  url: string,
  options: RequestInit,
  waitSeconds: number,
): Promise<{ answered: boolean; said: string }> {
  const started = performance.now();
  while (true) {
    const answer = await knock(url, options);
    if (answer === expected) return { answered: true, said: "" };
    if (performance.now() - started > waitSeconds * 1000) {
      return {
        answered: false,
        said: typeof answer === "number" ? `it answered ${answer}` : answer,
      };
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Whether the function takes this secret, without a run: a body that is no JSON comes back as 415. */
async function untilItTakes({ url, waitSeconds }: Plan, secret: string): Promise<void> {
  const headers = { "x-scheduler-secret": secret, "content-type": "text/plain" };
  const { answered, said } = await until(
    415,
    url,
    { method: "POST", headers, body: "" },
    waitSeconds,
  );
  if (answered) return;
  throw new Trouble(
    `The function does not take its secret at ${url}: ${said}`,
    `Its log (dashboard, Edge Functions, ${SCHEDULER}, Logs) says whether it starts; ` +
      "Vault was left as it was. Then: make deploy",
  );
}

async function untilItDescribesItself({ apiUrl, waitSeconds }: Plan): Promise<void> {
  const { answered, said } = await until(200, `${apiUrl}/v1/openapi.json`, {}, waitSeconds);
  if (answered) return;
  throw new Trouble(
    `The function ${API} does not answer at ${apiUrl}: ${said}`,
    `Its log (dashboard, Edge Functions, ${API}, Logs) says whether it starts; ` +
      "pushes go out all the same. Then: make deploy",
  );
}

async function upload(name: string, projectRef: string): Promise<string> {
  const deployed = await cli([
    "functions",
    "deploy",
    name,
    "--use-api",
    `--remote=${projectRef}`,
  ]);
  if (deployed.success) return "uploaded, as a new version";
  throw new Trouble(
    `The function ${name} was not deployed: ${deployed.problem}`,
    "The one that was there goes on. Put right what it says, then: make deploy",
  );
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

    for (const login of LOGINS) {
      const { role, variable } = login;
      await done(`the login ${role}`, async () => {
        const given = plan.loginUrls.get(variable);
        if (given) {
          wanted.set(variable, given);
          return `as ${variable} says`;
        }
        await checkMembership(sql, login);
        if (present.has(variable) && !plan.newLogin) {
          return "unchanged: its function has one (NEW_LOGIN=1 makes new passwords)";
        }
        const made = await makeLogin(sql, login, plan);
        wanted.set(variable, made);
        return `has a new password, and logs in at ${new URL(made).host}`;
      });
    }

    await done("secrets of the functions", async () => {
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

    await done(`the function ${SCHEDULER}`, () => upload(SCHEDULER, projectRef));

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

    await done(`the function ${API}`, () => upload(API, projectRef));

    await done(`the function ${API} answers`, async () => {
      await untilItDescribesItself(plan);
      return `yes: ${plan.apiUrl}/v1/openapi.json`;
    });

    if (wanted.has("SCHEDULER_SECRET_PREVIOUS") || present.has("SCHEDULER_SECRET_PREVIOUS")) {
      console.log(
        "\nThe previous secret is still accepted. When nobody uses it any more:\n" +
          `  npx supabase secrets unset SCHEDULER_SECRET_PREVIOUS --remote=${projectRef}`,
      );
    }
    const elsewhere = plan.apiUrl === apiUrlOf(url, undefined) ? "" : ` API_URL=${plan.apiUrl}`;
    console.log(`\nNext, with the same DATABASE_URL:\n  make verify URL=${url}${elsewhere}`);
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
  problems.push(...await missingPortal(plan, present));
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
