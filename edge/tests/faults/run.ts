// Does a fault to a stack under load, stops, lets the backlog drain, and has it
// judged. Whatever breaks off on the way is a finding, and the rest goes on.

import { pause, randomFrom } from "../../../scripts/testing.ts";
import { Counts } from "./counts.ts";
import { keepEvidence } from "./evidence.ts";
import type { Fault } from "./fault.ts";
import { judge, RULES, type Verdict } from "./judge.ts";
import { Load } from "./load.ts";
import { DRAIN_SECONDS, Stack } from "./stack.ts";
import { deadRunsFallSilent } from "./waiting.ts";

export interface Report {
  fault: string;
  times: number;
  verdict: Verdict;
  /** What broke a rule, as the judge saw it, and what the fault itself or the load ran into. */
  findings: string[];
  /** What the fault says of itself. */
  said: string;
  /** How much the load wrote meanwhile. */
  writes: number;
  drainSeconds: number;
  seconds: number;
  /** The folder with the accept log and the tables, where anything was found. */
  evidence?: string;
}

const NOTHING: Verdict = {
  candidates: 0,
  pushes: 0,
  acceptedOnce: 0,
  inDoubt: 0,
  ambiguous: 0,
  unsent: {},
  lost: [],
  doubled: [],
  failedRuns: {},
  broken: [],
};

/** Each fault has choices of its own, so that it can be replayed without the others. */
function seedOf(seed: number, name: string): number {
  let mixed = seed;
  for (const character of name) {
    mixed = Math.imul(mixed ^ (character.codePointAt(0) ?? 0), 16777619);
  }
  return mixed;
}

/** Fails when the work takes too long; what it waits for ends with the stack. */
async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => over.reject(new Error(`it was not done in ${seconds} s`)),
    seconds * 1000,
  );
  work.catch(() => {}); // it may fail later
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const STRIKE_SECONDS = 30 * 60;
/** What else there is to do. */
const STEP_SECONDS = 120;
const JUDGE_SECONDS = 600;

const WRITERS = 2;

/** With this no run may fail, whatever the fault. */
const LOGIC_ERROR = "evaluation_logic_error";

const messageOf = (error: unknown) => error instanceof Error ? error.message : String(error);

/** What is tried one after the other, each whatever became of the others. */
class Steps {
  readonly findings: string[] = [];

  /** Undefined where it failed, which is a finding then. */
  async take<Result>(
    what: string,
    work: () => Promise<Result>,
    seconds = STEP_SECONDS,
  ): Promise<Result | undefined> {
    try {
      return await within(seconds, work());
    } catch (error) {
      this.findings.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  }
}

export async function runFault(
  fault: Fault,
  times: number,
  seed: number,
  strikeSeconds = STRIKE_SECONDS,
): Promise<Report> {
  const startedAt = performance.now();
  const steps = new Steps();
  const report: Report = {
    fault: fault.name,
    times: 0,
    verdict: NOTHING,
    findings: steps.findings,
    said: "",
    writes: 0,
    drainSeconds: 0,
    seconds: 0,
  };
  const making = (fault.makeStack ?? Stack.make)();
  const stack = await steps.take("the stack", () => making);
  if (stack) {
    await steps.take("the first mentors", () => stack.addDue(20));
    const writers = Array.from(
      { length: WRITERS },
      (_, writer) => randomFrom(seedOf(seed, `writer ${writer} under ${fault.name}`)),
    );
    const load = new Load(stack, writers);
    const course = { fault, stack, load, steps, strikeSeconds };
    Object.assign(report, await strikeOften(course, times, randomFrom(seedOf(seed, fault.name))));
    Object.assign(report, await settleAndJudge(course));
    if (!isGood(report)) {
      const folder = await steps.take("what was seen", () => keepEvidence(stack));
      if (folder) report.evidence = folder;
    }
    await steps.take("the end of the stack", () => stack.end());
  } else {
    making.then((late) => late.end()).catch(() => {}); // there is a finding already
  }
  report.seconds = (performance.now() - startedAt) / 1000;
  return report;
}

interface Course {
  fault: Fault;
  stack: Stack;
  load: Load;
  steps: Steps;
  strikeSeconds: number;
}

async function strikeOften(
  { fault, stack, load, steps, strikeSeconds }: Course,
  times: number,
  random: () => number,
): Promise<Pick<Report, "times" | "said">> {
  let done = 0;
  let counts = new Counts();
  while (done < times) {
    const next = Math.min(times - done, fault.batch ?? times);
    const striking = fault.strike(stack, next, random);
    const counted = await steps.take("the fault itself", () => striking, strikeSeconds);
    if (!counted) {
      await steps.take("the end of the load", () => load.stop());
      // It may still be at it: then it fails at its next time.
      stack.giveUp();
      await steps.take("the end of the fault", () => Promise.allSettled([striking]));
      stack.resetProvider();
      await steps.take("what the fault left", () => stack.mend());
      break;
    }
    stack.resetProvider();
    counts = counts.plus(counted);
    done += next;
    await steps.take("what is due again", () => stack.timePasses());
  }
  return { times: done, said: String(counts) };
}

async function settleAndJudge(
  { fault, stack, load, steps }: Course,
): Promise<Pick<Report, "verdict" | "writes" | "drainSeconds">> {
  await steps.take("the end of the load", () => load.stop());
  await steps.take("runs that are dead", () => runsEndOrFallSilent(stack));
  const drain = async () =>
    await steps.take("the drain", () => stack.drain(), DRAIN_SECONDS + STEP_SECONDS) ?? 0;
  const backlogSeconds = await drain();
  // What the backlog held up, a cancelled candidate for example, is due anew.
  await steps.take("the last evaluation", () => stack.evaluate());
  const drainSeconds = backlogSeconds + await drain();
  if (drainSeconds > DRAIN_SECONDS) {
    steps.findings.push(
      `the backlog drained in ${Math.round(drainSeconds)} s, and may take ${DRAIN_SECONDS}`,
    );
  }
  const verdict = await steps.take(
    "the judge",
    () => judge(stack.sql, stack.accepts()),
    JUDGE_SECONDS,
  ) ?? NOTHING;
  for (const [code, count] of stack.surprises) {
    steps.findings.push(`the load was refused with ${code}, ${count} times`);
  }
  steps.findings.push(
    ...stack.findings,
    ...load.findings(),
    ...beyond(fault, verdict),
    ...verdict.broken.map(({ rule, what }) => `${RULES[rule]}: ${what}`),
  );
  return { verdict, writes: load.writes, drainSeconds };
}

/** What is no harm by itself, and not what this fault may do. */
function beyond(fault: Fault, { inDoubt, ambiguous, failedRuns }: Verdict): string[] {
  const { doubts, failures = [] } = fault;
  const findings = Object.entries(failedRuns)
    .filter(([type]) => type === LOGIC_ERROR || !failures.includes(type))
    .map(([type, count]) => `${count} runs failed with ${type}`);
  if (doubts === "none" && inDoubt > 0) {
    findings.push(`${inDoubt} pushes are in doubt, and none may be`);
  }
  if (doubts !== "doubles" && ambiguous > 0) {
    findings.push(`${ambiguous} pushes were accepted more than once, and none may be`);
  }
  return findings;
}

/** Runs that are on end within a moment, or nobody has them any more. */
async function runsEndOrFallSilent(stack: Stack): Promise<void> {
  for (const end = performance.now() + 1000; performance.now() < end; await pause(50)) {
    if (await stack.running() === 0) return;
  }
  await deadRunsFallSilent(stack);
}

export function isGood({ verdict, findings }: Report): boolean {
  return verdict.lost.length + verdict.doubled.length + findings.length === 0;
}

/** Does all of them, so many at a time, and hands on each report as it comes. */
export async function runFaults(
  wanted: readonly { fault: Fault; times: number }[],
  seed: number,
  atATime: number,
  onReport: (report: Report) => void = () => {},
): Promise<Report[]> {
  const reports = new Map<string, Report>();
  const waiting = [...wanted];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const report = await runFault(next.fault, next.times, seed);
      reports.set(report.fault, report);
      onReport(report);
    }
  };
  await Promise.all(Array.from({ length: atATime }, lane));
  return wanted.flatMap(({ fault }) => reports.get(fault.name) ?? []);
}
