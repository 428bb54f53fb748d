// Syncs that are killed between pages and within them, while the portal goes on changing.
// SEED=… repeats a run's choices.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import type { Sql } from "../../scripts/server.ts";
import { givenSeed, pause, randomFrom, report } from "../../scripts/testing.ts";
import { type Held, heldBy, inPortalWorld, type PortalWorld } from "./portal_world.ts";
import { until } from "./world.ts";

const KILLS = 50;
const CERTIFICATIONS = 60;
const MENTORS = 20;

const MOMENTS = [
  "at random",
  "before a page is asked for",
  "asked and not answered",
  "answered and not applied",
  "applied and not told",
] as const;
type Moment = typeof MOMENTS[number];

/** Keeps which pages were applied, and lets a test hold one up before it is. */
const OBSERVED = `
  create schema kills;
  create table kills.applied (round timestamptz, page integer);
  create table kills.held_up (pages_to_go integer);
  create function kills.observe() returns trigger language plpgsql as $$
  begin
    update kills.held_up set pages_to_go = pages_to_go - 1;
    if exists (select from kills.held_up where pages_to_go = 0) then
      perform pg_advisory_xact_lock(5);
    end if;
    insert into kills.applied values (old.round_started_at, old.round_page);
    return new;
  end $$;
  create trigger observe before update on scheduler.portal_syncs
    for each row when (new.round_page = old.round_page + 1) execute function kills.observe();
`;

/** What is to happen when the victim asks for its next pages. */
interface Trap {
  victim: EdgeFunction | undefined;
  atToken: boolean;
  pagesToGo: number;
}

const trap: Trap = { victim: undefined, atToken: false, pagesToGo: 0 };

async function killVictim(): Promise<void> {
  trap.victim?.kill("SIGKILL");
  await trap.victim?.ended;
}

/** The portal's people are at work: something is renewed, added, removed or erased. */
class Clerk {
  readonly #erased: Held[] = [];
  #added = 0;

  constructor(
    private readonly world: PortalWorld,
    private readonly mentors: readonly string[],
    private readonly days: readonly (string | null)[],
    private readonly random: () => number,
  ) {}

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  add(): void {
    const id = `${this.random().toFixed(6)} ${++this.#added}`;
    this.world.certify(id, this.#pick(this.mentors), this.#pick(this.days));
  }

  work(): void {
    const { portal } = this.world;
    const renewed = String(this.#pick(portal.rows())["hlf_certificationid"]);
    portal.put(renewed, { hlf_expireson: this.#pick(this.days), statecode: 0 });
    this.add();
    portal.remove(String(this.#pick(portal.rows())["hlf_certificationid"]));
    if (this.random() < 0.2) {
      const erased = this.#pick(heldBy(portal));
      this.#erased.push(erased);
      portal.erase(erased.external_id);
    }
  }

  /** What is held is what the portal has, once; what it has no more is revoked, as it was known last. */
  compare(held: readonly Held[]): void {
    const there = heldBy(this.world.portal);
    assert.deepEqual(
      held.filter(({ revoked }) => !revoked),
      there.filter(({ revoked }) => !revoked),
    );
    const gone = [...there.filter(({ revoked }) => revoked), ...this.#erased];
    const known = new Set(gone.map(({ external_id }) => external_id));
    for (const { external_id, revoked } of held) {
      assert.equal(revoked, known.has(external_id), external_id);
    }
    assert.equal(new Set(held.map(({ external_id }) => external_id)).size, held.length);
  }
}

/** The next page but so many is held up. Returns what ends that: it is applied then, or not. */
async function holdUp(world: PortalWorld, admin: Sql, pages: number) {
  await world.sql`insert into kills.held_up values (${pages})`;
  const holder = await world.world.database.session().reserve();
  await holder`select pg_advisory_lock(5)`;
  return async (backend: string, isApplied: boolean) => {
    if (!isApplied) {
      await admin`
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${backend}
      `;
    }
    await holder`select pg_advisory_unlock(5)`;
    holder.release();
    await until("its backends are gone", async () => await world.world.backends(backend) === 0);
    await world.sql`truncate kills.held_up`;
  };
}

const untilHeldUp = (admin: Sql, backend: string) =>
  until("a page is held up", async () => {
    const rows = await admin`
      select from pg_stat_activity where application_name = ${backend} and wait_event = 'advisory'
    `;
    return rows.length > 0;
  }, 5).catch(() => {});

Deno.test("syncs are killed fifty times, and whoever comes next goes on until all is as in the portal", async () => {
  const seed = givenSeed();
  report(`SEED=${seed}`);
  const random = randomFrom(seed);
  const kills = new Map<Moment, number>();
  const startedAt = performance.now();
  await inPortalWorld(async (world) => {
    await world.sql.unsafe(OBSERVED);
    // Of backends with another login the owner sees and ends nothing.
    const admin = world.world.database.session("supabase_admin");
    const mentors = await world.addMentors(MENTORS);
    const days = [await world.day(-1), await world.day(100), null];
    const clerk = new Clerk(world, mentors, days, random);
    for (let i = 0; i < CERTIFICATIONS; i++) clerk.add();

    const start = (number: number) => {
      const url = new URL(world.world.urlAs(`sync_${number}`));
      url.username = "scheduler_dispatcher";
      const starting = world.start({ SCHEDULER_DB_URL: url.href, HLF_PAGE_SIZE: "6" });
      starting.catch(() => {}); // said where it is awaited
      return starting;
    };
    let starting = start(0);
    const ends: { invocation: string; killedAt: Moment | undefined }[] = [];
    let killed = 0;
    for (let number = 0; killed < KILLS; number++) {
      assert.ok(number < 3 * KILLS, "most runs are over before they are killed");
      clerk.work();
      if (number % 15 === 14) await world.weekPasses();
      const victim = await starting;
      starting = start(number + 1);
      const moment = MOMENTS[number % MOMENTS.length] ?? "at random";
      const backend = `sync_${number}`;
      const pages = 1 + Math.floor(random() * 4);
      const isHeld = moment === "answered and not applied" || moment === "applied and not told";
      const release = isHeld ? await holdUp(world, admin, pages) : undefined;
      trap.victim = victim;
      trap.atToken = moment === "before a page is asked for";
      trap.pagesToGo = moment === "asked and not answered" ? pages : 0;

      const invocation = crypto.randomUUID();
      let isOver = false;
      const run = world.sync(victim, { invocation_id: invocation }).then(
        ({ status }) => {
          assert.equal(status, 200);
          isOver = true;
        },
        () => {}, // it was killed
      );
      const reached = moment === "at random"
        ? pause(random() * 150)
        : release
        ? untilHeldUp(admin, backend)
        : victim.ended;
      await Promise.race([reached, run]);
      const killedAt = isOver ? undefined : moment;
      if (killedAt) {
        killed++;
        kills.set(moment, (kills.get(moment) ?? 0) + 1);
      }
      await killVictim();
      await run;
      await release?.(backend, moment === "applied and not told");
      await until("its backends are gone", async () => await world.world.backends(backend) === 0);
      await world.world.fallSilent([invocation]);
      ends.push({ invocation, killedAt });
    }

    trap.victim = undefined;
    const last = await starting;
    const finish = async () => {
      const invocation = crypto.randomUUID();
      const { answer } = await world.sync(last, { invocation_id: invocation });
      assert.equal(answer["completed"], true);
      ends.push({ invocation, killedAt: undefined });
    };
    await finish();
    await world.weekPasses();
    await finish();
    const summary = MOMENTS.map((moment) => `${kills.get(moment) ?? 0} ${moment}`).join("; ");
    report(
      `${killed} kills of syncs in ${
        Math.round((performance.now() - startedAt) / 1000)
      } s: ${summary}`,
    );

    clerk.compare(await world.held());
    // No page named again what another of its round had named.
    const rejected = await world.sql`
      select from scheduler.invocations where details -> 'rejected' <> '{}'
    `;
    assert.equal(rejected.length, 0);

    await keepsCount(world, ends);
    await pausesWhomItShould(world, mentors);
  }, {
    trouble: ({ to }) => {
      if (to !== "token" || !trap.atToken) return undefined;
      trap.atToken = false;
      trap.victim?.kill("SIGKILL");
      return { kind: "hang" };
    },
    onPage: async () => {
      if (--trap.pagesToGo === 0) await killVictim();
    },
  });
});

/** No page of a round was applied twice or left out, and the ledger has all of them, and every run. */
async function keepsCount(
  world: PortalWorld,
  ends: readonly { invocation: string; killedAt: Moment | undefined }[],
): Promise<void> {
  const rounds = await world.sql<{ applied: number; different: number; last: number }[]>`
    select count(*)::integer as applied, count(distinct page)::integer as different, max(page) as last
    from kills.applied group by round
  `;
  assert.ok(rounds.length >= 3, `${rounds.length} rounds`);
  for (const { applied, different, last } of rounds) {
    assert.deepEqual([applied, different], [last + 1, last + 1]);
  }
  const [pages] = await world.sql<{ told: number; applied: number }[]>`
    select
      (select sum((details ->> 'pages')::integer) from scheduler.invocations)::integer as told,
      (select count(*) from kills.applied)::integer as applied
  `;
  assert.equal(pages?.told, pages?.applied);

  const rows = await world.sql<{ id: string; status: string; error_type: string | null }[]>`
    select id, status, error_type from scheduler.invocations
    where started_at is not null and finished_at is not null
  `;
  const ledger = new Map(rows.map((row) => [row.id, row]));
  for (const { invocation, killedAt } of ends) {
    const row = ledger.get(invocation);
    // Killed at random, it may not have begun, or have ended without being able to say so.
    if (killedAt === "at random" && (!row || row.status === "completed")) continue;
    const expected = killedAt ? ["abandoned", "timeout_error"] : ["completed", null];
    assert.deepEqual([row?.status, row?.error_type], expected, killedAt);
    ledger.delete(invocation);
  }
  const [open] = await world.sql<{ count: number }[]>`
    select count(*)::integer as count from scheduler.invocations
    where status in ('requested', 'running')
  `;
  assert.equal(open?.count, 0);
}

/** Whoever had the course and has it no more is paused, once. */
async function pausesWhomItShould(world: PortalWorld, mentors: readonly string[]): Promise<void> {
  const today = await world.day(0);
  const held = await world.held();
  const isLacking = (mentor: string) => {
    const hers = held.filter(({ user_id }) => user_id === mentor);
    return hers.length > 0 &&
      hers.every(({ revoked, expires_on }) =>
        revoked || (expires_on !== null && expires_on < today)
      );
  };
  await world.sql`select from public.run_certification_expiry()`;
  await world.sql`select from public.run_certification_expiry()`;
  const statuses = await world.statuses();
  for (const mentor of mentors) {
    const lacks = isLacking(mentor);
    assert.equal(statuses[mentor], lacks ? "paused" : "active");
    assert.equal((await world.history(mentor)).length, lacks ? 1 : 0);
  }
}
