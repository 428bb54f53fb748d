// Dispatchers that die at a point of a push's life.

import type { EdgeFunction } from "../../../scripts/edge_function.ts";
import { pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { observedStack, type Observer } from "./observer.ts";
import type { Stack } from "./stack.ts";

/** A dispatcher that is asked for one run and is not to live to its end. */
interface Victim {
  process: EdgeFunction;
  invocation: string;
  /** Of its connections, in pg_stat_activity. */
  backend: string;
  /** The run ended before it could be killed. */
  isOver: boolean;
}

/** How victims of one kind are made and hit. */
interface Aim {
  start(backend: string): Promise<EdgeFunction>;
  /** Before it is asked for its run. */
  prepare?(victim: Victim): Promise<void>;
  /** Resolves when it is where it is to be killed. */
  reached(victim: Victim): Promise<void>;
  /** When it is dead. */
  clear?(victim: Victim): Promise<void>;
  /** When its backends are gone too: counts what was done to it. False where it was not what it was to be. */
  account(victim: Victim): Promise<boolean>;
  counts: Counts;
}

/** Two pages at a time, of which each takes a few rounds. */
const SMALL_PAGES = { PAGE_SIZE: "6", PUSH_CONCURRENCY: "3" };
const DUE_PER_VICTIM = 8;

async function killMany(stack: Stack, times: number, aim: Aim): Promise<Counts> {
  const { world } = stack;
  const series = crypto.randomUUID().slice(0, 8);
  const start = (number: number) => {
    const starting = aim.start(`victim_${series}_${number}`);
    starting.catch(() => {}); // said where it is awaited
    return starting;
  };
  let next = start(0);
  let killed = 0;
  for (let number = 0; killed < times; number++) {
    if (number > 20 + 4 * times) {
      throw new Error(`Of ${number} runs only ${killed} could be killed: most were over before.`);
    }
    await stack.addDue(DUE_PER_VICTIM);
    const process = await next;
    next = start(number + 1);
    const invocation = crypto.randomUUID();
    const backend = `victim_${series}_${number}`;
    const victim: Victim = { process, invocation, backend, isOver: false };
    await aim.prepare?.(victim);
    const reached = aim.reached(victim);
    const run = world.run(process, { invocation_id: invocation, job_name: "scenario-evaluation" })
      .then(() => void (victim.isOver = true), () => {});
    await Promise.race([reached, run]);
    process.kill("SIGKILL");
    await process.ended;
    await run;
    await aim.clear?.(victim);
    // A statement that was on its way ends first.
    await until("its backends are gone", async () => await world.backends(backend) === 0);
    if (!victim.isOver && await aim.account(victim)) killed++;
    await world.fallSilent([invocation]);
  }
  const unneeded = await next;
  unneeded.kill("SIGKILL");
  await unneeded.ended;
  return aim.counts;
}

type MakeAim = (stack: Stack<Observer>, random: () => number) => Aim;

/** How many candidates a run claimed last; those that it has not recorded, or all. */
async function claimedBy(stack: Stack, invocation: string, onlyInHand = false): Promise<number> {
  const [row] = await stack.sql<{ count: number }[]>`
    select count(*)::integer as count from scheduler.notifications
    where claimed_by = ${invocation} and (status = 'sending' or not ${onlyInHand})
  `;
  return row?.count ?? 0;
}

const withSmallPages = (stack: Stack) => (backend: string) =>
  stack.startFunction({ SCHEDULER_DB_URL: stack.world.urlAs(backend), ...SMALL_PAGES });

const beforeTheClaimCommits: MakeAim = (stack, random) => {
  const holder = stack.world.database.session();
  const counts = new Counts(["claims were undone", "claims stood"]);
  return {
    counts,
    start: withSmallPages(stack),
    async prepare({ invocation }) {
      await holder`select pg_advisory_lock(hashtextextended(${invocation}, 0))`;
      await holder`insert into faults.held values (${invocation})`;
    },
    async reached(victim) {
      await until("the claim is held up, or the run is over", async () => {
        const held = await stack.sql`
          select from pg_stat_activity
          where application_name = ${victim.backend} and wait_event = 'advisory'
            and query like '%claim_notifications%'
        `;
        return held.length > 0 || victim.isOver;
      });
    },
    async clear({ backend }) {
      // Its connections end with it, or its statement is carried out first, which is likely.
      if (random() < 0.5) {
        await stack.sql`
          select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${backend}
        `;
      }
      await holder`select pg_advisory_unlock_all()`;
    },
    async account({ invocation }) {
      const stood = await claimedBy(stack, invocation) > 0;
      counts.add(stood ? "claims stood" : "claims were undone");
      return true;
    },
  };
};

const claimedAndUnsent: MakeAim = (stack) => {
  // Whatever it sends stays at a door that nobody opens.
  const { url } = stack.world.listen(() => Promise.resolve("never"));
  const counts = new Counts(["candidates were in their hands"]);
  return {
    counts,
    start: (backend) =>
      stack.startFunction({
        SCHEDULER_DB_URL: stack.world.urlAs(backend),
        FCM_ENDPOINT: url,
        ...SMALL_PAGES,
      }),
    reached: ({ invocation }) => stack.extra.next("claimed", invocation),
    async account({ invocation }) {
      const claimed = await claimedBy(stack, invocation, true);
      counts.add("candidates were in their hands", claimed);
      return claimed > 0;
    },
  };
};

const acceptedAndUnrecorded: MakeAim = (stack, random) => {
  let victim: Victim | undefined;
  let acceptsToGo = 0;
  let arrived = Promise.withResolvers<void>();
  let hasAccepted = false;
  const counts = new Counts(["died between an acceptance and its answer"]);
  const fake = stack.anotherFake({
    latencyMilliseconds: 5,
    onAccept: async () => {
      if (--acceptsToGo !== 0) return;
      // Dead before the answer goes out.
      victim?.process.kill("SIGKILL");
      await victim?.process.ended;
      hasAccepted = true;
      arrived.resolve();
    },
  });
  return {
    counts,
    start: async (backend) =>
      await stack.startFunction(
        { SCHEDULER_DB_URL: stack.world.urlAs(backend), ...SMALL_PAGES },
        await fake,
      ),
    reached(next) {
      victim = next;
      acceptsToGo = 1 + Math.floor(random() * DUE_PER_VICTIM);
      hasAccepted = false;
      arrived = Promise.withResolvers<void>();
      return arrived.promise;
    },
    account() {
      if (hasAccepted) counts.add("died between an acceptance and its answer");
      return Promise.resolve(hasAccepted);
    },
  };
};

const afterTheRecord: MakeAim = (stack) => {
  const counts = new Counts(["pushes were recorded", "candidates were in their hands still"]);
  return {
    counts,
    start: withSmallPages(stack),
    reached: ({ invocation }) => stack.extra.next("recorded", invocation),
    async account({ invocation }) {
      const recorded = await stack.sql`
        select from scheduler.push_attempts where invocation_id = ${invocation}
      `;
      counts.add("pushes were recorded", recorded.length);
      counts.add(
        "candidates were in their hands still",
        await claimedBy(stack, invocation, true),
      );
      return recorded.length > 0;
    },
  };
};

const atAnyMoment: MakeAim = (stack, random) => {
  const counts = new Counts(["had claimed nothing", "had a page in hand", "had recorded all"]);
  return {
    counts,
    start: withSmallPages(stack),
    async reached({ invocation }) {
      // Most of a run that is short goes by before its first claim.
      const after = ["nothing", "claimed", "recorded"][Math.floor(random() * 3)];
      if (after === "claimed" || after === "recorded") {
        await stack.extra.next(after, invocation);
        await pause(random() * 100);
      } else await pause(random() * 400);
    },
    async account({ invocation }) {
      if (await claimedBy(stack, invocation) === 0) counts.add("had claimed nothing");
      else if (await claimedBy(stack, invocation, true) > 0) counts.add("had a page in hand");
      else counts.add("had recorded all");
      return true;
    },
  };
};

const killing = (name: string, makeAim: MakeAim, doubts: Fault["doubts"]): Fault =>
  fault<Observer>({
    name,
    times: 200,
    timesInShort: 20,
    batch: 25,
    doubts,
    makeStack: observedStack,
    strike: (stack, times, random) => killMany(stack, times, makeAim(stack, random)),
  });

export const DISPATCHER_FAULTS: readonly Fault[] = [
  killing("dispatcher killed before its claim commits", beforeTheClaimCommits, "unsent"),
  killing("dispatcher killed with a page claimed and unsent", claimedAndUnsent, "unsent"),
  killing(
    "dispatcher killed with a push accepted and unrecorded",
    acceptedAndUnrecorded,
    "doubles",
  ),
  // Another page may be in its hands.
  killing("dispatcher killed after its record", afterTheRecord, "doubles"),
  killing("dispatcher killed at any moment", atAnyMoment, "doubles"),
];
