// The list of runs: who sees which, and pages while runs come and go. SEED=… repeats
// what comes and goes.

import assert from "node:assert/strict";
import { choicesBy, givenSeed, randomFrom, report } from "../../scripts/testing.ts";
import {
  type ApiWorld,
  assertProblem,
  inApiWorld,
  NORTH,
  type Person,
  SOUTH,
} from "./api_world.ts";

interface Run {
  id: string;
  requested_at: string;
}

/** A moment that differs from others by microseconds, or not at all. */
const moment = (microseconds: number) =>
  `2026-03-01T06:00:00.${String(microseconds).padStart(6, "0")}Z`;

async function idsOf(world: ApiWorld, person: Person, path = "?limit=200"): Promise<string[]> {
  const pages: Run[][] = await world.pages(person, path);
  return pages.flat().map(({ id }) => id);
}

/** Fails unless each of these is there once, and nothing is there twice or out of order. */
function assertPagesWhole(pages: Run[][], constant: readonly string[], what: string): void {
  const seen = pages.flat();
  const keys = seen.map(({ requested_at, id }) => `${requested_at} ${id}`);
  assert.deepEqual(keys, [...keys].sort().reverse(), `${what}: not newest first`);
  assert.equal(new Set(keys).size, keys.length, `${what}: a run came twice`);
  const ids = new Set(seen.map(({ id }) => id));
  assert.deepEqual(constant.filter((id) => !ids.has(id)), [], `${what}: a gap`);
}

Deno.test("pages have no gap and nothing twice while runs arrive, end and are deleted", async () => {
  const seed = givenSeed();
  const random = randomFrom(seed);
  const { below } = choicesBy(random);
  const failing = { status: "failed", job_name: "dispatch-backlog" };
  await inApiWorld(async (world) => {
    for (const limit of [1, 7, 10, 50]) {
      for (const filter of ["", "&status=failed&job_name=dispatch-backlog"]) {
        const what = `SEED=${seed} limit=${limit}${filter}`;
        await world.sql`delete from scheduler.invocations`;
        const constant: string[] = [];
        const passing: string[] = [];
        for (let i = 0; i < 40; i++) {
          // Many were asked for at the same moment.
          const requested_at = moment(100 + below(12));
          const run = { ...failing, requested_at };
          constant.push(await world.addRun(run));
          if (random() < 0.3) passing.push(await world.addRun(run));
          if (random() < 0.3) await world.addRun({ ...run, organisation_ids: [SOUTH] });
          if (random() < 0.3 && filter) await world.addRun({ requested_at });
        }
        const others = new Set(await idsOf(world, "otherAdmin"));

        const pages: Run[][] = await world.pages("admin", `?limit=${limit}${filter}`, async () => {
          // Newer than all, among them, and older than all.
          for (const microsecond of [900 + below(9), 100 + below(12), below(9)]) {
            await world.addRun({ ...failing, requested_at: moment(microsecond) });
          }
          const gone = passing.pop();
          if (gone) await world.sql`delete from scheduler.invocations where id = ${gone}`;
          if (passing[0]) {
            await world.sql`
              update scheduler.invocations set status = 'completed' where id = ${passing[0]}
            `;
          }
        });
        assertPagesWhole(pages, constant, what);
        assert.ok(pages.every((page) => page.length <= limit), what);
        assert.deepEqual(
          pages.flat().filter(({ id }) => others.has(id)),
          [],
          `${what}: others' runs`,
        );
      }
    }
  });
  report(`pages of runs: SEED=${seed}`);
});

Deno.test("staff see the runs of their organisation and of all, and what an organisation notes only itself", async () => {
  await inApiWorld(async (world) => {
    const of = {
      north: await world.addRun(),
      south: await world.addRun({ organisation_ids: [SOUTH] }),
      both: await world.addRun({ organisation_ids: [NORTH, SOUTH] }),
      all: await world.addRun({ organisation_ids: null }),
      none: await world.addRun({ organisation_ids: [] }),
    };
    const northern = [of.north, of.both, of.all].sort();
    const southern = [of.south, of.both, of.all].sort();
    for (const person of ["admin", "coordinator", "byChapter", "idleCoordinator"] as const) {
      assert.deepEqual((await idsOf(world, person)).sort(), northern, person);
    }
    for (const person of ["otherAdmin", "otherCoordinator"] as const) {
      assert.deepEqual((await idsOf(world, person)).sort(), southern, person);
    }

    await world.call("coordinator", "PUT", `/${of.both}`, { note: "Northern words" });
    await world.call("otherAdmin", "PUT", `/${of.all}`, { note: "Southern words" });
    const [north, south] = [
      await world.call("admin", "GET"),
      await world.call("otherAdmin", "GET"),
    ];
    const notesIn = (runs: { id: string; note: string | null }[]) =>
      Object.fromEntries(
        runs.filter(({ note }) => note !== null).map(({ id, note }) => [id, note]),
      );
    assert.deepEqual(notesIn(north.body.data), { [of.both]: "Northern words" });
    assert.deepEqual(notesIn(south.body.data), { [of.all]: "Southern words" });
  });
});

Deno.test("filters narrow the list, each alone and all together", async () => {
  await inApiWorld(async (world) => {
    const early = await world.addRun({ requested_at: "2026-03-01T06:00:00Z" });
    const failed = await world.addRun({
      requested_at: "2026-03-02T06:00:00Z",
      status: "failed",
      job_name: "dispatch-backlog",
    });
    const late = await world.addRun({ requested_at: "2026-03-03T06:00:00.000001Z" });
    for (
      const [filter, expected] of [
        ["", [late, failed, early]],
        ["?status=failed", [failed]],
        ["?status=running", []],
        ["?job_name=scenario-evaluation", [late, early]],
        ["?job_name=never-heard-of", []],
        ["?from=2026-03-02T06:00:00Z", [late, failed]],
        ["?to=2026-03-02T06:00:00Z", [early]],
        ["?from=2026-03-02T07:00:00%2B01:00&to=2026-03-03T06:00:00.000001Z", [failed]],
        ["?from=2026-03-03T06:00:00.000001Z", [late]],
        ["?from=2026-03-03T06:00:00.000002Z", []],
        [
          "?status=failed&job_name=dispatch-backlog&from=2026-03-01T00:00:00Z&to=2027-01-01T00:00:00Z",
          [failed],
        ],
        ["?status=failed&job_name=scenario-evaluation", []],
      ] as const
    ) assert.deepEqual(await idsOf(world, "admin", filter), expected, filter);
  });
});

Deno.test("a page holds 50 where no limit is said and 200 at most; the last one has no cursor", async () => {
  await inApiWorld(async (world) => {
    await world.sql`
      insert into scheduler.invocations (job_name, status, triggered_by, organisation_ids)
      select 'scenario-evaluation', 'completed', 'test', array[${NORTH}::uuid]
      from generate_series(1, 250)
    `;
    const sizes = async (path: string) =>
      (await world.pages("admin", path)).map((page) => page.length);
    assert.deepEqual(await sizes(""), [50, 50, 50, 50, 50, 0]);
    assert.deepEqual(await sizes("?limit=200"), [200, 50]);
    const one = await world.call("admin", "GET", "?limit=1");
    assert.equal(one.body.data.length, 1);
    assert.equal(typeof one.body.next_cursor, "string");
  });
});

Deno.test("a cursor that was changed anywhere, or is of the other list, is refused", async () => {
  await inApiWorld(async (world) => {
    await world.addRun();
    await world.addRun();
    const cursorOf = async (path: string) =>
      (await world.call("admin", "GET", `${path}?limit=1`)).body.next_cursor ?? "";
    const runs = await cursorOf("");
    const mentors = await cursorOf("/active-peer-mentors");
    const before = await world.written();
    const refused = async (path: string, cursor: string) => {
      const answer = await world.call(
        "admin",
        "GET",
        `${path}?cursor=${encodeURIComponent(cursor)}`,
      );
      assertProblem(answer, 400, "invalid-request", ["query #/cursor"], `${path} ${cursor}`);
      assert.ok(!answer.text.includes(cursor) || cursor === "", cursor);
    };
    for (
      const [path, cursor, other] of [
        ["", runs, mentors],
        ["/active-peer-mentors", mentors, runs],
      ] as const
    ) {
      assert.notEqual(cursor, "");
      await refused(path, other);
      for (let at = 0; at < cursor.length; at += 3) {
        const changed = cursor[at] === "A" ? "B" : "A";
        await refused(path, cursor.slice(0, at) + changed + cursor.slice(at + 1));
      }
      for (
        const broken of ["", "=", "AAAA", cursor.slice(1), `${cursor}A`, `${cursor}=`, ` ${cursor}`]
      ) {
        await refused(path, broken);
      }
      await refused(path, btoa(`000000${crypto.randomUUID()}`));
      await refused(path, "A".repeat(201));
      assert.equal((await world.call("admin", "GET", `${path}?cursor=${cursor}`)).status, 200);
    }
    assert.equal(await world.written(), before);
  });
});

Deno.test("a cursor of somebody else opens nothing that its holder does not see", async () => {
  await inApiWorld(async (world) => {
    const northern = await world.addRun({ requested_at: moment(1) });
    await world.addRun({ requested_at: moment(2) });
    const southern = await world.addRun({ requested_at: moment(0), organisation_ids: [SOUTH] });
    const { body } = await world.call("admin", "GET", "?limit=1");
    const seen = await idsOf(world, "otherAdmin", `?cursor=${body.next_cursor}`);
    assert.deepEqual(seen, [southern]);
    assert.ok(!seen.includes(northern));
  });
});
