// A world for the dispatcher: mentors who are due for a reminder in a database
// of its own, a fake FCM, and the function as processes of their own.

import {
  type EdgeFunction,
  invoke,
  newSecret,
  startEdgeFunction,
} from "../../scripts/edge_function.ts";
import { type FakeFcm, type FakeFcmOptions, startFakeFcm } from "../../scripts/fake_fcm.ts";
import { type NetWorker, type NetWorkerOptions, startNetWorker } from "../../scripts/net_worker.ts";
import { pause, type TestDatabase, testDatabase } from "../../scripts/testing.ts";
import type { Sql } from "../../scripts/server.ts";

export interface MentorOptions {
  devices?: number;
  locale?: string;
  /** Of the fake's telling tokens: unregistered, mismatch, unavailable, … */
  token?: string;
  organisation?: string;
}

export const ORGANISATION = "aaaaaaaa-0000-4000-8000-000000000000";

export type Answered = Awaited<ReturnType<typeof invoke>>;
export type Entry = Record<string, unknown> & { event: string };

/** A run in the ledger, as far as a test can foresee it. */
export interface Run {
  job_name: string;
  status: string;
  status_reason: string | null;
  triggered_by: string;
  attempt: number;
  http_status: number | null;
  error_type: string | null;
}

/** A daily run that went as it should, from the tick to the end. */
export const DAILY: Run = {
  job_name: "scenario-evaluation",
  status: "completed",
  status_reason: null,
  triggered_by: "pg_cron",
  attempt: 1,
  http_status: 202,
  error_type: null,
};

/** The same of the minute's run, which sends what is due. */
export const MINUTELY: Run = { ...DAILY, job_name: "dispatch-backlog" };

/** What the ledger says of a request. */
export interface Asked {
  attempt: number;
  outcome: string | null;
  http_status: number | null;
  error: string | null;
}

export interface Place {
  url: string;
  end(): Promise<void>;
}

export type CronName =
  | "scenario-scheduler-daily"
  | "scenario-scheduler-dispatch"
  | "nightly-scheduler";

function firstReason(settled: readonly PromiseSettledResult<unknown>[]): unknown {
  return settled.find((one) => one.status === "rejected")?.reason;
}

export class World {
  readonly secret = newSecret();
  readonly sql: Sql;
  readonly #functions: EdgeFunction[] = [];
  readonly #fakes: FakeFcm[] = [];
  readonly #workers: NetWorker[] = [];
  readonly #places: Place[] = [];
  #mentors = 0;

  private constructor(readonly database: TestDatabase, readonly fake: FakeFcm) {
    this.sql = database.sql;
    this.#fakes.push(fake);
  }

  static async make(options: FakeFcmOptions, wanted = testDatabase()): Promise<World> {
    const [database, fake] = await Promise.allSettled([wanted, startFakeFcm(options)]);
    if (database.status === "rejected" || fake.status === "rejected") {
      if (database.status === "fulfilled") await database.value.drop();
      if (fake.status === "fulfilled") await fake.value.stop();
      throw firstReason([database, fake]);
    }
    const world = new World(database.value, fake.value);
    try {
      // The clock on the wall must not decide what a test sees.
      await world.sql`
        update scheduler.organisation_settings set quiet_start = null, quiet_end = null
        where organisation_id is null
      `;
    } catch (error) {
      await world.end();
      throw error;
    }
    return world;
  }

  /** All of it, also where a part of it does not end as it should. */
  async end(): Promise<void> {
    const ended = await Promise.allSettled([
      ...this.#workers.map((worker) => worker.stop()),
      ...this.#places.map((place) => place.end()),
      ...this.#functions.map(async (one) => {
        one.kill("SIGKILL"); // ends a stopped one too
        await one.ended;
      }),
      ...this.#fakes.map((fake) => fake.stop()),
    ]);
    ended.push(...await Promise.allSettled([this.database.drop()]));
    if (ended.some(({ status }) => status === "rejected")) throw firstReason(ended);
  }

  /** One more fake FCM, with an account of its own. */
  async anotherFake(options: FakeFcmOptions = {}): Promise<FakeFcm> {
    const fake = await startFakeFcm(options);
    this.#fakes.push(fake);
    return fake;
  }

  /** The connection string, with a name that pg_stat_activity shows. */
  urlAs(name: string): string {
    return `${this.database.url}?application_name=${name}`;
  }

  async start(
    environment: Record<string, string> = {},
    fake: FakeFcm = this.fake,
    port = 0,
  ): Promise<EdgeFunction> {
    const started = await startEdgeFunction({
      port,
      environment: {
        SCHEDULER_DB_URL: this.database.url,
        SCHEDULER_SECRET: this.secret,
        FCM_ENDPOINT: fake.endpoint,
        FCM_SERVICE_ACCOUNT: fake.serviceAccount,
        ...environment,
      },
    });
    this.#functions.push(started);
    return started;
  }

  run(on: EdgeFunction, body: Record<string, unknown> = {}): Promise<Answered> {
    return invoke(on.url, this.secret, body);
  }

  /**
   * From now on the database asks that function for these jobs. Those of once a day are due at
   * this minute, so that however late a test pretends it is, the next tick is not.
   */
  async schedule(
    url: string,
    secret = this.secret,
    jobs: readonly string[] = ["scenario-evaluation", "dispatch-backlog"],
  ): Promise<void> {
    await this.sql`select scheduler.configure_edge(url => ${url}, secret => ${secret})`;
    await this.sql`
      update scheduler.jobs
      set
        enabled = job_name = any (${jobs}),
        schedule = case
          when job_name = any (${jobs}) and job_name <> 'dispatch-backlog' then to_char(now() at time zone 'UTC', 'MI HH24') || ' * * *'
          else schedule
        end
    `;
  }

  /** Something else than the function that listens on a port, until the test ends or it is told to end. */
  listen(handle: (request: Request) => Promise<Response | "never">, port = 0): Place {
    const over = Promise.withResolvers<Response>();
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      async (request) => {
        const answer = await Promise.race([handle(request), over.promise]);
        return answer === "never" ? await over.promise : answer;
      },
    );
    const place = {
      url: `http://127.0.0.1:${server.addr.port}/`,
      async end() {
        over.resolve(new Response(null, { status: 503 }));
        await server.shutdown();
      },
    };
    this.#places.push(place);
    return place;
  }

  async startNetWorker(options: NetWorkerOptions = {}): Promise<NetWorker> {
    const worker = await startNetWorker(this.database.url, { pollMilliseconds: 20, ...options });
    this.#workers.push(worker);
    return worker;
  }

  /** pg_net's tables as a crash of the database leaves them: they are unlogged. */
  async crashNet(): Promise<void> {
    await this.database.session("supabase_admin")`
      truncate net.http_request_queue, net._http_response restart identity
    `;
  }

  /** The tick of an entry of pg_cron, now or so many minutes later. Returns the jobs that it started. */
  async tick(cronName: CronName, minutes = 0): Promise<string[]> {
    const rows = await this.sql<{ job: string }[]>`
      select job_name || ' ' || status as job
      from scheduler.tick(cron_name => ${cronName}, at => now() + make_interval(mins => ${minutes}))
    `;
    return rows.map(({ job }) => job);
  }

  async requestsAreMade(): Promise<void> {
    await until("the requests are made", async () => {
      // Whatever is taken from the queue is answered in the same transaction.
      return (await this.sql`select from net.http_request_queue`).length === 0;
    });
  }

  /** Waits until the function has taken on every run that was asked for, and ended it. */
  async runsEnd(): Promise<void> {
    await until("the runs end", async () => {
      const open = await this.sql`
        select from scheduler.invocations where status in ('requested', 'running')
      `;
      return open.length === 0;
    });
    await this.requestsAreMade();
  }

  async ledger(): Promise<Run[]> {
    const rows = await this.sql<Run[]>`
      select job_name, status, status_reason, triggered_by, attempt, http_status, error_type
      from scheduler.invocations order by requested_at, id
    `;
    return [...rows];
  }

  async requests(): Promise<Asked[]> {
    const rows = await this.sql<Asked[]>`
      select attempt, outcome, http_status, error from scheduler.requests order by id
    `;
    return [...rows];
  }

  /** A line of scheduler_status(). */
  async status(component: string): Promise<string> {
    const [row] = await this.sql<{ said: string }[]>`
      select status || ': ' || detail as said from public.scheduler_status()
      where component = ${component}
    `;
    return row?.said ?? "";
  }

  /** Mentors who were never active, and are due for their first reminder. Returns their tokens. */
  async addMentors(count: number, options: MentorOptions = {}): Promise<string[]> {
    const { devices = 1, locale = null, token = "device", organisation = ORGANISATION } = options;
    const first = this.#mentors + 1;
    const last = this.#mentors += count;
    await this.sql`
      insert into public.organisations (id, name) values (${organisation}, 'Organisation')
      on conflict do nothing
    `;
    await this.sql`
      insert into public.peer_mentors (id, organisation_id, joined_on, locale)
      select md5('mentor ' || n)::uuid, ${organisation}, '2025-01-01', ${locale}
      from generate_series(${first}::integer, ${last}::integer) as n
    `;
    const rows = await this.sql<{ token: string }[]>`
      insert into public.device_tokens (token, user_id)
      select ${token}::text || ' ' || device || ' of ' || n, md5('mentor ' || n)::uuid
      from generate_series(${first}::integer, ${last}::integer) as n
      cross join generate_series(1, ${devices}::integer) as device
      returning token
    `;
    return rows.map((row) => row.token);
  }

  /** How many notifications are in each state. */
  async outbox(): Promise<Record<string, number>> {
    const rows = await this.sql<{ status: string; count: number }[]>`
      select status, count(*)::integer as count from scheduler.notifications group by status
    `;
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  }

  /** How many outcomes of each kind devices had. */
  async attempts(): Promise<Record<string, number>> {
    const rows = await this.sql<{ outcome: string; count: number }[]>`
      select outcome, count(*)::integer as count from scheduler.push_attempts group by outcome
    `;
    return Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count]));
  }

  /** The time has come for everything that waits to be tried again. */
  async retriesAreDue(): Promise<void> {
    await this.sql`
      update scheduler.notifications set next_attempt_at = now()
      where status = 'pending' and next_attempt_at is not null
    `;
  }

  /** These runs have given no sign of life for long, or all that are on. */
  async fallSilent(invocations: string[] | null = null): Promise<void> {
    await this.sql`
      update scheduler.invocations set heartbeat_at = now() - interval '1 minute'
      where status = 'running' and (${invocations}::uuid[] is null or id = any (${invocations}))
    `;
  }

  /** The leases of these runs are over, or all. Returns whose outcome nobody knows then. */
  async leasesRunOut(invocations: string[] | null = null): Promise<number[]> {
    await this.fallSilent(invocations);
    const rows = await this.sql<{ id: number }[]>`
      update scheduler.notifications set lease_expires_at = now()
      where status = 'sending' and (${invocations}::uuid[] is null or claimed_by = any (${invocations}))
      returning id::integer as id
    `;
    return rows.map((row) => row.id);
  }

  /** Backends of the function, by the name in its connection string. */
  async backends(name = "scenario-scheduler"): Promise<number> {
    const [row] = await this.sql<{ count: number }[]>`
      select count(*)::integer as count from pg_stat_activity
      where datname = current_database() and application_name = ${name}
    `;
    return row?.count ?? 0;
  }
}

export async function inWorld(
  test: (world: World) => Promise<void>,
  options: FakeFcmOptions = {},
): Promise<void> {
  const world = await World.make(options);
  try {
    await test(world);
  } finally {
    await world.end();
  }
}

/** Waits until something is so; for at most ten seconds, unless told otherwise. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seconds = 10,
): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !await isSo(); await pause(10)) {
    if (performance.now() > end) throw new Error(`Waited ${seconds} s in vain: ${what}.`);
  }
}

export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

/** How often each token was accepted. */
export function acceptsByToken(...fakes: FakeFcm[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { token } of fakes.flatMap((fake) => fake.accepted)) {
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return counts;
}

/** The tokens that were not accepted exactly once, of those given and of any other. */
export function notOnce(tokens: readonly string[], ...fakes: FakeFcm[]): string[] {
  const counts = acceptsByToken(...fakes);
  const wanted = new Set(tokens);
  return [
    ...tokens.filter((token) => counts.get(token) !== 1),
    ...[...counts.keys()].filter((token) => !wanted.has(token)),
  ];
}

/** The log of a run, once it is complete. */
export async function logOf(on: EdgeFunction, invocation: unknown): Promise<Entry[]> {
  const entries = () =>
    on.log.map((line): Entry => JSON.parse(line)).filter((entry) =>
      entry["invocation_id"] === invocation
    );
  await until(
    "the log of the run ends",
    () => entries().some((entry) => entry.event === "scheduler_run_completed"),
  );
  return entries();
}
