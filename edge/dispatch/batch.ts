// The work of a run that sends: evaluate, then page after page of what is due.

import { TypedError } from "../shared/errors.ts";
import { insist } from "./insist.ts";
import type { Outcome, Run, Tally } from "./jobs/run.ts";
import { Limiter } from "./limiter.ts";
import type { Claimed, Outbox, PushResult, Recorded } from "./outbox.ts";
import { NOT_TRIED, type PageOptions, RunState, sendPage, UNKNOWN_PROVIDER } from "./page.ts";
import { SEND_TIMEOUT_MS } from "./providers/provider.ts";

export interface BatchOptions extends PageOptions {
  pageSize: number;
  concurrency: number;
  timeoutThresholdMs: number;
}

export interface Batch {
  evaluates: boolean;
  outbox: Outbox;
  options: BatchOptions;
}

/** Long enough for a page of which every push hangs. */
function leaseSeconds({ pageSize, concurrency }: BatchOptions): number {
  const rounds = Math.ceil(pageSize / concurrency);
  return Math.min(3600, 30 + (rounds * SEND_TIMEOUT_MS) / 1000);
}

/** Counts a page, and says for each mentor what went wrong. */
function countPage(
  tally: Tally,
  page: readonly Claimed[],
  results: readonly PushResult[],
  recorded: readonly Recorded[],
): void {
  tally.pages++;
  const lost = new Set<number>();
  for (const row of recorded) {
    if (!row.recorded) lost.add(row.notification_id);
    else if (row.status === "sent") tally.dispatched++;
  }
  const mentors = new Map(page.map((one) => [one.notification_id, one.user_id]));
  for (const result of results) {
    const mentor = mentors.get(result.notification_id) ?? "";
    if (lost.has(result.notification_id)) {
      tally.mentorError(mentor, {
        error_type: "timeout_error",
        error_message: "the lease ran out before this was recorded",
      });
    } else if (result.outcome !== "sent" && result.error_code !== NOT_TRIED.error_code) {
      const { error_type = "provider_error", error_code, provider, outcome } = result;
      // Whatever a device's row names that we don't know is free text.
      const name = error_code === UNKNOWN_PROVIDER.error_code ? "no such provider" : provider;
      tally.mentorError(mentor, {
        error_type,
        error_message: `${name}: ${error_code}, ${outcome}`,
      });
    }
  }
}

/** While the database works for one page, another is being sent. */
const LANES = 2;

async function dispatchPages(
  { order, tally, clock, startedAt }: Run,
  { outbox, options }: Batch,
): Promise<Outcome["status"]> {
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
    countPage(tally, page, results, recorded);
    return true;
  };
  const lane = async () => {
    try {
      do {
        if (errors.length > 0 || state.stopped) return;
        partial = clock() - startedAt >= options.timeoutThresholdMs;
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

export async function runEvaluationBatch(run: Run, batch: Batch): Promise<Outcome> {
  const { order, tally } = run;
  if (batch.evaluates) tally.candidates = await batch.outbox.evaluate(order);
  return { status: order.dry_run ? "completed" : await dispatchPages(run, batch) };
}
