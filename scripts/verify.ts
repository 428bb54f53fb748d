// make verify URL=… DATABASE_URL=…: the deployment checklist as a program. Nothing is
// sent to anybody: every run that it asks for is a dry run.

import { newSecret } from "./edge_function.ts";
import {
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

export interface Deployment {
  url: string;
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

interface Answer {
  /** 0: none came. */
  status: number;
  json: Record<string, unknown> | undefined;
  /** In a few words. */
  said: string;
}

async function ask(url: string, headers: HeadersInit, body: unknown): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      // A secret must not follow to another place.
      redirect: "manual",
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    let json: Record<string, unknown> | undefined;
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === "object" && parsed !== null) json = { ...parsed };
    } catch {
      // Not JSON.
    }
    const reason = json && (errorOf(json)?.type ?? json["code"] ?? json["message"]);
    const kind = json ? "JSON" : "no JSON";
    return {
      status: response.status,
      json,
      said: `${response.status} ${typeof reason === "string" ? reason.slice(0, 80) : `(${kind})`}`,
    };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { status: 0, json: undefined, said: `no answer: ${said}` };
  }
}

/** An error as this project's functions write it. */
function errorOf(json: Record<string, unknown>): { type: string } | undefined {
  const { type, message } = Object(json["error"]) as { type?: unknown; message?: unknown };
  return typeof type === "string" && typeof message === "string" ? { type } : undefined;
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

// The database -------------------------------------------------------------------

async function checkMigrations(name: string, sql: Sql, databaseUrl: string): Promise<Finding> {
  const missing = await missingMigrations(sql);
  const failed = (detail: string, next: string) => ({ name, passed: false, detail, next });
  if (missing.length > 0) {
    return failed(
      `not applied: ${missing.length}, the first ${missing[0]}`,
      "make deploy, or: npx supabase db push --remote=…",
    );
  }
  const pushed = await push(databaseUrl, "--dry-run");
  if (pushed.success && pushed.answer["upToDate"] === true) {
    return { name, passed: true, detail: "all applied; a second push would change nothing" };
  }
  if (isAmongOthers(pushed)) {
    return { name, passed: true, detail: "all applied, among others of the project's own" };
  }
  return pushed.success
    ? failed("a second push would change something", "npx supabase db push --dry-run --remote=…")
    : failed(pushed.problem, "The Supabase CLI could not look at the database: try it by hand.");
}

const SHIPPED = new Map([
  ["scenario-scheduler-daily", "0 6 * * *"],
  ["scenario-scheduler-dispatch", "* * * * *"],
  ["nightly-scheduler", "0 2 * * *"],
  ["scenario-scheduler-housekeeping", "30 3 * * *"],
]);
const NEEDED = ["scenario-scheduler-daily", "scenario-scheduler-dispatch"];

interface CronRow {
  cron_name: string;
  wanted: string | null;
  schedule: string | null;
  active: boolean | null;
  ours: boolean | null;
  paused: string | null;
  upcoming: string | null;
}

async function checkSchedules(sql: Sql): Promise<Finding[]> {
  const [cron] = await sql<{ enabled: boolean }[]>`
    select to_regclass('cron.job') is not null as enabled
  `;
  if (!cron?.enabled) {
    return NEEDED.map((cronName) => ({
      name: `cron ${cronName}`,
      passed: false,
      detail: "pg_cron is not enabled",
      next:
        "Enable it (dashboard, Database, Extensions), then: select * from scheduler.apply_schedules();",
    }));
  }
  const rows = await sql<CronRow[]>`
    with wanted as (
      select job.cron_name, min(job.schedule) as schedule, array_agg(job.job_name) as job_names
      from scheduler.jobs as job
      where job.cron_name is not null
      group by job.cron_name
    ),
    named as (
      select wanted.cron_name from wanted
      union
      select needed.cron_name from unnest(${NEEDED}::text[]) as needed (cron_name)
    )
    select
      named.cron_name,
      wanted.schedule as wanted,
      entry.schedule,
      entry.active,
      entry.ours,
      (
        select format('%s paused since %s by %s (%s)', coalesce(open.job_name, 'everything'),
          to_char(open.paused_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), open.paused_by,
          coalesce(open.reason, 'no reason given'))
        from scheduler.pauses as open
        where open.resumed_at is null and open.organisation_id is null
          and (open.job_name is null or open.job_name = any (wanted.job_names))
        order by open.job_name nulls first
        limit 1
      ) as paused,
      to_char(next.tick at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC, '
        || to_char(next.tick at time zone 'Europe/Oslo', 'HH24:MI') || ' in Oslo' as upcoming
    from named
    left join wanted on wanted.cron_name = named.cron_name
    left join scheduler.cron_entries() as entry on entry.jobname = named.cron_name
    left join lateral (select scheduler.next_tick(wanted.schedule, now()) as tick) as next
      on wanted.schedule is not null
    order by named.cron_name
  `;
  return rows.map(checkEntry);
}

function checkEntry(row: CronRow): Finding {
  const name = `cron ${row.cron_name}`;
  const failed = (detail: string, next: string) => ({ name, passed: false, detail, next });
  const apply = "select * from scheduler.apply_schedules();";
  const shipped = SHIPPED.get(row.cron_name);
  if (row.wanted === null) {
    return failed(
      "no job in scheduler.jobs has this entry",
      `Give the job its schedule and cron_name again (shipped: ${row.cron_name} on ${shipped}).`,
    );
  }
  if (row.schedule === null) return failed("pg_cron has no such entry", apply);
  if (!row.ours) {
    return failed(
      "pg_cron's entry of that name does something else",
      `Take it away (select cron.unschedule('${row.cron_name}');), then: ${apply}`,
    );
  }
  if (row.schedule !== row.wanted) {
    return failed(`on ${row.schedule} instead of ${row.wanted}`, apply);
  }
  if (!row.active) {
    return row.paused
      ? failed(row.paused, "select scheduler.resume('<job>'); or, of everything: resume();")
      : failed("pg_cron's entry is not active", apply);
  }
  const changed = shipped && shipped !== row.schedule ? ` (shipped: ${shipped})` : "";
  return { name, passed: true, detail: `${row.schedule}${changed}, next ${row.upcoming}` };
}

interface Kept {
  url: string | null;
  secret: string | null;
  problem: string | null;
}

async function readVault(sql: Sql): Promise<Kept> {
  const [kept] = await sql<Kept[]>`
    select kept.url, kept.secret,
      coalesce(scheduler.edge_url_problem(kept.url), scheduler.edge_secret_problem(kept.secret)) as problem
    from (
      select scheduler.read_secret('scenario_scheduler_url') as url,
        scheduler.read_secret('scenario_scheduler_secret') as secret
    ) as kept
  `;
  if (!kept) throw new Error("Vault could not be read");
  return kept;
}

function checkVault(name: string, kept: Kept, deployment: Deployment): Finding {
  const failed = (detail: string, next: string) => ({ name, passed: false, detail, next });
  if (kept.problem) {
    return failed(
      kept.problem,
      `make deploy, or: select scheduler.configure_edge(url => '${deployment.url}', secret => '…');`,
    );
  }
  if (new URL(kept.url ?? "").href !== new URL(deployment.url).href) {
    return failed(
      `its url is ${kept.url}`,
      `If URL is right: select scheduler.configure_edge(url => '${deployment.url}');`,
    );
  }
  if (deployment.secret && deployment.secret !== kept.secret) {
    return failed(
      "its secret is not SCHEDULER_SECRET",
      "Leave SCHEDULER_SECRET out to try the one in Vault; to change Vault's and the function's: SCHEDULER_SECRET=… make deploy",
    );
  }
  return { name, passed: true, detail: "its url is URL, and it keeps a secret" };
}

interface Asked {
  status: string;
  error_message: string | null;
  http_status: number | null;
  outcome: string | null;
  error: string | null;
}

/** The whole way: Vault, signature, pg_net's worker, the function, the ledger. */
async function checkPgNet(name: string, sql: Sql, waitSeconds: number): Promise<Finding> {
  const [invoked] = await sql<{ id: string }[]>`
    select scheduler.invoke_edge('scenario-evaluation', dry_run => true, triggered_by => 'verify') as id
  `;
  const id = invoked?.id ?? "";
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let asked: Asked | undefined;
  let acceptedAfter = Infinity;
  do {
    await sql`select scheduler.see_responses(at => now())`;
    [asked] = await sql<Asked[]>`
      select run.status, run.error_message, run.http_status, request.outcome, request.error
      from scheduler.invocations as run
      left join scheduler.requests as request on request.invocation_id = run.id
      where run.id = ${id}
      order by request.id desc
      limit 1
    `;
    if (asked?.status === "completed" && asked.http_status !== null) break;
    if (asked?.outcome && asked.outcome !== "accepted") break;
    if (asked && !["requested", "running", "completed"].includes(asked.status)) break;
    if (asked?.outcome === "accepted") acceptedAfter = Math.min(acceptedAfter, seconds());
    if (asked?.status === "requested" && seconds() > acceptedAfter + 5) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  } while (seconds() < waitSeconds);

  if (asked?.status === "completed" && asked.http_status === 202) {
    const detail = `a signed dry run went there and back in ${seconds().toFixed(1)} s, http 202`;
    return { name, passed: true, detail };
  }
  // It would be asked for again, and count as a run that was given up.
  await sql`
    delete from scheduler.invocations
    where id = ${id} and triggered_by = 'verify' and status <> 'running'
  `;
  return { name, passed: false, ...explain(asked, waitSeconds) };
}

function explain(asked: Asked | undefined, waited: number): { detail: string; next: string } {
  const { status, http_status: http, outcome, error, error_message: message } = asked ?? {};
  if (outcome === "refused" && http === 401) {
    return {
      detail: "the function refuses Vault's signature (401)",
      next: "Vault and the function have different secrets: make deploy sets one for both",
    };
  }
  if (outcome === "refused") {
    return {
      detail: `answered ${http} ${error ?? ""}`.trimEnd(),
      next: "Is Vault's url that of the function? The log of the function says more.",
    };
  }
  if (outcome === "accepted" && status === "requested") {
    return {
      detail: `answered ${http}, but no run began`,
      next: "Vault's url is that of something else: select scheduler.configure_edge(url => '…');",
    };
  }
  if (outcome === "timed_out" || outcome === "unreachable") {
    return {
      detail: `not reached: ${error ?? outcome}`,
      next: "Does Vault's url lead to the function, from where the database stands?",
    };
  }
  if (outcome === "accepted" || status === "running") {
    return {
      detail: `the run is ${status} after ${waited} s, http ${http}`,
      next: "The log of the function says how far it is; or URL=… make verify again.",
    };
  }
  if (status === "failed" || status === "skipped" || status === "abandoned") {
    return {
      detail: `the run is ${status}: ${message ?? "no more is known"}`,
      next: "select * from scheduler_status(); says what is not set up.",
    };
  }
  return {
    detail: `not asked within ${waited} s: the request ${
      outcome === "lost" ? "was lost" : "waits in pg_net's queue"
    }`,
    next: "pg_net's worker does not run: select net.worker_restart(); or restart the database.",
  };
}

async function checkStatus(name: string, sql: Sql): Promise<Finding> {
  const rows = await sql<{ component: string; status: string; detail: string }[]>`
    select component, status, detail from public.scheduler_status() where status <> 'ok'
  `;
  const failing = rows.filter(({ status }) => status === "fail");
  const warned = rows.filter(({ status }) => status !== "fail").map(({ component }) => component);
  if (failing.length > 0) {
    return {
      name,
      passed: false,
      detail: failing.map(({ component, detail }) => `${component}: ${detail}`).join("\n"),
      next: "What each line says; then: select * from scheduler_status();",
    };
  }
  const warnings = warned.length > 0 ? `; warns of: ${warned.join(", ")}` : "";
  return { name, passed: true, detail: `nothing fails${warnings}` };
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

    const withoutSecret = await ask(url, {}, { dry_run: true });
    const answers = checkFunction("function", withoutSecret);
    yield answers;
    if (!answers.passed) {
      for (const name of ["no secret", "wrong secret", "right secret", "ledger"]) {
        yield after(name, "function");
      }
    } else {
      yield { name: "no secret", passed: true, detail: `${withoutSecret.said}, valid JSON` };
      const wrong = await ask(url, { "x-scheduler-secret": newSecret() }, { dry_run: true });
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
    const run = await ask(url, { "x-scheduler-secret": secret }, {
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
    databaseProblem(databaseUrl),
    secretProblem(secret),
    waitProblem(read("WAIT")),
  ].filter((problem) => problem !== undefined);
  if (!url || !databaseUrl || problems.length > 0) {
    console.error(`Nothing was tried:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    Deno.exit(2);
  }
  let failed = 0;
  let looked = 0;
  const waitSeconds = Number(read("WAIT") ?? 60);
  for await (const finding of verify({ url, databaseUrl, secret, waitSeconds })) {
    console.log(show(finding));
    looked++;
    if (!finding.passed) failed++;
  }
  console.log(failed === 0 ? `\nAll ${looked} passed.` : `\n${failed} of ${looked} failed.`);
  Deno.exit(failed === 0 ? 0 : 1);
}
