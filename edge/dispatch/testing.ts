// What the tests of the function share.

import assert from "node:assert/strict";
import { connect, Database } from "../shared/database.ts";
import { StructuredLogger } from "../shared/logger.ts";
import type { TestDatabase } from "../../scripts/testing.ts";
import type { Dependencies } from "./handler.ts";
import { registerJobs } from "./jobs/registry.ts";
import type { Jobs } from "./jobs/run.ts";
import { type Claimed, type Order, Outbox } from "./outbox.ts";
import { type MemberPortal, noPortal } from "./portal/member_portal.ts";
import type { PortalStore } from "./portal/store.ts";
import type { PushMessage, PushOutcome, PushProvider } from "./providers/provider.ts";

export const SECRET = "3f9a1c5e7b2d4f608192a3b4c5d6e7f80f1e2d3c4b5a69788796a5b4c3d2e1f0";

type Answering = (message: PushMessage) => PushOutcome | Promise<PushOutcome>;

/** A provider without a network, which keeps what it was asked to send. */
export interface MemoryProvider extends PushProvider {
  readonly batches: PushMessage[][];
  readonly messages: PushMessage[];
}

export function memoryProvider(
  answer: Answering = () => ({ outcome: "sent", message_id: "m" }),
  { name = "memory", batchSize = 1 } = {},
): MemoryProvider {
  const batches: PushMessage[][] = [];
  return {
    name,
    batchSize,
    batches,
    get messages() {
      return batches.flat();
    },
    send: async (messages) => {
      batches.push([...messages]);
      return await Promise.all(messages.map(answer));
    },
  };
}

export type LogEntry = Record<string, unknown> & { event: string };

/** A log that is kept, and read back as NDJSON. */
export function keepLog() {
  const lines: string[] = [];
  return {
    lines,
    logger: new StructuredLogger((line) => lines.push(line)),
    entries: (): LogEntry[] =>
      lines.map((line) => {
        assert.ok(!line.includes("\n"), "an entry is one line");
        return JSON.parse(line);
      }),
    events: (): string[] => lines.map((line) => JSON.parse(line).event),
  };
}

/** An outbox on a test's database, both gone with the scope. */
export function openOutbox(database: TestDatabase) {
  const connection = new Database(() => connect(database.url, "test"));
  return {
    sql: database.sql,
    outbox: new Outbox(connection),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await database.drop();
    },
  };
}

/** A place where a database could be, which counts who knocks and answers nobody. */
export function listenForConnections() {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let count = 0;
  const listening = (async () => {
    for await (const connection of listener) {
      count++;
      connection.close();
    }
  })();
  const url = `postgresql://nobody@127.0.0.1:${listener.addr.port}/none`;
  const connection = new Database(() => connect(url, "test"));
  return {
    outbox: new Outbox(connection),
    get count() {
      return count;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      listener.close();
      await listening;
    },
  };
}

interface Setup {
  outbox: Outbox;
  provider?: PushProvider;
  pageSize?: number;
  concurrency?: number;
  timeoutThresholdMs?: number;
  secrets?: readonly string[];
  clock?: () => number;
  portal?: MemberPortal;
  store?: PortalStore;
  /** Changes what jobs there are. */
  jobs?: (jobs: Jobs) => Jobs;
}

/** A store for a portal that is not asked. */
const noStore: PortalStore = {
  begin: () => Promise.reject(new Error("No round was to begin.")),
  apply: () => Promise.reject(new Error("No page was to be applied.")),
};

/** Everything that the handler needs, with a log that is kept and a provider in memory. */
export function prepare(setup: Setup) {
  const { pageSize = 500, concurrency = 50, timeoutThresholdMs = 25_000 } = setup;
  const provider = setup.provider ?? memoryProvider();
  const log = keepLog();
  const background: Promise<unknown>[] = [];
  const dependencies: Dependencies = {
    outbox: setup.outbox,
    logger: log.logger,
    secrets: setup.secrets ?? [SECRET],
    jobs: (setup.jobs ?? ((jobs) => jobs))(registerJobs({
      outbox: setup.outbox,
      options: {
        providers: new Map([[provider.name, provider]]),
        defaultProvider: provider.name,
        pageSize,
        concurrency,
        timeoutThresholdMs,
      },
      portal: setup.portal ?? noPortal,
      openStore: () => setup.store ?? noStore,
    })),
    clock: setup.clock ?? (() => performance.now()),
    waitUntil: (work) => background.push(work),
  };
  return { dependencies, log, background, provider };
}

const FUNCTION_URL = "https://project.example.org/functions/v1/scenario-scheduler";

/** A request with the secret; headers that are undefined are left out. */
export function post(
  body?: BodyInit | Record<string, unknown> | null,
  headers: Record<string, string | undefined> = {},
): Request {
  const isPlain = body !== null && typeof body === "object" &&
    Object.getPrototypeOf(body) === Object.prototype;
  const all = { "x-scheduler-secret": SECRET, "content-type": "application/json", ...headers };
  return new Request(FUNCTION_URL, {
    method: "POST",
    headers: Object.entries(all).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]]
    ),
    body: isPlain ? JSON.stringify(body) : body as BodyInit | null | undefined ?? null,
  });
}

/** A stream that says whether anything was read of it. */
export function watchedBody(text: string, chunk = text.length) {
  let read = 0;
  const bytes = new TextEncoder().encode(text);
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (read >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(read, read + chunk));
      read += chunk;
    },
  }, { highWaterMark: 0 });
  return {
    stream,
    get read() {
      return read;
    },
  };
}

/** What a run is told of itself. */
export const ORDER: Order = {
  job_name: "scenario-evaluation",
  invocation_id: "33333333-3333-4333-8333-333333333333",
  triggered_by: "request",
  scheduled_for: null,
  webhook_id: null,
  scenarios: null,
  organisation_ids: null,
  dry_run: false,
};

/** A notification as a claim hands it out. */
export function claimed(
  notification_id: number,
  devices: Claimed["devices"] = [{
    token: `token ${notification_id}`,
    platform: null,
    provider: null,
  }],
  changes: Partial<Claimed> = {},
): Claimed {
  return {
    notification_id,
    lease_token: "11111111-1111-4111-8111-111111111111",
    user_id: `22222222-2222-4222-8222-${String(notification_id).padStart(12, "0")}`,
    collapse_key: `scenario-${notification_id}`,
    expires_at: "2030-01-01 00:00:00+00",
    ttl_seconds: 3600,
    title: "Title",
    body: "Body",
    data: {},
    devices,
    ...changes,
  };
}
