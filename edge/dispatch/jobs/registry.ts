// The jobs of this function, by name.

import { type BatchOptions, runEvaluationBatch } from "../batch.ts";
import type { Outbox } from "../outbox.ts";
import type { MemberPortal } from "../portal/member_portal.ts";
import type { PortalStore } from "../portal/store.ts";
import { type Outside, syncCertifications } from "./hlf_sync.ts";
import type { Job, Jobs, Outcome, Tally } from "./run.ts";

export interface Means {
  outbox: Outbox;
  options: BatchOptions;
  portal: MemberPortal;
  openStore: (invocation_id: string) => PortalStore;
}

/** The store with its two methods and nothing behind them, counting what is applied. */
function narrowStore(store: PortalStore, tally: Tally): PortalStore {
  return Object.freeze({
    begin: (anew?: boolean) => store.begin(anew),
    apply: async (...page: Parameters<PortalStore["apply"]>) => {
      const result = await store.apply(...page);
      tally.pages++;
      for (const name of ["received", "applied", "unchanged", "revoked"] as const) {
        tally.count(name, result[name]);
      }
      for (const [reason, rows] of Object.entries(result.rejected)) {
        tally.count(`rejected_${reason}`, rows);
      }
      return result;
    },
  });
}

/** A job that calls the outside: it gets neither the database nor a secret. */
export function outsideJob(
  work: (outside: Outside) => Promise<Outcome>,
  { portal, openStore, options }: Pick<Means, "portal" | "openStore"> & {
    options: Pick<BatchOptions, "timeoutThresholdMs">;
  },
): Job {
  return {
    hasDryRun: false,
    work: ({ order, tally, clock, startedAt }) =>
      work(Object.freeze({
        portal,
        store: narrowStore(openStore(order.invocation_id), tally),
        clock,
        deadline: startedAt + options.timeoutThresholdMs,
      })),
  };
}

export function registerJobs(means: Means): Jobs {
  const { outbox, options } = means;
  const sending = (evaluates: boolean): Job => ({
    hasDryRun: true,
    work: (run) => runEvaluationBatch(run, { evaluates, outbox, options }),
  });
  const expiry: Job = {
    hasDryRun: true,
    work: async ({ order, tally }) => {
      const details = await outbox.expireCertifications(order.dry_run);
      for (const [reason, mentors] of Object.entries(details)) tally.count(reason, mentors);
      return { status: "completed", details };
    },
  };
  return new Map([
    ["scenario-evaluation", sending(true)],
    ["dispatch-backlog", sending(false)],
    // pg_cron runs it without this function.
    ["certification-expiry", expiry],
    ["hlf-sync", outsideJob(syncCertifications, means)],
  ]);
}
