// The worker of sql/local/cron.sql, as pg_cron's: each active job when its minute
// comes, in UTC, as the role that scheduled it, one instance of a job at a time.
// Nothing is caught up.

import { setTimeout as sleep } from "node:timers/promises";
import postgres from "postgres";
import { connect, type Sql } from "./server.ts";

export interface CronRun {
  runid: string;
  status: "succeeded" | "failed";
  return_message: string;
}

export interface CronWorker {
  /** Runs a job now, after the instances of it that run or wait. */
  fire(jobname: string): Promise<CronRun>;
  stop(): Promise<void>;
}

export interface CronWorkerOptions {
  /** How often the schedules are looked at. */
  pollMilliseconds?: number;
  now?: () => Date;
}

interface Job {
  jobid: string;
  schedule: string;
  command: string;
  username: string;
}

/** Runs the jobs in cron.job of a database until it is stopped. Takes the superuser's address. */
export async function startCronWorker(
  url: string,
  options: CronWorkerOptions = {},
): Promise<CronWorker> {
  const sql = connect(url);
  const now = options.now ?? (() => new Date());
  const stopping = new AbortController();
  const runs = new Map<string, Promise<CronRun>>();

  const start = (job: Job): Promise<CronRun> => {
    const previous = runs.get(job.jobid)?.catch(() => {});
    const run = (previous ?? Promise.resolve()).then(() => runJob(sql, url, job, stopping.signal));
    runs.set(job.jobid, run);
    const forget = () => {
      if (runs.get(job.jobid) === run) runs.delete(job.jobid);
    };
    run.then(forget, forget);
    return run;
  };

  const interrupted = "server restarted";
  await sql`
    update cron.job_run_details
    set status = 'failed', return_message = ${interrupted}
    where status in ('starting', 'running')
  `;

  const work = async () => {
    let lookedAt = now();
    let known = new Set<string>();
    while (!stopping.signal.aborted) {
      const lookingAt = now();
      try {
        const jobs = await sql<Job[]>`
          select jobid, schedule, command, username from cron.job where active order by jobid
        `;
        const keys = new Set<string>();
        for (const job of jobs) {
          const key = `${job.jobid} ${job.schedule}`;
          keys.add(key);
          // A job that is new waits for its next minute, whatever its last one was.
          if (!known.has(key)) continue;
          const tick = await previousTick(sql, job.schedule, lookingAt);
          if (tick && tick > lookedAt) start(job).catch((error) => complain(job, error));
        }
        known = keys;
        lookedAt = lookingAt;
      } catch (error) {
        if (!stopping.signal.aborted) {
          console.error(`The stand-in of pg_cron's worker could not look at the jobs: ${error}`);
        }
      }
      await sleep(options.pollMilliseconds ?? 1000, undefined, { signal: stopping.signal })
        .catch(() => {});
    }
  };

  const complain = (job: Job, error: unknown) => {
    if (!stopping.signal.aborted) console.error(`Job ${job.jobid} could not be run: ${error}`);
  };

  const working = work();
  return {
    async fire(jobname) {
      const [job] = await sql<Job[]>`
        select jobid, schedule, command, username
        from cron.job
        where jobname = ${jobname}
        order by jobid
      `;
      if (!job) throw new Error(`No job is named ${jobname} in cron.job.`);
      return await start(job);
    },
    async stop() {
      stopping.abort(new Error("The worker is stopped."));
      await working;
      while (runs.size > 0) {
        await sql`
          select pg_cancel_backend(job_pid) from cron.job_run_details where status = 'running'
        `;
        await Promise.race([Promise.allSettled(runs.values()), sleep(100)]);
      }
      await sql.end({ timeout: 1 });
    },
  };
}

const unreadable = new Set<string>();

/** When the schedule last came; never, if it can't be read. */
async function previousTick(sql: Sql, schedule: string, at: Date): Promise<Date | null> {
  try {
    const [row] = await sql<{ tick: Date | null }[]>`
      select scheduler.previous_tick(schedule => ${schedule}, at => ${at}) as tick
    `;
    return row?.tick ?? null;
  } catch (error) {
    if (!(error instanceof postgres.PostgresError) || error.code !== "22023") throw error;
    if (!unreadable.has(schedule)) console.error(error.message);
    unreadable.add(schedule);
    return null;
  }
}

async function runJob(sql: Sql, url: string, job: Job, stopped: AbortSignal): Promise<CronRun> {
  stopped.throwIfAborted();
  const session = connect(url);
  try {
    // session_user too is whoever scheduled the job.
    await session`set session authorization ${session(job.username)}`;
    const [own] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const [run] = await sql<{ runid: string }[]>`
      insert into cron.job_run_details
        (jobid, job_pid, database, username, command, status, start_time)
      values (
        ${job.jobid}, ${own?.pid ?? null}, current_database(), ${job.username}, ${job.command},
        'running', clock_timestamp()
      )
      returning runid
    `;
    const runid = run?.runid ?? "";
    const ended = await session.unsafe(job.command).simple().then(
      (results) => ({ status: "succeeded" as const, return_message: successMessage(results) }),
      (error) => ({ status: "failed" as const, return_message: failureMessage(error) }),
    );
    await sql`
      update cron.job_run_details
      set
        status = ${ended.status},
        return_message = ${ended.return_message},
        end_time = clock_timestamp()
      where runid = ${runid}
    `;
    return { runid, ...ended };
  } finally {
    await session.end({ timeout: 1 });
  }
}

interface CommandResult {
  command?: string | null;
  count: number | null;
  columns?: { name: string }[];
}

/** The rows or the command tag, as pg_cron notes them, of the last statement with rows, if any has. */
function successMessage(results: unknown): string {
  // There are several where several statements have rows.
  const single = results as CommandResult;
  const last = single.command === undefined ? (results as CommandResult[]).at(-1) : single;
  if (!last?.command) return "0 rows";
  if (last.columns?.length) return `${last.count} ${last.count === 1 ? "row" : "rows"}`;
  if (last.command === "INSERT") return `INSERT 0 ${last.count}`;
  return last.count === null ? last.command : `${last.command} ${last.count}`;
}

/** What libpq says of an error. */
function failureMessage(error: unknown): string {
  if (!(error instanceof postgres.PostgresError)) return "connection lost";
  const parts: [string, string | undefined][] = [
    [error.severity, error.message],
    ["DETAIL", error.detail],
    ["HINT", error.hint],
    ["CONTEXT", error.where],
  ];
  return parts.filter(([, text]) => text).map(([name, text]) => `${name}:  ${text}\n`).join("");
}
