// What a crash of the database does to pg_net: its queue and its answers are in
// tables that are not logged, and its numbers begin anew.

import type { TransactionSql } from "postgres";
import { codeOf, pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import type { Fault } from "./fault.ts";
import type { Stack } from "./stack.ts";
import { itSends } from "./waiting.ts";

const MOMENTS = ["before they were made", "while the run was on", "at any moment"] as const;
const LOST = ["requests were in it", "answers that nobody had seen"] as const;

const WAITED_FOR_ANOTHER = ["40P01", "55P03"];

/** What went with the tables. */
interface Loss {
  requests: number;
  /** Those that a tick had seen are in the ledger. */
  answers: number;
  /** The run that was asked for just then. */
  run: string;
}

/** Asks for a run, and returns its id; undefined where it is not needed. */
async function askFor(transaction: TransactionSql): Promise<string | undefined> {
  const [run] = await transaction<{ id: string }[]>`
    select scheduler.run_job('dispatch-backlog') as id
  `;
  const asked = await transaction`
    select from scheduler.invocations where id = ${run?.id ?? null} and status = 'requested'
  `;
  return asked.length > 0 ? run?.id : undefined;
}

/**
 * Empties pg_net's tables; asks for a run first, whose request nobody sees then. Undefined where
 * that run was not needed.
 */
async function empty(stack: Stack, asking: boolean): Promise<Loss | undefined> {
  const admin = stack.world.database.session("supabase_admin");
  try {
    for (;;) {
      try {
        return await admin.begin(async (transaction) => {
          // A crash waits for nobody: whoever has the tables now is not to wait for this one either.
          await transaction`set local lock_timeout = '200ms'`;
          await transaction`lock table net.http_request_queue, net._http_response`;
          const run = asking ? await askFor(transaction) : "";
          if (run === undefined) return undefined;
          const [lost] = await transaction<Omit<Loss, "run">[]>`
            select
              (select count(*)::integer from net.http_request_queue) as requests,
              (
                select count(*)::integer from net._http_response as response
                join scheduler.requests as request on request.request_id = response.id
                where request.outcome is null
              ) as answers
          `;
          await transaction`
            truncate net.http_request_queue, net._http_response restart identity
          `;
          return { requests: 0, answers: 0, ...lost, run };
        });
      } catch (error) {
        if (!WAITED_FOR_ANOTHER.includes(codeOf(error))) throw error;
      }
    }
  } finally {
    await admin.end({ timeout: 1 });
  }
}

/** A run whose request was lost is asked for again, and the ledger says why. */
async function isAskedForAgain(stack: Stack, run: string): Promise<void> {
  let seen: { attempt: number; outcome: string | null }[] = [];
  await until("the request is seen to be lost, and made again", async () => {
    await stack.tick();
    seen = await stack.sql`
      select attempt, outcome from scheduler.requests where invocation_id = ${run} order by id
    `;
    return seen.length > 1;
  });
  if (seen[0]?.outcome !== "lost") {
    throw new Error(`run ${run}: a lost request is told as ${seen[0]?.outcome}`);
  }
}

export const REQUEST_FAULTS: readonly Fault[] = [{
  name: "pg_net's queue and answers are lost",
  times: 100,
  timesInShort: 6,
  doubts: "none",
  async strike(stack, times, random) {
    const counts = new Counts([...MOMENTS, ...LOST]);
    for (let i = 0; i < times; i++) {
      const moment = MOMENTS[i % MOMENTS.length] ?? "at any moment";
      // Where nothing was in the tables, nothing was lost.
      await until(`something is lost ${moment}`, async () => {
        await stack.moreIsDue(6);
        if (moment === "while the run was on") await itSends(stack);
        if (moment === "at any moment") await pause(random() * 300);
        const lost = await empty(stack, moment === "before they were made");
        if (!lost || lost.requests + lost.answers === 0) return false;
        counts.add(moment);
        counts.add("requests were in it", lost.requests);
        counts.add("answers that nobody had seen", lost.answers);
        if (lost.run) await isAskedForAgain(stack, lost.run);
        // One that is lost four times is given up.
        await stack.world.runsEnd();
        return true;
      }, 60);
    }
    return counts;
  },
}];
