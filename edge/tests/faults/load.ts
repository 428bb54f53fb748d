// What goes on while a fault is done: mentors become due, are active, pause and
// come back, opt out and in, renew what they hold; and all are evaluated and sent to.

import type { Sql } from "../../../scripts/server.ts";
import { pause, randomFrom } from "../../../scripts/testing.ts";
import type { Stack } from "./stack.ts";

/** One of the load's mentors, by what its id is made of. */
type Mentor = string;

interface Deed {
  /** How often it is done, compared with the others. */
  weight: number;
  done(sql: Sql, mentor: Mentor, random: () => number): Promise<unknown>;
}

const below = (limit: number, random: () => number) => Math.floor(random() * limit);

const SCENARIOS = ["inactivity", "milestone", "expiry"];

const DEEDS: readonly Deed[] = [
  {
    weight: 28,
    done: (sql, mentor, random) =>
      sql`
        insert into public.activities (user_id, activity_date)
        select id, current_date - ${below(60, random)}::integer
        from public.peer_mentors where id = md5(${mentor})::uuid
      `,
  },
  {
    weight: 7,
    done: (sql, mentor) => sql`delete from public.activities where user_id = md5(${mentor})::uuid`,
  },
  {
    weight: 8,
    done: (sql, mentor) =>
      sql`
        update public.peer_mentors set status = case status when 'active' then 'paused' else 'active' end
        where id = md5(${mentor})::uuid
      `,
  },
  {
    weight: 6,
    done: (sql, mentor, random) =>
      sql`
        insert into public.certifications (user_id, expires_on)
        select id, current_date + ${below(60, random)}::integer
        from public.peer_mentors where id = md5(${mentor})::uuid
      `,
  },
  {
    weight: 6,
    done: (sql, mentor) =>
      sql`
        update public.certifications set expires_on = expires_on + 365
        where user_id = md5(${mentor})::uuid
      `,
  },
  {
    weight: 3,
    done: (sql, mentor) =>
      sql`
        update public.certifications set revoked_at = case when revoked_at is null then now() end
        where user_id = md5(${mentor})::uuid
      `,
  },
  {
    weight: 3,
    done: (sql, mentor) =>
      sql`delete from public.certifications where user_id = md5(${mentor})::uuid`,
  },
  {
    weight: 8,
    done: (sql, mentor, random) =>
      sql`
        insert into public.notification_preferences as preference (user_id, scenario_type, push_enabled)
        values (md5(${mentor})::uuid, ${SCENARIOS[below(3, random)] ?? ""}, false)
        on conflict (user_id, scenario_type)
          do update set push_enabled = not preference.push_enabled
      `,
  },
  {
    weight: 10,
    // Their first one. Of a later one nobody could say whether it came in time for a push.
    done: (sql, mentor) =>
      sql`
        insert into public.device_tokens (token, user_id)
        select replace(${mentor}, 'due', 'phone 1 of'), id
        from public.peer_mentors where id = md5(${mentor})::uuid
        on conflict do nothing
      `,
  },
  {
    weight: 26,
    done(sql, _, random) {
      // Any two evaluators, at any time, in any order.
      const daysAgo = random() < 0.6 ? 0 : below(70, random);
      return sql`
        select from public.run_scenario_evaluation(as_of => now() - make_interval(days => ${daysAgo}::integer))
      `;
    },
  },
];
const WEIGHTS = DEEDS.reduce((sum, { weight }) => sum + weight, 0);

function choose(random: () => number): Deed["done"] {
  let left = random() * WEIGHTS;
  for (const { weight, done } of DEEDS) if ((left -= weight) < 0) return done;
  throw new Error("A random number was not below 1.");
}

/** Past so many that wait, the load adds nobody. */
const ENOUGH_WAIT = 400;
const WRITE_EVERY_MS = 150;
const TICK_EVERY_MS = 700;

/** Shorter than this it proves nothing that little was done; and so often something has to be done. */
const TELLING_SECONDS = 5;
const SECONDS_FOR_EACH = 2;

/** What was done again and again, and in how many seconds in which nobody took the server away. */
export class Progress {
  #completed = 0;
  #seconds = 0;

  constructor(private readonly what: string, private readonly loops: number) {}

  get completed(): number {
    return this.#completed;
  }

  note(isDone: boolean, seconds: number): void {
    if (isDone) this.#completed++;
    this.#seconds += seconds / this.loops;
  }

  findings(): string[] {
    const seconds = this.#seconds;
    if (seconds < TELLING_SECONDS || this.#completed >= seconds / SECONDS_FOR_EACH) return [];
    return [`the load stood still: ${this.#completed} ${this.what} in ${Math.round(seconds)} s`];
  }
}

export class Load {
  readonly #writes: Progress;
  readonly #ticks = new Progress("ticks", 1);
  readonly #loops: Promise<unknown>;
  #goesOn = true;

  /** A writer for each source of random numbers. */
  constructor(private readonly stack: Stack, writers: readonly (() => number)[]) {
    this.#writes = new Progress("writes", writers.length);
    const { database } = stack.world;
    this.#loops = Promise.all([
      this.#repeat(this.#ticks, TICK_EVERY_MS, () => stack.tick()),
      ...writers.map((random) => {
        const sql = database.session();
        return this.#repeat(this.#writes, WRITE_EVERY_MS, () => this.#write(sql, random));
      }),
    ]);
  }

  get writes(): number {
    return this.#writes.completed;
  }

  findings(): string[] {
    return [...this.#writes.findings(), ...this.#ticks.findings()];
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#loops;
  }

  async #repeat(progress: Progress, every: number, work: () => Promise<unknown>): Promise<void> {
    while (this.#goesOn) {
      const startedAt = performance.now();
      let isDone = false;
      let isAway = false;
      try {
        await work();
        isDone = true;
      } catch (error) {
        isAway = this.stack.isAway(error);
      }
      await pause(every);
      if (!isAway) progress.note(isDone, (performance.now() - startedAt) / 1000);
    }
  }

  async #write(sql: Sql, random: () => number): Promise<void> {
    // Of its own, so that the next one's are the same where this one breaks off.
    const choices = randomFrom(below(2 ** 32, random));
    const done = choose(choices);
    const mentor = `due ${1 + below(this.stack.mentors, choices)}`;
    if (await this.stack.waiting(sql) < ENOUGH_WAIT) await this.stack.addDue(4, sql, 1);
    await done(sql, mentor, choices);
  }
}
