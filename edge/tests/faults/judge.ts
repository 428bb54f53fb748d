// The judge of a fault run. It sees the log of what the provider accepted and
// the tables, and nothing of what was done to them.

import type { Accepted } from "../../../scripts/fake_fcm.ts";
import type { Sql } from "../../../scripts/server.ts";
import { judgeDue } from "./judge_due.ts";
import { judgePushes } from "./judge_pushes.ts";
import {
  countFailedRuns,
  judgeBacklog,
  judgeLedger,
  judgeState,
  judgeWindows,
} from "./judge_tables.ts";

export const RULES = {
  created: "who is due is decided on",
  outcome: "every candidate has an outcome",
  once: "a push is accepted once",
  stale: "no stale record",
  windows: "windows never overlap, and an occurrence has one candidate",
  drained: "the backlog drains",
  ledger: "the ledger accounts for every run",
  state: "mentor state equals the sources",
} as const;
export type Rule = keyof typeof RULES;

export interface Violation {
  rule: Rule;
  what: string;
}
export type Breaks = (rule: Rule, what: string) => void;

/** A push is a candidate on its way to one device. */
export interface Verdict {
  candidates: number;
  pushes: number;
  acceptedOnce: number;
  /** A lease ran out while the occurrence was on its way to the device, or nobody knows what became of an attempt. */
  inDoubt: number;
  /** Those of them whose occurrence the device was sent more than once, always under one collapse key. */
  ambiguous: number;
  /** Not accepted, and the candidate's row has a reason that is true; counted by that. */
  unsent: Record<string, number>;
  /** Not accepted, though it is recorded as sent, or without a reason that is true. */
  lost: string[];
  /** Accepted more than once, and not ambiguous. */
  doubled: string[];
  /** By error_type. Which of them a fault accounts for is not the judge's to say. */
  failedRuns: Record<string, number>;
  broken: Violation[];
}

/**
 * To be asked when the load is over, the backlog has drained, everybody was evaluated once more,
 * and what that found was sent too.
 */
export async function judge(sql: Sql, accepts: readonly Accepted[]): Promise<Verdict> {
  const broken: Violation[] = [];
  const breaks: Breaks = (rule, what) => void broken.push({ rule, what });
  const pushes = await judgePushes(sql, accepts, breaks);
  await judgeDue(sql, breaks);
  await judgeWindows(sql, breaks);
  await judgeBacklog(sql, breaks);
  await judgeLedger(sql, breaks);
  await judgeState(sql, breaks);
  return { ...pushes, failedRuns: await countFailedRuns(sql), broken };
}
