// Ticks of pg_cron that come twice, not at all, or late: of the job of once a day
// and of the one of every minute, which sends.

import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import type { Fault } from "./fault.ts";
import type { Stack } from "./stack.ts";
import { itSends } from "./waiting.ts";

type Job = "scenario-evaluation" | "dispatch-backlog";

/** The last minutes before some, the latest first, at which a job has not run yet. */
async function freeMinutes(
  stack: Stack,
  job: Job,
  leastMinutesAgo: number,
  count = 1,
): Promise<Date[]> {
  const rows = await stack.sql<{ minute: Date }[]>`
    select past.minute
    from generate_series(${leastMinutesAgo}::integer, 700) as ago
    cross join lateral (
      select date_trunc('minute', now()) - make_interval(mins => ago) as minute
    ) as past
    where not exists (
      select from scheduler.invocations as run
      where run.job_name = ${job} and run.scheduled_for = past.minute
    )
    order by ago
    limit ${count}
  `;
  if (rows.length < count) throw new Error(`No minute is left at which ${job} has not run.`);
  return rows.map(({ minute }) => minute);
}

/** The job of once a day, due at some minute of the last hours at which it has not run yet. */
async function becomesDue(stack: Stack, leastMinutesAgo = 3): Promise<Date> {
  const [minute = new Date()] = await freeMinutes(stack, "scenario-evaluation", leastMinutesAgo);
  await stack.sql.begin(async (transaction) => {
    await transaction`
      update scheduler.jobs
      set
        enabled = true,
        schedule = to_char(${minute}::timestamptz at time zone 'UTC', 'MI HH24') || ' * * *'
      where job_name = 'scenario-evaluation'
    `;
    // A job that is new is not late.
    await transaction`
      update scheduler.jobs set last_tick_for = ${minute}::timestamptz - interval '10 minutes'
      where job_name = 'scenario-evaluation'
    `;
  });
  return minute;
}

async function comesNoMore(stack: Stack): Promise<void> {
  await stack.sql`
    update scheduler.jobs set enabled = false, catch_up = '12 hours' where job_name = 'scenario-evaluation'
  `;
}

/**
 * pg_cron's own tick of a job, in a session of its own, which waits to be told; as if it were that
 * minute, if one is given.
 */
async function readyTick(
  stack: Stack,
  job: Job,
  minute: Date | null = null,
): Promise<() => Promise<void>> {
  const session = stack.world.database.session();
  await session`select 1`;
  return async () => {
    try {
      await session`
        select from scheduler.tick(
          cron_name => (select cron_name from scheduler.jobs where job_name = ${job}),
          at => coalesce(${minute}::timestamptz + interval '5 seconds', now())
        )
      `;
    } finally {
      await session.end({ timeout: 1 });
    }
  };
}

async function tick(stack: Stack, job: Job, minute: Date | null = null): Promise<void> {
  await (await readyTick(stack, job, minute))();
}

/** So many ticks of the same moment: all at once, or one after the other. */
async function tickTwice(stack: Stack, job: Job, atOnce: boolean, minute?: Date): Promise<string> {
  const ticks = await Promise.all(
    Array.from({ length: atOnce ? 3 : 2 }, () => readyTick(stack, job, minute)),
  );
  if (atOnce) await Promise.all(ticks.map((one) => one()));
  else for (const one of ticks) await one();
  return atOnce ? "three at once" : "two one after the other";
}

interface Row {
  status: string;
  reason: string | null;
  triggered_by: string;
}

/** What the ledger says of a minute, once nothing of it is open. */
async function ledgerOf(stack: Stack, job: Job, minute: Date): Promise<Row[]> {
  let rows: Row[] = [];
  await until("the run of the tick ends", async () => {
    rows = await stack.sql<Row[]>`
      select status, status_reason as reason, triggered_by from scheduler.invocations
      where job_name = ${job} and scheduled_for = ${minute}::timestamptz
      order by requested_at
    `;
    return rows.every(({ status }) => !["requested", "running"].includes(status));
  }, 20).catch((error) => {
    throw new Error(`${error.message} The ledger has ${JSON.stringify(rows)}.`);
  });
  return rows;
}

/**
 * The run of a minute: whatever else was tried says that it was not needed. Undefined where there
 * was none, because another was on or nothing was due.
 */
async function runOf(stack: Stack, job: Job, minute: Date): Promise<Row | undefined> {
  const rows = await ledgerOf(stack, job, minute);
  const [run, ...more] = rows.filter(({ status }) => status !== "skipped");
  const others = rows.filter(({ status }) => status === "skipped");
  if (
    more.length > 0 || (run && run.status !== "completed") ||
    others.some(({ reason }) => reason !== "duplicate_tick" && reason !== "overlap")
  ) {
    throw new Error(
      `the tick of ${job} at ${minute.toISOString()} did not run once: ${JSON.stringify(rows)}`,
    );
  }
  return run;
}

/** The same of the job of once a day, which nothing hinders. */
async function dailyRunOf(stack: Stack, minute: Date): Promise<Row> {
  let run: Row | undefined;
  await until("the daily job has run", async () => {
    run = await runOf(stack, "scenario-evaluation", minute);
    return run !== undefined;
  });
  return run ?? { status: "", reason: null, triggered_by: "" };
}

/** Says what it was; undefined where something else came in between, and it has to be done again. */
type Strike = (stack: Stack) => Promise<string | undefined>;

const dailyTwice = (atOnce: boolean): Strike => async (stack) => {
  const minute = await becomesDue(stack);
  const how = await tickTwice(stack, "scenario-evaluation", atOnce);
  const { triggered_by } = await dailyRunOf(stack, minute);
  // Else it had been made up for.
  return triggered_by === "pg_cron" ? `of the day ${how}` : undefined;
};

const minutelyTwice = (atOnce: boolean): Strike => async (stack) => {
  const [minute = new Date()] = await freeMinutes(stack, "dispatch-backlog", 1);
  const how = await tickTwice(stack, "dispatch-backlog", atOnce, minute);
  return await runOf(stack, "dispatch-backlog", minute) && `of the minute ${how}`;
};

const isMadeUpFor: Strike = async (stack) => {
  const minute = await becomesDue(stack);
  await stack.tick();
  const { triggered_by } = await dailyRunOf(stack, minute);
  if (triggered_by !== "catch_up") throw new Error(`${triggered_by} made up for a missed tick`);
  return "made up for";
};

const isTooOld: Strike = async (stack) => {
  await stack.sql`
    update scheduler.jobs set catch_up = '1 hour' where job_name = 'scenario-evaluation'
  `;
  const minute = await becomesDue(stack, 62);
  await stack.tick();
  let rows: Row[] = [];
  await until("the ledger has the tick that is too old", async () => {
    rows = await ledgerOf(stack, "scenario-evaluation", minute);
    return rows.length > 0;
  });
  await stack.sql`
    update scheduler.jobs set catch_up = '12 hours' where job_name = 'scenario-evaluation'
  `;
  if (rows.length !== 1 || rows[0]?.reason !== "missed") {
    throw new Error(`a tick that is too old left ${JSON.stringify(rows)}`);
  }
  return "too old, which the ledger says";
};

const dailyLate = (afterwards: boolean): Strike => async (stack) => {
  const late = await readyTick(stack, "scenario-evaluation");
  const minute = await becomesDue(stack);
  if (afterwards) {
    await stack.tick();
    await dailyRunOf(stack, minute);
    await late();
  } else await Promise.all([late(), stack.tick()]);
  const { triggered_by } = await dailyRunOf(stack, minute);
  return triggered_by === "catch_up"
    ? "of the day when it was made up for"
    : "of the day before it was made up for";
};

/** pg_cron was held up, and fires one after the other. */
const minutelyInARow: Strike = async (stack) => {
  const minutes = await freeMinutes(stack, "dispatch-backlog", 1, 3);
  for (const minute of minutes.toReversed()) await tick(stack, "dispatch-backlog", minute);
  let ran = 0;
  for (const minute of minutes) if (await runOf(stack, "dispatch-backlog", minute)) ran++;
  return ran > 0 ? "of three minutes in a row" : undefined;
};

const minutelyWhileItSends: Strike = async (stack) => {
  const [minute = new Date()] = await freeMinutes(stack, "dispatch-backlog", 1);
  stack.provider.latencyMilliseconds = 500; // so that it sends for a while
  await itSends(stack);
  // What was due is in its hands.
  await stack.moreIsDue(3);
  await tick(stack, "dispatch-backlog", minute);
  stack.resetProvider();
  const run = await runOf(stack, "dispatch-backlog", minute);
  const rows = await ledgerOf(stack, "dispatch-backlog", minute);
  return run || rows.length === 0 ? undefined : "of the minute while a run was on";
};

function ticking(
  what: string,
  timesInShort: number,
  strikes: readonly Strike[],
): Fault {
  return {
    name: `a tick of pg_cron ${what}`,
    times: 60,
    timesInShort,
    doubts: "none",
    async strike(stack, times) {
      const counts = new Counts();
      try {
        for (let i = 0; i < times; i++) {
          await until(`a tick ${what}`, async () => {
            await stack.moreIsDue(3);
            const done = await strikes[i % strikes.length]?.(stack);
            if (done) counts.add(done);
            return done !== undefined;
          }, 60);
        }
      } finally {
        await comesNoMore(stack);
      }
      return counts;
    },
  };
}

export const TICK_FAULTS: readonly Fault[] = [
  ticking("comes twice", 4, [
    dailyTwice(true),
    minutelyTwice(true),
    dailyTwice(false),
    minutelyTwice(false),
  ]),
  ticking("does not come", 4, [isMadeUpFor, isMadeUpFor, isMadeUpFor, isTooOld]),
  ticking("comes late", 4, [
    dailyLate(false),
    minutelyInARow,
    dailyLate(true),
    minutelyWhileItSends,
  ]),
];
