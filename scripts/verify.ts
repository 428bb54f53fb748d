// make verify URL=… DATABASE_URL=…: the deployment checklist as a program. Nothing is
// sent to anybody: every run that it asks for is a dry run.

import { type Answer, ask, errorOf } from "./ask.ts";
import { newSecret } from "./edge_function.ts";
import {
  apiUrlOf,
  apiUrlProblem,
  databaseProblem,
  secretProblem,
  supabaseUrlOf,
  supabaseUrlProblem,
  urlProblem,
  waitProblem,
  withTls,
} from "./project.ts";
import { connect } from "./server.ts";
import { checkApi } from "./verify_api.ts";
import {
  checkMigrations,
  checkPgNet,
  checkSchedules,
  checkStatus,
  checkVault,
  type Kept,
  NEEDED,
  readVault,
} from "./verify_database.ts";

export interface Deployment {
  /** Where the function scenario-scheduler is. */
  url: string;
  apiUrl: string;
  /** The project's address, under which its Auth is. */
  supabaseUrl: string;
  databaseUrl: string;
  /** If not given, the one in Vault. */
  secret?: string | undefined;
  /** How long pg_net may take; a minute, if not given. */
  waitSeconds?: number;
}

export interface Finding {
  name: string;
  passed: boolean;
  detail: string;
  /** What to do; only where it failed. */
  next?: string;
}

// The function -------------------------------------------------------------------

/** A dry run, asked for as the database asks. */
async function askForRun(url: string, headers: HeadersInit, body: unknown): Promise<Answer> {
  return await ask(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

function isUnauthorized({ status, json }: Answer): boolean {
  return status === 401 && json !== undefined && errorOf(json)?.type === "unauthorized";
}

function checkFunction(name: string, answer: Answer): Finding {
  if (isUnauthorized(answer)) {
    const detail = "answers, so it has started, and its environment is complete";
    return { name, passed: true, detail };
  }
  const failed = (detail: string, next: string) => ({ name, passed: false, detail, next });
  if (answer.status === 0) {
    return failed(
      answer.said,
      "Look whether URL is right, the project is not paused, and the function is deployed: npx supabase functions list --remote=<project ref>",
    );
  }
  if (answer.status === 404) {
    return failed(
      `${answer.said}: no function is at this address`,
      "Is URL right? Then deploy it: make deploy",
    );
  }
  if (answer.status === 401) {
    return failed(
      `${answer.said}: not the function but the platform refuses, which wants a JWT`,
      "It was deployed without this project's supabase/config.toml (verify_jwt = false): make deploy",
    );
  }
  if (answer.status >= 500) {
    return failed(
      `${answer.said}: the function does not start`,
      "Its log (dashboard, Edge Functions, scenario-scheduler, Logs) says what is wrong in its environment; set that, and: make deploy",
    );
  }
  return failed(
    `${answer.said}: not how the function answers`,
    "URL is that of something else: https://<project ref>.supabase.co/functions/v1/scenario-scheduler",
  );
}

// All of it ------------------------------------------------------------------------

function says(error: unknown): string {
  return error instanceof AggregateError
    ? error.errors.map(says).join("; ")
    : error instanceof Error
    ? error.message
    : String(error);
}

const CURRENT = "The database may be older than this folder: make deploy";

/** What became of each line of the checklist, as it becomes known. */
export async function* verify(deployment: Deployment): AsyncGenerator<Finding> {
  const { url, databaseUrl, waitSeconds = 60 } = deployment;
  const sql = connect(withTls(databaseUrl));
  const attempt = async <T>(
    name: string,
    work: () => Promise<T>,
  ): Promise<{ result: T } | { failed: Finding }> => {
    try {
      return { result: await work() };
    } catch (error) {
      return { failed: { name, passed: false, detail: says(error), next: CURRENT } };
    }
  };
  const finding = async (name: string, work: (name: string) => Promise<Finding>) => {
    const tried = await attempt(name, () => work(name));
    return "result" in tried ? tried.result : tried.failed;
  };
  const after = (name: string, first: string): Finding => ({
    name,
    passed: false,
    detail: "could not be looked at",
    next: `First: ${first}.`,
  });

  try {
    const reached = await finding("database", async (name) => {
      const [server] = await sql<{ version: string; role: string }[]>`
        select current_setting('server_version') as version, current_user as role
      `;
      const detail = `PostgreSQL ${server?.version}, as ${server?.role}`;
      return { name, passed: true, detail };
    });
    yield reached.passed ? reached : {
      ...reached,
      next: "Look at DATABASE_URL (dashboard, Connect), and whether the project is paused.",
    };

    let kept: Kept | undefined;
    let installed = false;
    if (!reached.passed) {
      yield after("migrations", "database");
    } else {
      yield await finding("migrations", (name) => checkMigrations(name, sql, databaseUrl));
      const looked = await attempt("schema", () =>
        sql<{ there: boolean }[]>`
          select to_regclass('scheduler.requests') is not null as there
        `);
      installed = "result" in looked && looked.result[0]?.there === true;
    }
    const first = reached.passed ? "migrations" : "database";
    if (!installed) {
      for (const name of NEEDED) yield after(`cron ${name}`, first);
      yield after("vault", first);
    } else {
      const schedules = await attempt("cron", () => checkSchedules(sql));
      yield* "result" in schedules ? schedules.result : [schedules.failed];
      yield await finding("vault", async (name) => {
        kept = await readVault(sql);
        return checkVault(name, kept, deployment);
      });
    }

    const withoutSecret = await askForRun(url, {}, { dry_run: true });
    const answers = checkFunction("function", withoutSecret);
    yield answers;
    if (!answers.passed) {
      for (const name of ["no secret", "wrong secret", "right secret", "ledger"]) {
        yield after(name, "function");
      }
    } else {
      yield { name: "no secret", passed: true, detail: `${withoutSecret.said}, valid JSON` };
      const wrong = await askForRun(url, { "x-scheduler-secret": newSecret() }, { dry_run: true });
      yield isUnauthorized(wrong)
        ? { name: "wrong secret", passed: true, detail: `${wrong.said}, valid JSON` }
        : {
          name: "wrong secret",
          passed: false,
          detail: wrong.said,
          next: "It must be 401. Is what is deployed this project's function? make deploy",
        };
      yield* checkRun(url, deployment.secret ?? kept?.secret ?? undefined, installed, first);
    }

    yield* checkApi(deployment);

    if (!installed) {
      yield after("pg_net", first);
      yield after("status", first);
    } else {
      yield kept && !kept.problem
        ? await finding("pg_net", (name) => checkPgNet(name, sql, waitSeconds))
        : after("pg_net", "vault");
      yield await finding("status", (name) => checkStatus(name, sql));
    }
  } finally {
    await sql.end({ timeout: 2 });
  }

  async function* checkRun(
    url: string,
    secret: string | undefined,
    installed: boolean,
    first: string,
  ): AsyncGenerator<Finding> {
    if (!secret) {
      yield after("right secret", "vault, or give SCHEDULER_SECRET");
      yield after("ledger", "right secret");
      return;
    }
    const id = crypto.randomUUID();
    const run = await askForRun(url, { "x-scheduler-secret": secret }, {
      dry_run: true,
      invocation_id: id,
      triggered_by: "verify",
    });
    const passed = run.status === 200 && run.json?.["invocation_id"] === id &&
      run.json["completed"] === true;
    yield passed
      ? {
        name: "right secret",
        passed,
        detail: `200, valid JSON: ${run.json?.["total_active_mentors"]} active mentors, ` +
          `${run.json?.["total_candidates"]} would get a push now; dry run, nothing sent`,
      }
      : {
        name: "right secret",
        passed,
        detail: run.said,
        next: run.status === 401
          ? "The function has another secret, or none: make deploy sets Vault's and the function's"
          : run.status === 500
          ? "The log of the function says why; most often SCHEDULER_DB_URL does not let it into the database."
          : "It must be 200 with a summary. Is what is deployed this project's function? make deploy",
      };
    if (!passed) yield after("ledger", "right secret");
    else if (!installed) yield after("ledger", first);
    else yield await finding("ledger", (name) => checkLedger(name, id));
  }

  async function checkLedger(name: string, id: string): Promise<Finding> {
    const [row] = await sql<{ status: string; dry_run: boolean }[]>`
      select status, dry_run from scheduler.invocations where id = ${id}
    `;
    return row?.status === "completed" && row.dry_run
      ? { name, passed: true, detail: "that run is in scheduler.invocations, completed" }
      : {
        name,
        passed: false,
        detail: row ? `that run is ${row.status} in scheduler.invocations` : "that run has no row",
        next: row
          ? "The log of the function says more."
          : "The function writes to another database: look at its SCHEDULER_DB_URL and at DATABASE_URL.",
      };
  }
}

export function show({ name, passed, detail, next }: Finding): string {
  const lines = `${name.padEnd(38)}${detail}`.replaceAll("\n", `\n${" ".repeat(48)}`);
  return `  ${passed ? "passed" : "failed"}  ${lines}${next ? `\n          next: ${next}` : ""}`;
}

if (import.meta.main) {
  const read = (name: string) => Deno.env.get(name)?.trim() || undefined;
  const [url, databaseUrl, secret] = [read("URL"), read("DATABASE_URL"), read("SCHEDULER_SECRET")];
  const problems = [
    urlProblem(url),
    apiUrlProblem(url, read("API_URL")),
    supabaseUrlProblem(read("SUPABASE_URL")),
    databaseProblem(databaseUrl),
    secretProblem(secret),
    waitProblem(read("WAIT")),
  ].filter((problem) => problem !== undefined);
  const apiUrl = url && apiUrlOf(url, read("API_URL"));
  if (!url || !apiUrl || !databaseUrl || problems.length > 0) {
    console.error(`Nothing was tried:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    Deno.exit(2);
  }
  let failed = 0;
  let looked = 0;
  const waitSeconds = Number(read("WAIT") ?? 60);
  const supabaseUrl = supabaseUrlOf(url, read("SUPABASE_URL"));
  const deployment = { url, apiUrl, supabaseUrl, databaseUrl, secret, waitSeconds };
  for await (const finding of verify(deployment)) {
    console.log(show(finding));
    looked++;
    if (!finding.passed) failed++;
  }
  console.log(failed === 0 ? `\nAll ${looked} passed.` : `\n${failed} of ${looked} failed.`);
  Deno.exit(failed === 0 ? 0 : 1);
}
