// The worker of sql/local/net.sql, as pg_net's: a batch is taken from the queue,
// its requests are made at the same time, and the responses are seen when the
// slowest of them is done, since all of it is one transaction. Nothing is tried
// again; only a worker that is stopped puts its batch back.

import { setTimeout as sleep } from "node:timers/promises";
import type { TransactionSql } from "postgres";
import { connect, transact } from "./server.ts";

const BATCH_SIZE = 200;
const KEPT = "6 hours";
const USER_AGENT = "pg_net/0.20.4";

export interface NetWorker {
  stop(): Promise<void>;
}

export interface NetWorkerOptions {
  /** How often the queue is looked at. */
  pollMilliseconds?: number;
  /** Told why a batch failed; a second later it goes on. Says so on standard error without it. */
  onFailure?: (error: unknown) => void;
}

const sayFailure = (error: unknown) =>
  console.error(`The stand-in of pg_net's worker failed and goes on in a second: ${error}`);

interface QueuedRequest {
  id: string;
  method: string;
  url: string;
  headers: Record<string, string> | null;
  body: Uint8Array<ArrayBuffer> | null;
  timeout_milliseconds: number;
}

interface HttpResponse {
  id: string;
  status_code: number | null;
  content_type: string | null;
  headers: Record<string, string> | null;
  content: string | null;
  timed_out: boolean;
  error_msg: string | null;
}

/** Makes the requests in net.http_request_queue of a database until it is stopped. */
export async function startNetWorker(
  url: string,
  { pollMilliseconds = 100, onFailure = sayFailure }: NetWorkerOptions = {},
): Promise<NetWorker> {
  // A database that comes back is found soon.
  const sql = connect(url, { backoff: () => 0.1 });
  await sql`select from net.http_request_queue limit 1`;
  const stopping = new AbortController();

  const work = async () => {
    while (!stopping.signal.aborted) {
      let taken = 0;
      try {
        taken = await transact(sql, (transaction) => serveBatch(transaction, stopping.signal));
      } catch (error) {
        if (!stopping.signal.aborted) {
          onFailure(error);
          await pause(1000, stopping.signal);
        }
      }
      if (taken === 0) await pause(pollMilliseconds, stopping.signal);
    }
  };

  const working = work();
  return {
    async stop() {
      stopping.abort(new Error("The worker is stopped."));
      await working;
      await sql.end({ timeout: 1 });
    },
  };
}

async function pause(milliseconds: number, stopped: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal: stopped }).catch(() => {});
}

async function serveBatch(transaction: TransactionSql, stopped: AbortSignal): Promise<number> {
  const requests = await transaction<QueuedRequest[]>`
    with batch as (
      select id from net.http_request_queue order by id limit ${BATCH_SIZE}
    )
    delete from net.http_request_queue
    using batch
    where http_request_queue.id = batch.id
    returning
      http_request_queue.id,
      http_request_queue.method,
      http_request_queue.url,
      http_request_queue.headers,
      http_request_queue.body,
      http_request_queue.timeout_milliseconds
  `;
  if (requests.length === 0) return 0;
  const responses = await Promise.all(requests.map((request) => answer(request, stopped)));
  await transaction`
    insert into net._http_response
      (id, status_code, content_type, headers, content, timed_out, error_msg)
    select id, status_code, content_type, headers, content, timed_out, error_msg
    from jsonb_populate_recordset(
      null::net._http_response, ${JSON.stringify(responses)}::text::jsonb
    )
  `;
  await transaction`delete from net._http_response where created < now() - ${KEPT}::interval`;
  return requests.length;
}

async function answer(request: QueuedRequest, stopped: AbortSignal): Promise<HttpResponse> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), request.timeout_milliseconds);
  try {
    // Redirects are followed, as pg_net lets curl do.
    const response = await fetch(request.url, {
      method: request.method.toUpperCase(),
      headers: { ...request.headers, "User-Agent": USER_AGENT },
      body: request.body,
      signal: AbortSignal.any([limit.signal, stopped]),
    });
    const text = await response.text();
    return {
      id: request.id,
      status_code: response.status,
      content_type: response.headers.get("content-type"),
      headers: Object.fromEntries(response.headers),
      // pg_net takes a body for a C string, and an empty one for none.
      content: text.split("\0")[0] || null,
      timed_out: false,
      error_msg: null,
    };
  } catch (error) {
    if (stopped.aborted) throw error;
    return {
      id: request.id,
      status_code: null,
      content_type: null,
      headers: null,
      content: null,
      timed_out: limit.signal.aborted,
      error_msg: limit.signal.aborted
        ? `Timeout of ${request.timeout_milliseconds} ms reached.`
        : curlMessage(error),
    };
  } finally {
    clearTimeout(timer);
  }
}

/** What curl says, which does not name the address. */
function curlMessage(error: unknown): string {
  const said = String(error instanceof Error ? error.cause ?? error : error);
  if (/dns error/i.test(said)) return "Couldn't resolve host name";
  if (/\(connect\)/i.test(said)) return "Couldn't connect to server";
  if (/invalid url/i.test(said)) return "URL using bad/illegal format or missing URL";
  return "Failure when receiving data from the peer";
}
