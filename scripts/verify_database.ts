// The lines of make verify that the database answers: migrations, pg_cron's entries,
// Vault, the way through pg_net, and its own status.

import { isAmongOthers, missingMigrations, push } from "./project.ts";
import type { Sql } from "./server.ts";
import type { Deployment, Finding } from "./verify.ts";

export async function checkMigrations(
  name: string,
  sql: Sql,
  databaseUrl: string,
): Promise<Finding> {
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
export const NEEDED = ["scenario-scheduler-daily", "scenario-scheduler-dispatch"];

interface CronRow {
  cron_name: string;
  wanted: string | null;
  schedule: string | null;
  active: boolean | null;
  ours: boolean | null;
  paused: string | null;
  upcoming: string | null;
}

export async function checkSchedules(sql: Sql): Promise<Finding[]> {
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

export interface Kept {
  url: string | null;
  secret: string | null;
  problem: string | null;
}

export async function readVault(sql: Sql): Promise<Kept> {
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

export function checkVault(name: string, kept: Kept, deployment: Deployment): Finding {
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
export async function checkPgNet(name: string, sql: Sql, waitSeconds: number): Promise<Finding> {
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

export async function checkStatus(name: string, sql: Sql): Promise<Finding> {
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
