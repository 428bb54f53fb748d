// Dispatchers that are killed at any moment, or stopped for longer than their
// lease. SEED=… repeats a run's choices.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import type { FakeFcm } from "../../scripts/fake_fcm.ts";
import { pause, randomFrom, report } from "../../scripts/testing.ts";
import { acceptsByToken, inWorld, notOnce, until, type World } from "./world.ts";

/** Of one job only one run is on at a time, so each chain has its own. */
const CHAINS = [
  { chain: "odd", job_name: "scenario-evaluation" },
  { chain: "even", job_name: "dispatch-backlog" },
];
const KILLS_PER_CHAIN = 90;
/** Leases run out only every so many runs, so that no notification comes to its last attempt. */
const RUNS_PER_LEASE = 30;
const QUARANTINING = "bbbbbbbb-0000-4000-8000-000000000000";

const MOMENTS = [
  "at random",
  "between accept and record",
  "at random",
  "before its claim commits",
  "at random",
  "after its record",
  "at random",
  "before its claim commits, which it does",
  "at random",
  "after its claim",
] as const;
type Moment = typeof MOMENTS[number];

/** What lets a test see, and hold up, a claim or a record. */
const OBSERVED = `
  create schema kills;
  create table kills.held (invocation_id uuid primary key);
  create function kills.observe_claim() returns trigger language plpgsql as $$
  begin
    if exists (select from kills.held where invocation_id = new.claimed_by) then
      perform pg_advisory_xact_lock(hashtextextended(new.claimed_by::text, 0));
    end if;
    perform pg_notify('claimed', new.claimed_by::text);
    return new;
  end $$;
  create trigger observe_claim before update on scheduler.notifications
    for each row when (new.status = 'sending') execute function kills.observe_claim();
  create function kills.observe_record() returns trigger language plpgsql as $$
  begin
    perform pg_notify('recorded', new.invocation_id::text);
    return new;
  end $$;
  create trigger observe_record after insert on scheduler.push_attempts
    for each row execute function kills.observe_record();
`;

/** Somebody who waits for one thing to happen, at most once. */
class Signals {
  readonly #awaited = new Map<string, () => void>();

  next(name: string): Promise<void> {
    return new Promise((resolve) => this.#awaited.set(name, resolve));
  }

  give(name: string): void {
    this.#awaited.get(name)?.();
    this.#awaited.delete(name);
  }
}

interface Work {
  resent: string[];
  quarantined: string[];
  /** Notifications whose lease ran out while nobody knew whether they had left. */
  ambiguous: Set<number>;
  kills: Map<Moment, number>;
  fakes: FakeFcm[];
}

async function addWork(world: World, work: Work, devices: number): Promise<void> {
  work.resent.push(...await world.addMentors(8, { devices }));
  work.quarantined.push(...await world.addMentors(8, { devices, organisation: QUARANTINING }));
}

/** Lets its claim come as far as its commit. Returns what lets it go on. */
async function holdClaim(world: World, invocation: string): Promise<() => Promise<void>> {
  await world.sql`insert into kills.held values (${invocation})`;
  const holder = await world.database.session().reserve();
  await holder`select pg_advisory_lock(hashtextextended(${invocation}, 0))`;
  return async () => {
    await holder`select pg_advisory_unlock(hashtextextended(${invocation}, 0))`;
    holder.release();
  };
}

async function killOneAfterTheOther(
  world: World,
  { chain, job_name }: typeof CHAINS[number],
  work: Work,
  signals: Signals,
  random: () => number,
): Promise<void> {
  let acceptsToGo = 0;
  let victim: EdgeFunction | undefined;
  const fake = await world.anotherFake({
    latencyMilliseconds: 20,
    onAccept: async () => {
      if (--acceptsToGo !== 0) return;
      victim?.kill("SIGKILL");
      await victim?.ended;
    },
  });
  work.fakes.push(fake);

  const start = (number: number) => {
    const starting = world.start({
      SCHEDULER_DB_URL: world.urlAs(`${chain}_${number}`),
      PAGE_SIZE: "6",
      PUSH_CONCURRENCY: "3",
    }, fake);
    starting.catch(() => {}); // said where it is awaited
    return starting;
  };
  let starting = start(0);
  let dead: string[] = [];
  let killed = 0;
  for (let number = 0; killed < KILLS_PER_CHAIN; number++) {
    assert.ok(number < 4 * RUNS_PER_LEASE, "most runs are over before they are killed");
    await addWork(world, work, number % 4 === 0 ? 2 : 1);
    await world.sql`select from public.run_scenario_evaluation()`;
    victim = await starting;
    starting = start(number + 1);

    const backend = `${chain}_${number}`;
    const invocation = crypto.randomUUID();
    const moment = MOMENTS[number % MOMENTS.length] ?? "at random";
    const release = moment.startsWith("before its claim")
      ? await holdClaim(world, invocation)
      : undefined;
    if (moment === "between accept and record") acceptsToGo = 1 + Math.floor(random() * 12);
    const reached = moment === "at random"
      ? pause(random() * 400)
      : moment === "after its claim"
      ? signals.next(`claimed ${invocation}`)
      : moment === "after its record"
      ? signals.next(`recorded ${invocation}`)
      : release
      ? untilHeld(world, backend)
      : victim.ended;

    let isOver = false;
    const run = world.run(victim, { invocation_id: invocation, job_name }).then(
      () => isOver = true,
      () => {},
    );
    await Promise.race([reached, run]);
    if (!isOver) {
      killed++;
      work.kills.set(moment, (work.kills.get(moment) ?? 0) + 1);
    }
    victim.kill("SIGKILL");
    await victim.ended;
    await run;
    acceptsToGo = 0;
    if (moment === "before its claim commits") {
      await world.sql`
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${backend}
      `;
    }
    await release?.();
    // A statement that was on its way ends first.
    await until("its backends are gone", async () => await world.backends(backend) === 0);

    await world.fallSilent([invocation]);
    dead.push(invocation);
    if (dead.length === RUNS_PER_LEASE) {
      for (const id of await world.leasesRunOut(dead)) work.ambiguous.add(id);
      dead = [];
    }
  }
  await starting;
}

async function untilHeld(world: World, backend: string): Promise<void> {
  await until("the claim is held up", async () => {
    const [row] = await world.sql`
      select from pg_stat_activity where application_name = ${backend} and wait_event = 'advisory'
        and query like '%claim_notifications%'
    `;
    return row !== undefined;
  }, 5);
}

async function drain(world: World): Promise<void> {
  const scheduler = await world.start();
  for (let run = 0; run < 5; run++) {
    assert.equal((await world.run(scheduler)).status, 200);
    const { pending = 0, sending = 0 } = await world.outbox();
    if (pending + sending === 0) return;
  }
  assert.fail(`the outbox is not empty: ${JSON.stringify(await world.outbox())}`);
}

async function killMany(world: World): Promise<Work> {
  const seed = Number(Deno.env.get("SEED") ?? Math.floor(Math.random() * 1e9));
  report(`SEED=${seed}`);
  const work: Work = {
    resent: [],
    quarantined: [],
    ambiguous: new Set(),
    kills: new Map(),
    fakes: [world.fake],
  };
  const signals = new Signals();
  await world.sql.unsafe(OBSERVED);
  const listener = world.database.session();
  await listener.listen("claimed", (id) => signals.give(`claimed ${id}`));
  await listener.listen("recorded", (id) => signals.give(`recorded ${id}`));
  await addWork(world, work, 1);
  await world.sql`
    insert into scheduler.organisation_settings (organisation_id, on_ambiguous)
    values (${QUARANTINING}, 'quarantine')
  `;
  const startedAt = performance.now();
  await Promise.all(
    CHAINS.map((chain, i) =>
      killOneAfterTheOther(world, chain, work, signals, randomFrom(seed + i))
    ),
  );
  for (const id of await world.leasesRunOut()) work.ambiguous.add(id);
  await drain(world);
  const total = [...work.kills.values()].reduce((sum, count) => sum + count, 0);
  assert.ok(total >= 100);
  const moments = MOMENTS.filter((moment, i) => MOMENTS.indexOf(moment) === i);
  report(
    `${total} kills in ${Math.round((performance.now() - startedAt) / 1000)} s: ` +
      moments.map((moment) => `${work.kills.get(moment) ?? 0} ${moment}`).join("; "),
  );
  return work;
}

interface Outcome {
  id: number;
  status: string;
  tokens: string[];
}

async function outcomes(world: World, organisation: string): Promise<Outcome[]> {
  return await world.sql<Outcome[]>`
    select n.id::integer as id, n.status, array_agg(d.token) as tokens
    from scheduler.notifications as n
    join public.device_tokens as d on d.user_id = n.user_id
    join public.peer_mentors as m on m.id = n.user_id
    where m.organisation_id = ${organisation}
    group by n.id
  `;
}

/** How often each device accepted a notification; that it was under one key is checked on the way. */
function acceptsOf(work: Work, outcome: Outcome): number[] {
  const tokens = new Set(outcome.tokens);
  const accepted = work.fakes.flatMap((fake) => fake.accepted).filter(({ token }) =>
    tokens.has(token)
  );
  assert.ok(new Set(accepted.map((message) => message.collapseKey)).size <= 1);
  return outcome.tokens.map((token) =>
    accepted.filter((message) => message.token === token).length
  );
}

const RESENDING = "aaaaaaaa-0000-4000-8000-000000000000";

Deno.test("dispatchers are killed a hundred times, or sleep past their lease", async (t) => {
  await inWorld(async (bedroom) => {
    const sleeper = await fallAsleep(bedroom);

    await inWorld(async (world) => {
      const work = await killMany(world);

      await t.step("every mentor has one notification, and each has an outcome", async () => {
        const [row] = await world.sql`
          select count(*)::integer as mentors, (select count(*)::integer from scheduler.notifications) as notifications
          from public.peer_mentors
        `;
        assert.equal(row?.["notifications"], row?.["mentors"]);
        const { sent = 0, quarantined = 0, ...others } = await world.outbox();
        assert.deepEqual(others, {});
        assert.equal(sent + quarantined, row?.["mentors"]);
      });

      await t.step(
        "resend: nothing is lost, and only what was in doubt is sent twice",
        async () => {
          let twice = 0;
          let ambiguous = 0;
          const all = await outcomes(world, RESENDING);
          for (const outcome of all) {
            const accepts = acceptsOf(work, outcome);
            assert.equal(outcome.status, "sent");
            assert.ok(accepts.every((count) => count >= 1), `notification ${outcome.id} is lost`);
            if (work.ambiguous.has(outcome.id)) ambiguous++;
            else assert.ok(accepts.every((count) => count === 1), `${outcome.id} is sent twice`);
            if (accepts.some((count) => count > 1)) twice++;
          }
          report(`resend: ${ambiguous} of ${all.length} in doubt, ${twice} accepted twice`);
          assert.ok(twice > 0, "no kill came between acceptance and record");
        },
      );

      await t.step(
        "quarantine: nothing is sent twice, and what is in doubt is parked",
        async () => {
          let left = 0;
          let parked = 0;
          const all = await outcomes(world, QUARANTINING);
          for (const outcome of all) {
            const accepts = acceptsOf(work, outcome);
            assert.ok(accepts.every((count) => count <= 1), `${outcome.id} is sent twice`);
            const inDoubt = work.ambiguous.has(outcome.id);
            assert.equal(outcome.status, inDoubt ? "quarantined" : "sent");
            if (inDoubt) parked++;
            else assert.ok(accepts.every((count) => count === 1), `${outcome.id} is lost`);
            if (inDoubt && accepts.some((count) => count > 0)) left++;
          }
          report(`quarantine: ${parked} of ${all.length} parked, of which ${left} had left`);
        },
      );
    });

    await t.step("a sender that slept past its lease sends nothing more", async () => {
      await sleeper.wake();
    });
  }, { onAccept: () => inBedroom?.() });
});

let inBedroom: (() => Promise<void>) | undefined;

/** Stops the process when two of its messages were accepted, before it learns of either. */
function stopAfterTwo(sender: EdgeFunction): { accepted(): Promise<void>; stopped: Promise<void> } {
  let count = 0;
  const stopped = Promise.withResolvers<void>();
  return {
    stopped: stopped.promise,
    accepted: () => {
      if (++count === 2) {
        sender.kill("SIGSTOP");
        stopped.resolve();
      }
      return stopped.promise;
    },
  };
}

/** A sender that is stopped in the middle of its page, and its lease is left to run out. */
async function fallAsleep(world: World): Promise<{ wake(): Promise<void> }> {
  const tokens = await world.addMentors(1, { devices: 4 });
  // The shortest lease there is: 40 seconds.
  const sleeper = await world.start({ PAGE_SIZE: "1", PUSH_CONCURRENCY: "2" });
  const { accepted, stopped } = stopAfterTwo(sleeper);
  inBedroom = accepted;
  const run = world.run(sleeper);
  run.catch(() => {}); // said where it is awaited
  await stopped;
  inBedroom = undefined;

  const wake = async () => {
    const [lease] = await world.sql`
      select date_part('epoch', max(lease_expires_at) - now()) as seconds from scheduler.notifications
    `;
    await pause(Math.max(0, Number(lease?.["seconds"]) * 1000 + 100));
    const second = await world.run(await world.start());
    assert.equal(second.answer["total_dispatched"], 1);
    assert.equal(world.fake.acceptedCount, 6);

    sleeper.kill("SIGCONT");
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 0);
    assert.equal(world.fake.acceptedCount, 6, "after its lease it sends no more");
    assert.deepEqual([...acceptsByToken(world.fake).values()].sort(), [1, 1, 2, 2]);
    assert.equal(acceptsByToken(world.fake).size, tokens.length);
    await keepsOutcomeOf(world, second.answer["invocation_id"], 4);
  };
  return { wake };
}

/** Every device has it, and every word about it is of one run. */
async function keepsOutcomeOf(world: World, invocation: unknown, devices: number): Promise<void> {
  assert.deepEqual(Object.keys(await world.outbox()), ["sent"]);
  assert.deepEqual(await world.attempts(), { sent: devices });
  const [others] = await world.sql`
    select count(*)::integer as count
    from scheduler.push_attempts as attempt
    join scheduler.notifications as n on n.id = attempt.notification_id
    where ${String(invocation)} not in (attempt.invocation_id, n.claimed_by)
  `;
  assert.equal(others?.["count"], 0);
}

Deno.test("a sender whose page was taken over meanwhile records nothing of it", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(6);
    const first = await world.start({ PAGE_SIZE: "6", PUSH_CONCURRENCY: "2" });
    const { accepted, stopped } = stopAfterTwo(first);
    onAccept = accepted;
    const run = world.run(first);
    run.catch(() => {}); // said where it is awaited
    await stopped;
    onAccept = undefined;

    assert.equal((await world.leasesRunOut()).length, 6);
    const other = await world.anotherFake();
    const second = await world.run(await world.start({}, other));
    assert.equal(second.answer["total_dispatched"], 6);
    assert.deepEqual(notOnce(tokens, other), []);

    first.kill("SIGCONT");
    const { status, answer } = await run;
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 0, "nothing that it says is recorded");
    assert.equal(answer["total_errors"], 6);
    await keepsOutcomeOf(world, second.answer["invocation_id"], 6);
    const keys = (accepted: FakeFcm) =>
      new Map(accepted.accepted.map(({ token, collapseKey }) => [token, collapseKey]));
    const late = keys(world.fake);
    assert.deepEqual([...late], [...late.keys()].map((token) => [token, keys(other).get(token)]));
  }, { onAccept: () => onAccept?.() });
});
