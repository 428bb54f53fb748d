// The clock of the function's machine is off by hours. What is decided by a clock
// is decided by the database's; the function's own decides only whom it believes.

import { pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { Stack } from "./stack.ts";
import { databaseWith } from "./test_database.ts";
import { itSends } from "./waiting.ts";

const LIBRARIES = ["x86_64", "aarch64"].map((processor) =>
  `/usr/lib/${processor}-linux-gnu/faketime/libfaketime.so.1`
);

async function findLibrary(): Promise<string> {
  for (const library of LIBRARIES) {
    if (await Deno.stat(library).then(() => true, () => false)) return library;
  }
  throw new Error("libfaketime is not here: apt-get install libfaketime (Debian).");
}

/** The clock of a stack's sender. */
class Clock {
  private constructor(
    private readonly file: string,
    /** What makes a process go by it. */
    readonly environment: Record<string, string>,
  ) {}

  static async make(): Promise<Clock> {
    const library = await findLibrary();
    const file = await Deno.makeTempFile({ prefix: "scenario-scheduler-clock-" });
    const clock = new Clock(file, {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      // How long something takes is measured rightly on such a machine too.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    });
    await clock.set(0);
    return clock;
  }

  /** How many seconds it is off, from now on. */
  async set(seconds: number): Promise<void> {
    // At once: who reads it meanwhile finds the one or the other.
    await Deno.writeTextFile(
      `${this.file}.next`,
      `${seconds < 0 ? "" : "+"}${Math.round(seconds)}`,
    );
    await Deno.rename(`${this.file}.next`, this.file);
  }

  async end(): Promise<void> {
    await Deno.remove(this.file);
  }
}

async function stackWithClock(): Promise<Stack<Clock>> {
  const clock = await Clock.make();
  return await Stack.make({
    database: databaseWith(() => clock.end()),
    environment: clock.environment,
  }, clock);
}

const refused = async (stack: Stack): Promise<number> => {
  const [row] = await stack.sql<{ count: number }[]>`
    select count(*)::integer as count from scheduler.requests
    where outcome = 'refused' and http_status = 401
  `;
  return row?.count ?? 0;
};

const ran = async (stack: Stack): Promise<number> => {
  const [row] = await stack.sql<{ count: number }[]>`
    select count(*)::integer as count from scheduler.invocations
    where job_name = 'dispatch-backlog' and status = 'completed' and triggered_by in ('pg_cron', 'operator')
  `;
  return row?.count ?? 0;
};

async function moreWork(stack: Stack): Promise<void> {
  await stack.moreIsDue(6);
  await stack.tick();
}

/** Has a run begun by somebody who knows the secret, and returns its status. */
async function runBySecret(stack: Stack): Promise<number> {
  let status = 0;
  await until("a run by secret begins", async () => {
    const sender = await stack.startSender();
    const { status: answered, answer } = await stack.world.run(sender, {
      job_name: "dispatch-backlog",
    });
    status = answered;
    return answer["skipped"] !== true;
  });
  return status;
}

const COUNTED = [
  "changes while it sent",
  "runs by signature were refused",
  "runs by secret",
  "of them the provider refused",
  "pushes left by the wrong clock",
] as const;

const wrongBy = (direction: "ahead" | "behind") =>
  fault<Clock>({
    name: `the clock of the function's machine is hours ${direction}`,
    times: 30,
    timesInShort: 2,
    doubts: "none",
    failures: ["authentication_error"],
    makeStack: stackWithClock,
    async strike(stack, times, random) {
      const { extra: clock, world: { fake } } = stack;
      const counts = new Counts(COUNTED);
      let left = 0;
      await itSends(stack); // so that it has an access token
      try {
        for (let i = 0; i < times; i++) {
          const hours = (direction === "ahead" ? 1 : -1) * (1 + random() * 11);
          await moreWork(stack);
          if (i % 3 === 2) {
            await itSends(stack);
            counts.add("changes while it sent");
          }
          await clock.set(hours * 3600);

          // A signature is five minutes old at most, by a clock that is hours off.
          const before = await refused(stack);
          await until("a signed request is refused", async () => {
            await moreWork(stack);
            await pause(50);
            return await refused(stack) > before;
          }, 60);
          counts.add("runs by signature were refused");
          if (i % 2 === 0) {
            // Who knows the secret is believed, and the provider believes the function or doesn't.
            if (i % 4 === 2) fake.revokeAccessTokens();
            const accepted = fake.acceptedCount;
            const status = await runBySecret(stack);
            counts.add("runs by secret");
            if (status === 500) counts.add("of them the provider refused");
            left += fake.acceptedCount - accepted;
          }

          await clock.set(0);
          const completed = await ran(stack);
          await until("a signed request is taken again", async () => {
            await stack.world.retriesAreDue();
            await moreWork(stack);
            await pause(50);
            return await ran(stack) > completed;
          }, 60);
        }
      } finally {
        await clock.set(0);
      }
      // By a clock that is ahead, the access token that it has is too old.
      if (direction === "behind" && left === 0) {
        throw new Error("no push left while the clock was wrong, so that nothing was shown");
      }
      counts.add("pushes left by the wrong clock", left);
      return counts;
    },
  });

export const CLOCK_FAULTS: readonly Fault[] = [wrongBy("ahead"), wrongBy("behind")];
