// From a request to a run and its answer.

import { authenticate, type Credentials, offersSignature } from "../shared/auth.ts";
import { checkContentType, readBody } from "../shared/body.ts";
import { describeError, isRefusedArgument, RequestError } from "../shared/errors.ts";
import type { StructuredLogger } from "../shared/logger.ts";
import { sanitize } from "../shared/sanitize.ts";
import { conduct, type Jobs, type RunResult, unableToStart } from "./jobs/run.ts";
import type { Ending, InvocationSummary, Order, Outbox } from "./outbox.ts";
import { parseOrder, unknownJob } from "./request.ts";

export interface Dependencies {
  outbox: Outbox;
  logger: StructuredLogger;
  secrets: readonly string[];
  /** By name. */
  jobs: Jobs;
  /** Milliseconds, for durations only. */
  clock: () => number;
  /** Keeps the process alive for work that goes on after the answer. */
  waitUntil: (work: Promise<unknown>) => void;
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}

function refuse(error: RequestError): Response {
  const headers: Record<string, string> = {};
  if (error.status === 405) headers["allow"] = "POST";
  if (error.status === 401) headers["www-authenticate"] = "Bearer";
  return answer(error.status, { error: { type: error.type, message: error.message } }, headers);
}

const UNAUTHORIZED = new RequestError(
  401,
  "unauthorized",
  "Send the secret as X-Scheduler-Secret, or sign the request (Standard Webhooks).",
);

/** The body of a request that may start a run. Without good credentials nothing of it is read. */
async function admit(
  request: Request,
  secrets: readonly string[],
): Promise<{ body: string; credentials: Credentials }> {
  const bySecret = await authenticate(request.headers, undefined, secrets);
  if (bySecret) return { body: await readBody(request), credentials: bySecret };
  if (secrets.length === 0 || !offersSignature(request.headers)) throw UNAUTHORIZED;
  const body = await readBody(request);
  const bySignature = await authenticate(request.headers, body, secrets);
  if (!bySignature) throw UNAUTHORIZED;
  return { body, credentials: bySignature };
}

async function readOrder(request: Request, secrets: readonly string[]): Promise<Order> {
  if (request.method !== "POST") {
    throw new RequestError(405, "method_not_allowed", "Only POST starts a run.");
  }
  const { body, credentials } = await admit(request, secrets);
  checkContentType(request.headers, body);
  return parseOrder(body, credentials.kind === "signature" ? credentials.webhookId : null);
}

const NO_DRY_RUN = new RequestError(
  400,
  "invalid_argument",
  "dry_run is of no use for this job: it has nothing to show without writing it.",
);

/** How a job ends that the database knows and this function doesn't. */
const NO_SUCH_JOB: Ending = {
  status: "failed",
  total_candidates: 0,
  total_dispatched: 0,
  pages_processed: 0,
  errors: {},
  error_type: "evaluation_logic_error",
  error_message: "the function has no such job: is it deployed as it is here?",
};

function explained(error: Error): string {
  const hint = "hint" in error && typeof error.hint === "string" ? ` ${error.hint}` : "";
  return `${error.message}.${hint}`;
}

function failed(run: { error_type: string; invocation_id: string; replayed?: true }): Response {
  const { error_type: type, ...rest } = run;
  const message = "The run failed. The log of the function says more.";
  return answer(500, { error: { type, message }, ...rest });
}

/** A dry run sends nothing, and says how many pushes it would have decided on. */
function finished({ summary, candidates, failure }: RunResult, { dry_run }: Order): Response {
  if (!failure) {
    return answer(200, dry_run ? { ...summary, total_candidates: candidates } : summary);
  }
  return failed({ error_type: failure.error_type, invocation_id: summary.invocation_id });
}

/** The same request ran before, or the ledger says that this one has no run: another is on. */
function notStarted(summary: InvocationSummary): Response {
  const { status, error_type, total_candidates: _, ...figures } = summary;
  if (status === "failed") {
    return failed({ error_type, invocation_id: summary.invocation_id, replayed: true });
  }
  return answer(status === "running" ? 202 : 200, {
    ...figures,
    completed: status === "completed",
    partial: status === "partial",
    ...(status === "skipped" ? { skipped: true } : { replayed: true }),
  });
}

export async function handleScheduledInvocation(
  request: Request,
  dependencies: Dependencies,
): Promise<Response> {
  const { outbox, logger, secrets, jobs, clock, waitUntil } = dependencies;
  const startedAt = clock();
  let order: Order;
  try {
    order = await readOrder(request, secrets);
  } catch (error) {
    if (error instanceof RequestError) return refuse(error);
    throw error;
  }

  const job = jobs.get(order.job_name);
  if (job && order.dry_run && !job.hasDryRun) return refuse(NO_DRY_RUN);
  try {
    const { id, started } = await outbox.start(order);
    if (!job) {
      if (started) await outbox.finish(id, NO_SUCH_JOB);
      return refuse(unknownJob(jobs.keys()));
    }
    if (!started) return notStarted(await outbox.summary(id));
  } catch (error) {
    if (isRefusedArgument(error)) {
      return refuse(new RequestError(400, "invalid_argument", sanitize(explained(error))));
    }
    const log = logger.run(order.invocation_id);
    return finished(unableToStart(log, order, describeError(error), clock() - startedAt), order);
  }

  const log = logger.run(order.invocation_id);
  const run = conduct(job, { order, outbox, log, clock, startedAt });
  if (/\brespond-async\b/i.test(request.headers.get("prefer") ?? "")) {
    waitUntil(run);
    return answer(202, { invocation_id: order.invocation_id }, {
      "preference-applied": "respond-async",
    });
  }
  return finished(await run, order);
}
