// What every run has around its job: the log, a sign of life, the ledger.

import { type DescribedError, describeError, type ErrorType } from "../../shared/errors.ts";
import type { RunLogger, Summary } from "../../shared/logger.ts";
import { insist } from "../insist.ts";
import type { Ending, InvocationSummary, Order, Outbox } from "../outbox.ts";

/** What a run has done so far. It stands also where the run fails then. */
export class Tally {
  candidates = 0;
  dispatched = 0;
  pages = 0;
  readonly errors: Partial<Record<ErrorType, number>> = {};
  /** What only this job counts. */
  readonly counts: Record<string, number> = {};

  constructor(private readonly log: RunLogger) {}

  get totalErrors(): number {
    return Object.values(this.errors).reduce((sum, count) => sum + count, 0);
  }

  mentorError(mentor: string, error: DescribedError): void {
    this.errors[error.error_type] = (this.errors[error.error_type] ?? 0) + 1;
    this.log.mentorError(mentor, error);
  }

  count(name: string, more: number): void {
    this.counts[name] = (this.counts[name] ?? 0) + more;
  }
}

export interface Run {
  order: Order;
  tally: Tally;
  /** Milliseconds, for durations only. */
  clock: () => number;
  startedAt: number;
}

export interface Outcome {
  status: "completed" | "partial";
  /** Why nothing was done. */
  note?: string;
  /** For the ledger, where the database has not written it itself. */
  details?: Record<string, number>;
}

export interface Job {
  /** Whether it can be tried without writing anything. */
  hasDryRun: boolean;
  /** Whatever it throws fails the run. */
  work(run: Run): Promise<Outcome>;
}

export type Jobs = ReadonlyMap<string, Job>;

export interface RunResult {
  summary: Summary;
  candidates: number;
  failure?: DescribedError;
}

/** The database takes a run for dead that gives no sign of life for 30 seconds. */
const HEARTBEAT_MS = 5000;
const FINISH_MS = 15_000;

/** Does not throw: a failure stands in the log, in the ledger and in the result. */
export async function conduct(
  job: Job,
  { order, outbox, log, clock, startedAt }: Omit<Run, "tally"> & { outbox: Outbox; log: RunLogger },
): Promise<RunResult> {
  const { invocation_id } = order;
  const tally = new Tally(log);
  let status: Ending["status"] = "failed";
  let details: Ending["details"];
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
    () => outbox.heartbeat(invocation_id).catch(() => {}),
    HEARTBEAT_MS,
  );
  try {
    log.started(order.triggered_by);
    await attempt(async () => {
      const outcome = await job.work({ order, tally, clock, startedAt });
      if (outcome.note) log.noted(outcome.note);
      details = outcome.note ? { note: outcome.note } : outcome.details;
      status = outcome.status;
    });
    const endsUntil = clock() + FINISH_MS;
    await attempt(async () => {
      figures = await insist(() =>
        outbox.finish(invocation_id, {
          status,
          total_candidates: tally.candidates,
          total_dispatched: tally.dispatched,
          pages_processed: tally.pages,
          errors: tally.errors,
          error_type: failure?.error_type ?? null,
          error_message: failure?.error_message ?? null,
          ...(details && { details }),
        }), () => clock() < endsUntil);
    });
  } finally {
    clearInterval(heartbeat);
    if (Object.keys(tally.counts).length > 0) log.counted(tally.counts);
    summary = summarise(invocation_id, tally, figures, clock() - startedAt);
    log.completed(summary);
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
