// Dispatchers that stand still for longer than their lease, and go on.

import type { EdgeFunction } from "../../../scripts/edge_function.ts";
import type { FakeFcm } from "../../../scripts/fake_fcm.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { observedStack, type Observer } from "./observer.ts";
import type { Stack } from "./stack.ts";

/** A page of which every push is on its way at once has the shortest lease: 40 seconds. */
const SHORT_LEASE = { PAGE_SIZE: "6", PUSH_CONCURRENCY: "6" };
const LEASE_SECONDS = 40;

/**
 * How long whoever takes over has a page in hand, so that the first one wakes up meanwhile. Those
 * whose lease ran out while others still fell asleep wake up later.
 */
const TAKEOVER_MILLISECONDS = 1500;

/** Their pages stand behind all that is due meanwhile, and go out as slowly. */
const TAKEOVER_SECONDS = 120;

const DUE_PER_SLEEPER = 12;
/** The accept of its page at which it falls asleep, at the latest. */
const LATEST_ACCEPT = 8;

interface Sleeper {
  invocation: string;
  process: EdgeFunction;
  run: Promise<{ status: number }>;
  /** Accepts what it sends, and nobody else's. */
  fake: FakeFcm;
  /** The candidates in its hands. */
  held: number[];
}

async function fallAsleep(
  stack: Stack<Observer>,
  random: () => number,
): Promise<Sleeper | undefined> {
  const { world } = stack;
  const observer = stack.extra;
  const invocation = crypto.randomUUID();
  const moment = random();
  let acceptsToGo = 0;
  const asleep = Promise.withResolvers<void>();
  const fake = await stack.anotherFake({
    latencyMilliseconds: 5,
    onAccept: () => {
      if (--acceptsToGo === 0) stop();
    },
  });
  const process = await stack.startFunction(SHORT_LEASE, fake);
  const stop = () => {
    process.kill("SIGSTOP");
    asleep.resolve();
  };
  if (moment < 0.25) observer.next("claimed", invocation).then(stop);
  else if (moment < 0.5) observer.next("recorded", invocation).then(stop);
  else acceptsToGo = 1 + Math.floor(random() * LATEST_ACCEPT);

  await stack.addDue(DUE_PER_SLEEPER);
  const run = world.run(process, { invocation_id: invocation, job_name: "scenario-evaluation" });
  run.catch(() => {}); // said where it is awaited
  const isOver = await Promise.race([asleep.promise.then(() => false), run.then(() => true)]);
  const held = await stack.sql<{ id: number }[]>`
    select id::integer as id from scheduler.notifications
    where claimed_by = ${invocation} and status = 'sending'
  `;
  if (isOver || held.length === 0) {
    process.kill("SIGKILL");
    await process.ended;
  }
  // So that the next one's run may begin.
  await world.fallSilent([invocation]);
  return isOver || held.length === 0 ? undefined : {
    invocation,
    process,
    run,
    fake,
    held: held.map(({ id }) => id),
  };
}

const WOKEN = [
  "woke up while another had their page",
  "woke up when another was done with it",
  "pushes left after that",
  "of their runs failed",
] as const;

async function sleepPastTheLease(
  stack: Stack<Observer>,
  times: number,
  random: () => number,
): Promise<Counts> {
  const sleepers: Sleeper[] = [];
  for (let tried = 0; sleepers.length < times; tried++) {
    if (tried > 20 + 4 * times) {
      throw new Error(`Of ${tried} runs only ${sleepers.length} could be stopped in their pages.`);
    }
    const sleeper = await fallAsleep(stack, random);
    if (sleeper) sleepers.push(sleeper);
  }
  stack.provider.latencyMilliseconds = TAKEOVER_MILLISECONDS;
  const counts = new Counts(WOKEN);
  await wakeEach(stack, sleepers, counts);
  return counts;
}

/** Lets each go on as soon as another has its page. */
async function wakeEach(
  stack: Stack,
  sleepers: readonly Sleeper[],
  counts: Counts<typeof WOKEN[number]>,
): Promise<void> {
  let asleep = [...sleepers];
  const woken: Promise<void>[] = [];
  await until("their pages are taken over", async () => {
    const rows = await stack.sql<{ id: number; claimed_by: string }[]>`
      select id::integer as id, claimed_by from scheduler.notifications
      where id = any (${asleep.flatMap(({ held }) => held)}) and status = 'sending'
    `;
    const claims = new Map(rows.map((row) => [row.id, row.claimed_by]));
    const isStill = ({ invocation, held }: Sleeper) =>
      held.some((id) => claims.get(id) === invocation);
    for (const sleeper of asleep) {
      if (isStill(sleeper)) continue;
      const isInHands = sleeper.held.some((id) => claims.has(id));
      counts.add(isInHands ? WOKEN[0] : WOKEN[1]);
      woken.push(wake(sleeper, counts));
    }
    asleep = asleep.filter(isStill);
    return asleep.length === 0;
  }, LEASE_SECONDS + TAKEOVER_SECONDS);
  await Promise.all(woken);
}

async function wake(
  { process, run, fake }: Sleeper,
  counts: Counts<typeof WOKEN[number]>,
): Promise<void> {
  const before = fake.acceptedCount;
  process.kill("SIGCONT");
  const { status } = await run;
  process.kill("SIGKILL");
  await process.ended;
  // They were on their way already.
  counts.add("pushes left after that", fake.acceptedCount - before);
  // A connection that it was about to make did not come about in time, for example.
  if (status !== 200) counts.add("of their runs failed");
}

export const SLEEPER_FAULTS: readonly Fault[] = [fault({
  name: "dispatcher stopped past its lease, then let go on",
  times: 50,
  timesInShort: 0, // make test waits for one lease, in sleepers.test.ts
  batch: 25,
  doubts: "doubles",
  failures: ["database_error", "timeout_error"],
  makeStack: observedStack,
  strike: sleepPastTheLease,
})];
