// One run: evaluate, then page after page of what is due.

import type { RunLogger, Summary } from "../shared/logger.ts";
import {
  type DescribedError,
  describeError,
  type ErrorType,
  isRefusedArgument,
  TypedError,
} from "../shared/errors.ts";
import type {
  Claimed,
  Ending,
  InvocationSummary,
  Order,
  Outbox,
  PushResult,
  Recorded,
} from "./outbox.ts";
import { Limiter } from "./limiter.ts";
import { NOT_TRIED, type PageOptions, RunState, sendPage, UNKNOWN_PROVIDER } from "./page.ts";
import { SEND_TIMEOUT_MS } from "./providers/provider.ts";

export interface BatchOptions extends PageOptions {
  pageSize: number;
  concurrency: number;
  timeoutThresholdMs: number;
}

export interface Run {
  order: Order;
  evaluates: boolean;
  outbox: Outbox;
  log: RunLogger;
  options: BatchOptions;
  /** Milliseconds, for durations only. */
  clock: () => number;
  startedAt: number;
}

/** Long enough for a page of which every push hangs. */
function leaseSeconds({ pageSize, concurrency }: BatchOptions): number {
  const rounds = Math.ceil(pageSize / concurrency);
  return Math.min(3600, 30 + (rounds * SEND_TIMEOUT_MS) / 1000);
}

class Tally {
  candidates = 0;
  dispatched = 0;
  pages = 0;
  readonly errors: Partial<Record<ErrorType, number>> = {};

  constructor(private readonly log: RunLogger) {}

  /** Counts a page, and says for each mentor what went wrong. */
  count(
    page: readonly Claimed[],
    results: readonly PushResult[],
    recorded: readonly Recorded[],
  ): void {
    this.pages++;
    const lost = new Set<number>();
    for (const row of recorded) {
      if (!row.recorded) lost.add(row.notification_id);
      else if (row.status === "sent") this.dispatched++;
    }
    const mentors = new Map(page.map((one) => [one.notification_id, one.user_id]));
    for (const result of results) {
      const mentor = mentors.get(result.notification_id) ?? "";
      if (lost.has(result.notification_id)) {
        this.#error(mentor, {
          error_type: "timeout_error",
          error_message: "the lease ran out before this was recorded",
        });
      } else if (result.outcome !== "sent" && result.error_code !== NOT_TRIED.error_code) {
        const { error_type = "provider_error", error_code, provider, outcome } = result;
        // Whatever a device's row names that we don't know is free text.
        const name = error_code === UNKNOWN_PROVIDER.error_code ? "no such provider" : provider;
        this.#error(mentor, { error_type, error_message: `${name}: ${error_code}, ${outcome}` });
      }
    }
  }

  get totalErrors(): number {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }

  #error(mentor: string, error: DescribedError): void {
    this.errors[error.error_type] = (this.errors[error.error_type] ?? 0) + 1;
    this.log.mentorError(mentor, error);
  }
}

/**
 * Asks again where the database is gone or busy for a moment, so that what was
 * sent is not forgotten at once. The work can be repeated without harm.
 */
async function insist<T>(
  work: (repeated: boolean) => Promise<T>,
  mayGoOn: () => boolean,
): Promise<T> {
  for (let pause = 250;; pause *= 2) {
    try {
      return await work(pause > 250);
    } catch (error) {
      if (isRefusedArgument(error) || pause > LONGEST_PAUSE_MS || !mayGoOn()) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

const LONGEST_PAUSE_MS = 2000;

/** The database takes a run for dead that gives no sign of life for 30 seconds. */
const HEARTBEAT_MS = 5000;
const FINISH_MS = 15_000;

/** While the database works for one page, another is being sent. */
const LANES = 2;

async function dispatchPages(run: Run, tally: Tally): Promise<"completed" | "partial"> {
  const { outbox, options, order, clock } = run;
  const limiter = new Limiter(options.concurrency);
  const state = new RunState();
  const lease = leaseSeconds(options);
  const lanes: Promise<void>[] = [];
  const errors: unknown[] = [];
  let partial = false;

  const dispatchPage = async (): Promise<boolean> => {
    // A process that was stopped and goes on later must not send what is another's by then.
    const sendsUntil = clock() + lease * 1000 - SEND_TIMEOUT_MS;
    const page = await outbox.claim(options.pageSize, lease, order.invocation_id);
    if (page.length === 0) return false;
    if (page.length === options.pageSize && lanes.length < LANES) lanes.push(lane());
    const results = await sendPage(page, state, limiter, () => clock() < sendsUntil, options);
    const recorded = await insist(
      async (repeated) =>
        (await outbox.record(results, order.invocation_id))
          // A record whose answer was lost finds its rows done.
          .map((row) => ({
            ...row,
            recorded: row.recorded || (repeated && row.status === "sent"),
          })),
      () => clock() < sendsUntil,
    );
    tally.count(page, results, recorded);
    return true;
  };
  const lane = async () => {
    try {
      do {
        if (errors.length > 0 || state.stopped) return;
        partial = clock() - run.startedAt >= options.timeoutThresholdMs;
      } while (!partial && await dispatchPage());
    } catch (error) {
      errors.push(error);
    }
  };

  lanes.push(lane());
  for (const each of lanes) await each;
  if (errors.length > 0) throw errors[0];
  if (state.stopped) {
    const { error_type = "provider_error", error_code } = state.stopped;
    throw new TypedError(error_type, `the provider takes nothing from us: ${error_code}`);
  }
  return partial ? "partial" : "completed";
}

export interface RunResult {
  summary: Summary;
  candidates: number;
  failure?: DescribedError;
}

/** Does not throw: a failure stands in the log, in the ledger and in the result. */
export async function runEvaluationBatch(run: Run): Promise<RunResult> {
  const { order, outbox, log } = run;
  const tally = new Tally(log);
  let status: Ending["status"] = "failed";
  let failure: DescribedError | undefined;
  let figures: InvocationSummary | undefined;
  let summary: Summary;
  /** The first failure is the run's. */
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      if (!failure) log.failed(failure = describeError(error));
    }
  };
  // One that fails is followed by another.
  const heartbeat = setInterval(
    () => outbox.heartbeat(order.invocation_id).catch(() => {}),
    HEARTBEAT_MS,
  );
  try {
    log.started(order.triggered_by);
    await attempt(async () => {
      if (run.evaluates) tally.candidates = await outbox.evaluate(order);
      status = order.dry_run ? "completed" : await dispatchPages(run, tally);
    });
    const endsUntil = run.clock() + FINISH_MS;
    await attempt(async () => {
      figures = await insist(() =>
        outbox.finish(order.invocation_id, {
          status,
          total_candidates: tally.candidates,
          total_dispatched: tally.dispatched,
          pages_processed: tally.pages,
          errors: tally.errors,
          error_type: failure?.error_type ?? null,
          error_message: failure?.error_message ?? null,
        }), () => run.clock() < endsUntil);
    });
  } finally {
    clearInterval(heartbeat);
    summary = logRunResult(run, tally, figures);
  }
  return { summary, candidates: tally.candidates, ...(failure && { failure }) };
}

/** The log of a run whose database can't be reached: it begins, fails and ends. */
export function unableToStart(
  log: RunLogger,
  order: Order,
  failure: DescribedError,
  durationMs: number,
): RunResult {
  log.started(order.triggered_by);
  log.failed(failure);
  const summary = summarise(order.invocation_id, new Tally(log), undefined, durationMs);
  log.completed(summary);
  return { summary, candidates: 0, failure };
}

function logRunResult(run: Run, tally: Tally, figures: InvocationSummary | undefined): Summary {
  const summary = summarise(run.order.invocation_id, tally, figures, run.clock() - run.startedAt);
  run.log.completed(summary);
  return summary;
}

function summarise(
  invocation_id: string,
  tally: Tally,
  figures: InvocationSummary | undefined,
  durationMs: number,
): Summary {
  return {
    invocation_id,
    total_active_mentors: figures?.total_active_mentors ?? 0,
    total_evaluated: figures?.total_evaluated ?? 0,
    total_dispatched: tally.dispatched,
    total_suppressed: figures?.total_suppressed ?? 0,
    total_errors: tally.totalErrors,
    pages_processed: tally.pages,
    duration_ms: Math.round(durationMs),
    completed: figures?.status === "completed",
    partial: figures?.status === "partial",
    remaining_unprocessed_count: figures?.remaining_unprocessed_count ?? 0,
  };
}
