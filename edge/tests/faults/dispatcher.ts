// Dispatchers that die at a point of a push's life, or stand still for longer
// than their lease.

import type { EdgeFunction } from "../../../scripts/edge_function.ts";
import type { FakeFcm } from "../../../scripts/fake_fcm.ts";
import { pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { Stack } from "./stack.ts";

/** What lets a fault see, and hold up, a claim or a record. */
const OBSERVED = `
  create schema faults;
  create table faults.held (invocation_id uuid primary key);
  create function faults.observe_claim() returns trigger language plpgsql as $$
  begin
    if exists (select from faults.held where invocation_id = new.claimed_by) then
      perform pg_advisory_xact_lock(hashtextextended(new.claimed_by::text, 0));
    end if;
    perform pg_notify('claimed', new.claimed_by::text);
    return new;
  end $$;
  create trigger observe_claim before update on scheduler.notifications
    for each row when (new.status = 'sending') execute function faults.observe_claim();
  create function faults.observe_record() returns trigger language plpgsql as $$
  begin
    perform pg_notify('recorded', new.invocation_id::text);
    return new;
  end $$;
  create trigger observe_record after insert on scheduler.push_attempts
    for each row execute function faults.observe_record();
`;

/** Says when a run has claimed or recorded something, once that is committed. */
class Observer {
  readonly #awaited = new Map<string, () => void>();

  async begin({ sql, world }: Stack): Promise<void> {
    await sql.unsafe(OBSERVED);
    const listener = world.database.session();
    for (const what of ["claimed", "recorded"]) {
      await listener.listen(what, (id) => {
        this.#awaited.get(`${what} ${id}`)?.();
        this.#awaited.delete(`${what} ${id}`);
      });
    }
  }

  next(what: "claimed" | "recorded", invocation: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(`${what} ${invocation}`, resolve));
  }
}

async function observedStack(): Promise<Stack<Observer>> {
  const observer = new Observer();
  const stack = await Stack.make({}, observer);
  try {
    await observer.begin(stack);
  } catch (error) {
    await stack.end();
    throw error;
  }
  return stack;
}

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

/** A page of which every push is on its way at once has the shortest lease: 40 seconds. */
const SHORT_LEASE = { PAGE_SIZE: "6", PUSH_CONCURRENCY: "6" };
const LEASE_SECONDS = 40;

/**
 * How long whoever takes over has a page in hand, so that the first one wakes up meanwhile. Those
 * whose lease ran out while others still fell asleep wake up later.
 */
const TAKEOVER_MILLISECONDS = 1500;

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
  else acceptsToGo = 1 + Math.floor(random() * DUE_PER_VICTIM);

  await stack.addDue(DUE_PER_VICTIM + 4);
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
  }, LEASE_SECONDS + 30);
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
  fault<Observer>({
    name: "dispatcher stopped past its lease, then let go on",
    times: 50,
    timesInShort: 0, // make test waits for one lease, in sleepers.test.ts
    batch: 25,
    doubts: "doubles",
    failures: ["database_error", "timeout_error"],
    makeStack: observedStack,
    strike: sleepPastTheLease,
  }),
];
