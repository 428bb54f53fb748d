// The whole stack: a database of its own, a fake FCM whose log of what it
// accepted is the judge's, a sender that the database asks through pg_net's
// worker, and the ticks of pg_cron.

import type { EdgeFunction } from "../../../scripts/edge_function.ts";
import type { Accepted, FakeFcm, FakeFcmOptions } from "../../../scripts/fake_fcm.ts";
import type { Sql } from "../../../scripts/server.ts";
import { codeOf, pause, type TestDatabase } from "../../../scripts/testing.ts";
import { freePort, World } from "../world.ts";

export interface StackOptions {
  /** One on another server; a copy on the tests' server without it. */
  database?: Promise<TestDatabase>;
  /** The way to the database that functions take; straight without it. */
  route?: (url: string) => string;
  /** What else the sender is told. */
  environment?: Record<string, string>;
  /** A fault takes the server away: statements of the load may be refused for that. */
  losesServer?: boolean;
  /** Brings back what a fault that broke off has left away, so that these sessions can go on. */
  mend?: (...sessions: Sql[]) => Promise<void>;
}

/** In this organisation what is in doubt is not sent again. */
const QUARANTINING = "bbbbbbbb-0000-4000-8000-000000000000";
const RESENDING = "aaaaaaaa-0000-4000-8000-000000000000";

/** The backlog drains within it, where nothing but waiting is skipped. */
export const DRAIN_SECONDS = 90;

/** The provider as faults find it. */
const USUAL: FakeFcmOptions = {
  latencyMilliseconds: 5,
  answer: undefined,
  onAccept: undefined,
  tokenAnswer: undefined,
};

/** The server is gone, full, or shuts down. */
const OF_A_LOST_SERVER = /^(08|53|58|57P0[1-3]|CONNECTION_|CONNECT_TIMEOUT|ECONN|EPIPE)/;

/** What stands in for a full disk where none can be mounted has no code of its own. */
const FILE_MAY_NOT_GROW = /File too large/;

/** So far ahead is the latest retry, which a provider may wish, and the end of the longest lease. */
const LATEST_RETRY = "7 days";
const LONGEST_LEASE = "1 hour";

export class Stack<Extra = unknown> {
  readonly sql: Sql;
  /** Every fake that accepted something of this stack. */
  readonly fakes: FakeFcm[];
  /** What statements of the load and ticks were refused with, and which no fault explains. */
  readonly surprises = new Map<string, number>();
  /** What else must not be, as it was seen on the way. */
  readonly findings = new Set<string>();
  sender: EdgeFunction | undefined;
  readonly #port = freePort();
  readonly #ticker: Sql;
  readonly #functions = new Set<EdgeFunction>();
  #mentors = 0;
  #isGivenUp = false;
  #isEnding = false;

  private constructor(
    readonly world: World,
    /** Read anew for each message: a fault sets its answer, latency or onAccept. */
    readonly provider: FakeFcmOptions,
    private readonly options: StackOptions,
    /** What its fault needs besides. */
    readonly extra: Extra,
  ) {
    this.sql = world.sql;
    this.fakes = [world.fake];
    this.#ticker = world.database.session();
  }

  static make(options?: StackOptions): Promise<Stack>;
  static make<Extra>(options: StackOptions, extra: Extra): Promise<Stack<Extra>>;
  static async make(options: StackOptions = {}, extra?: unknown): Promise<Stack> {
    const provider = { ...USUAL };
    const world = await World.make(provider, options.database);
    const stack = new Stack(world, provider, options, extra);
    try {
      await stack.sql`
        insert into public.organisations (id, name)
        values (${RESENDING}, 'Organisation'), (${QUARANTINING}, 'Organisation')
      `;
      await stack.sql`
        insert into scheduler.organisation_settings (organisation_id, on_ambiguous)
        values (${QUARANTINING}, 'quarantine')
      `;
      // What was due weeks ago is still sent, and nobody has more than enough.
      await stack.sql`update scheduler.scenario_config set ttl_hours = 8760`;
      await stack.sql`
        update scheduler.organisation_settings set daily_cap = 3, weekly_cap = 10
        where organisation_id is null
      `;
      await world.schedule(`http://127.0.0.1:${stack.#port}/`, world.secret, ["dispatch-backlog"]);
      await stack.startNetWorker();
      await stack.startSender();
    } catch (error) {
      await stack.end();
      throw error;
    }
    return stack;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.world.end();
  }

  /** A fault that still goes on comes to no next time. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** The server is there again, wherever a fault broke off. */
  async mend(): Promise<void> {
    await this.options.mend?.(this.sql, this.#ticker);
  }

  resetProvider(): void {
    Object.assign(this.provider, USUAL);
  }

  async startNetWorker(): Promise<void> {
    await this.world.startNetWorker(this.options.losesServer ? { onFailure: () => {} } : {});
  }

  /** The function that the database asks; a new one on the same port, if the last has ended. */
  async startSender(): Promise<EdgeFunction> {
    if (this.sender) return this.sender;
    const sender = await this.startFunction(
      { PAGE_SIZE: "50", PUSH_CONCURRENCY: "25", ...this.options.environment },
      this.world.fake,
      this.#port,
    );
    this.sender = sender;
    sender.ended.then(() => {
      if (this.sender === sender) this.sender = undefined;
    });
    return sender;
  }

  /** One more function, which nobody asks but the fault. */
  async startFunction(
    environment: Record<string, string> = {},
    fake: FakeFcm = this.world.fake,
    port = 0,
  ): Promise<EdgeFunction> {
    const { route = (url: string) => url } = this.options;
    const url = environment["SCHEDULER_DB_URL"] ?? this.world.database.url;
    const started = await this.world.start(
      { ...environment, SCHEDULER_DB_URL: route(url) },
      fake,
      port,
    );
    return this.#watched(started);
  }

  /** One whose end is a finding, unless it is asked for. */
  #watched(started: EdgeFunction): EdgeFunction {
    let isToEnd = false;
    const watched: EdgeFunction = {
      ...started,
      kill(signal) {
        isToEnd ||= signal !== "SIGSTOP" && signal !== "SIGCONT";
        started.kill(signal);
      },
      async stop() {
        isToEnd = true;
        await started.stop();
      },
    };
    this.#functions.add(watched);
    started.ended.then(({ code, signal }) => {
      this.#functions.delete(watched);
      if (isToEnd || this.#isEnding) return;
      const how = signal ?? `code ${code}`;
      const last = started.complaints.at(-1) ?? "without a complaint";
      this.findings.add(`a function ended by itself with ${how}: ${last}`);
    });
    return watched;
  }

  /** The functions that have not ended. */
  get functions(): Iterable<EdgeFunction> {
    return this.#functions;
  }

  async anotherFake(options: FakeFcmOptions = {}): Promise<FakeFcm> {
    const fake = await this.world.anotherFake(options);
    this.fakes.push(fake);
    return fake;
  }

  /** The accept log. */
  accepts(): Accepted[] {
    return this.fakes.flatMap((fake) => fake.accepted);
  }

  /** How many there are; their ids are made of "due 1" and so on. */
  get mentors(): number {
    return this.#mentors;
  }

  /** Mentors who are due by one scenario or another, with one device or two; some have none yet. */
  async addDue(count: number, sql: Sql = this.sql, withoutDevice = 0): Promise<void> {
    if (this.#isGivenUp) throw new Error("It goes on with a stack that was given up.");
    const first = this.#mentors + 1;
    const last = this.#mentors += count;
    const numbers = `generate_series(${first}, ${last}) as n`;
    // One transaction without the driver's begin, which does not survive a connection that is lost.
    // A third each: silent for long, expiring soon, and just past the first activity.
    await sql.unsafe(`
      insert into public.peer_mentors (id, organisation_id, joined_on)
      select
        md5('due ' || n)::uuid,
        (array['${RESENDING}', '${RESENDING}', '${QUARANTINING}'])[1 + n % 4 % 3]::uuid,
        case when n % 3 = 0 then '2025-01-01' else current_date - 5 end
      from ${numbers};
      insert into public.device_tokens (token, user_id)
      select 'phone ' || device || ' of ' || n, md5('due ' || n)::uuid
      from ${numbers}
      cross join lateral generate_series(1, 1 + (n % 5 = 0)::integer) as device
      where n > ${first + withoutDevice - 1};
      insert into public.certifications (user_id, expires_on)
      select md5('due ' || n)::uuid, current_date + 20 from ${numbers} where n % 3 = 1;
      insert into public.activities (user_id, activity_date)
      select md5('due ' || n)::uuid, current_date - 1 from ${numbers} where n % 3 = 2;
    `);
  }

  /** Notes what the load was refused with. True where that is because the server was taken away. */
  isAway(error: unknown): boolean {
    const code = codeOf(error);
    const { losesServer } = this.options;
    if (losesServer && (OF_A_LOST_SERVER.test(code) || FILE_MAY_NOT_GROW.test(String(error)))) {
      return true;
    }
    this.surprises.set(code, 1 + (this.surprises.get(code) ?? 0));
    return false;
  }

  /** A minute passes: what pg_cron starts then, and a run for what is due, though less time has gone by. */
  async tick(): Promise<void> {
    await this.#ticker`select from scheduler.tick(cron_name => 'scenario-scheduler-dispatch')`;
    await this.#ticker`
      select scheduler.run_job('dispatch-backlog')
      where exists (select from scheduler.notifications where due_at <= now())
        and not exists (
          select from scheduler.invocations
          where job_name = 'dispatch-backlog' and status in ('requested', 'running')
        )
    `;
  }

  /** So many more mentors are due, and have been decided on. */
  async moreIsDue(count: number): Promise<void> {
    await this.addDue(count);
    await this.evaluate();
  }

  async evaluate(sql: Sql = this.sql): Promise<void> {
    await sql`select from public.run_scenario_evaluation()`;
  }

  /** How many runs are on, or asked for. */
  async running(): Promise<number> {
    const [row] = await this.sql<{ count: number }[]>`
      select count(*)::integer as count from scheduler.invocations
      where status in ('requested', 'running')
    `;
    return row?.count ?? 0;
  }

  /** How many requests were made of which the next ticks will know what became. */
  async #unanswered(): Promise<number> {
    const [row] = await this.sql<{ count: number }[]>`
      select count(*)::integer as count from scheduler.requests where outcome is null
    `;
    return row?.count ?? 0;
  }

  async waiting(sql: Sql = this.sql): Promise<number> {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::integer as count from scheduler.notifications where due_at is not null
    `;
    return row?.count ?? 0;
  }

  /** The time has come for what is to be tried again, and for the leases of runs that are over. */
  async timePasses(): Promise<void> {
    await this.#noteWhatIsTooFar();
    await this.world.retriesAreDue();
    // By its token: one that somebody claims meanwhile has another then. Who has none stays as he is.
    await this.sql`
      with left_over as materialized (
        select held.id, held.lease_token
        from scheduler.notifications as held
        where held.status = 'sending' and held.lease_expires_at > now() and not exists (
          select from scheduler.invocations as run
          where run.id = held.claimed_by and run.status = 'running'
        )
      )
      update scheduler.notifications as held set lease_expires_at = now()
      from left_over
      where held.id = left_over.id and held.lease_token = left_over.lease_token
        and held.status = 'sending'
    `;
  }

  /** What would wait for longer than the design lets it is not to be hidden by waiting that is skipped. */
  async #noteWhatIsTooFar(): Promise<void> {
    const rows = await this.sql<{ id: number; what: string; seconds: number }[]>`
      select
        n.id::integer, late.what, ceil(extract(epoch from late.at - now()))::integer as seconds
      from scheduler.notifications as n
      cross join lateral (
        values
          ('is tried again', n.next_attempt_at, ${LATEST_RETRY}::interval),
          ('has a lease that ends', n.lease_expires_at, ${LONGEST_LEASE}::interval)
      ) as late (what, at, bound)
      where late.at > now() + late.bound
    `;
    for (const { id, what, seconds } of rows) {
      this.findings.add(`notification ${id} ${what} in ${seconds} s, which is too late`);
    }
  }

  /** Lets ticks empty the outbox, and returns how many seconds it took; what is left then is the judge's. */
  async drain(): Promise<number> {
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    while (seconds() < DRAIN_SECONDS) {
      try {
        await this.startSender();
        await this.timePasses();
        await this.tick();
        if (await this.running() + await this.waiting() + await this.#unanswered() === 0) break;
      } catch (error) {
        this.isAway(error); // a connection that a fault left dead is made anew
      }
      await pause(50);
    }
    return seconds();
  }
}
