// What faults wait for, though a clock on the wall would make them wait longer.

import { until } from "../world.ts";
import type { Stack } from "./stack.ts";

/** A line that is cut short says nothing. */
function read(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line));
  } catch {
    return {};
  }
}

/** What living functions have begun and not ended, as their logs say. */
export function livingRuns(functions: Iterable<{ log: readonly string[] }>): Set<unknown> {
  const begun = new Map<unknown, number>();
  for (const { log } of functions) {
    for (const line of log) {
      const { event, invocation_id } = read(line);
      const more = event === "scheduler_run_started"
        ? 1
        : event === "scheduler_run_completed"
        ? -1
        : 0;
      // A second request for a run that could not be started begins and ends beside it.
      begun.set(invocation_id, (begun.get(invocation_id) ?? 0) + more);
    }
  }
  return new Set([...begun].filter(([, count]) => count > 0).map(([invocation]) => invocation));
}

/**
 * Lets half a minute pass for runs that are on in the ledger only: their sender never learnt that
 * they began, or could not say that they ended.
 */
export async function deadRunsFallSilent(stack: Stack): Promise<void> {
  const runs = await stack.sql<{ id: string }[]>`
    select id from scheduler.invocations
    where status = 'running' and started_at < now() - interval '1 second'
  `;
  const living = livingRuns(stack.functions);
  const dead = runs.map(({ id }) => id).filter((id) => !living.has(id));
  if (dead.length > 0) await stack.world.fallSilent(dead);
}

/** Waits until pushes are under way; those of a run that is dead wait for it in vain. */
export async function itSends(stack: Stack): Promise<void> {
  const { fake } = stack.world;
  const before = fake.acceptedCount;
  await until("it sends", async () => {
    await deadRunsFallSilent(stack);
    await stack.tick();
    return fake.inFlight > 0 || fake.acceptedCount > before;
  }, 30);
}
