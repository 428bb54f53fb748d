// Mentors who are evaluated through the API: only in reach, all or none of them, and
// nothing is written unless that is asked for.

import assert from "node:assert/strict";
import { assertProblem, inApiWorld, MENTORS, NORTH } from "./api_world.ts";

const BATCH = "/evaluation-batch";
const REACHED = [MENTORS.assigned, MENTORS.inChapter, MENTORS.assignedInChapter];

Deno.test("without dry_run it only looks; with false it writes what was seen", async () => {
  await inApiWorld(async (world) => {
    const before = await world.written();
    const looked = await world.call("coordinator", "POST", BATCH, { user_ids: REACHED });
    assert.equal(looked.status, 200);
    assert.equal(await world.written(), before);
    const same = await world.call("coordinator", "POST", BATCH, {
      user_ids: REACHED,
      dry_run: true,
    });
    // Moments differ, decisions don't.
    const decided = ({ body }: typeof looked) =>
      body.candidates.map(({ deliver_after: _, notification_id: __, ...rest }) => rest);
    assert.deepEqual(decided(same), decided(looked));

    const done = await world.call("coordinator", "POST", BATCH, {
      user_ids: REACHED,
      dry_run: false,
    });
    assert.equal(done.status, 200);
    assert.deepEqual(decided(done), decided(looked));
    assert.deepEqual([looked.body.evaluated, done.body.evaluated], [3, 3]);
    assert.equal(looked.body.invocation_id, null);
    const rows = await world.sql<{ id: number; user_id: string }[]>`
      select id::integer as id, user_id from scheduler.notifications
      where invocation_id = ${done.body.invocation_id} order by user_id
    `;
    assert.deepEqual(rows.map(({ user_id }) => user_id), REACHED);
    assert.deepEqual(
      done.body.candidates.map(({ notification_id }) => notification_id),
      rows.map(({ id }) => id),
    );
    const run = await world.call("admin", "GET", `/${done.body.invocation_id}`);
    assert.deepEqual(
      [run.body.status, run.body.triggered_by, run.body.total_candidates],
      ["completed", "api", 3],
    );

    const again = await world.call("coordinator", "POST", BATCH, {
      user_ids: REACHED,
      dry_run: false,
    });
    assert.deepEqual([again.status, again.body.candidates], [200, []]);
  });
});

Deno.test("of a batch that many ask for at once each mentor is decided on once", async () => {
  await inApiWorld(async (world) => {
    const answers = await Promise.all(
      (["admin", "coordinator", "byAssignment", "byChapter"] as const).flatMap((person) =>
        Array.from({ length: 4 }, () => {
          const user_ids = person === "byAssignment"
            ? [MENTORS.assigned, MENTORS.assignedInChapter]
            : person === "byChapter"
            ? [MENTORS.assignedInChapter, MENTORS.inChapter]
            : REACHED;
          return world.call(person, "POST", BATCH, { user_ids, dry_run: false });
        })
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    const decided = answers.flatMap(({ body }) => body.candidates)
      .map(({ user_id }) => user_id).sort();
    assert.deepEqual(decided, REACHED);
  });
});

Deno.test("one id out of reach among many and nothing happens, whosever it is", async () => {
  await inApiWorld(async (world) => {
    const before = await world.written();
    for (const dry_run of [true, false]) {
      for (const place of [0, 1, 500, 999]) {
        const texts = new Set<string>();
        for (const foreign of [MENTORS.outOfReach, MENTORS.southern, NORTH, crypto.randomUUID()]) {
          const user_ids: string[] = Array.from({ length: 1000 }, (_, i) => REACHED[i % 3] ?? "");
          user_ids[place] = foreign;
          const answer = await world.call("coordinator", "POST", BATCH, { user_ids, dry_run });
          assertProblem(answer, 422, "refused-argument", [`body #/user_ids/${place}`]);
          texts.add(answer.text.replace(answer.body.instance, ""));
        }
        assert.equal(texts.size, 1, [...texts].join("\n"));
      }
    }
    assert.equal(await world.written(), before);
  });
});

Deno.test("while evaluations are paused or switched off, a batch only looks", async () => {
  await inApiWorld(async (world) => {
    for (
      const [off, on] of [
        [
          "select scheduler.pause(job_name => 'scenario-evaluation')",
          "select scheduler.resume(job_name => 'scenario-evaluation')",
        ],
        [
          "update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation'",
          "update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation'",
        ],
      ] as const
    ) {
      await world.sql.unsafe(off);
      const before = await world.written();
      const refused = await world.call("coordinator", "POST", BATCH, {
        user_ids: REACHED,
        dry_run: false,
      });
      assertProblem(refused, 409, "conflict", [], off);
      assert.equal(await world.written(), before, off);
      const looked = await world.call("coordinator", "POST", BATCH, { user_ids: REACHED });
      assert.deepEqual([looked.status, looked.body.candidates.length], [200, 3], off);
      await world.sql.unsafe(on);
    }
    const done = await world.call("coordinator", "POST", BATCH, {
      user_ids: REACHED,
      dry_run: false,
    });
    assert.deepEqual([done.status, done.body.candidates.length], [200, 3]);
  });
});

Deno.test("a mentor given twice or in capitals is one, and who is paused is none that is evaluated", async () => {
  await inApiWorld(async (world) => {
    const user_ids = [
      MENTORS.inChapter,
      MENTORS.inChapter.toUpperCase(),
      MENTORS.pausedInChapter,
      MENTORS.inChapter,
    ];
    const { status, body } = await world.call("byChapter", "POST", BATCH, { user_ids });
    assert.equal(status, 200);
    assert.deepEqual([body.evaluated, body.candidates.length], [1, 1]);
    assert.deepEqual(
      (await world.call("byChapter", "POST", BATCH, { user_ids, scenarios: ["expiry"] })).body
        .candidates,
      [],
    );
  });
});

Deno.test("a candidate's text is for a locked screen, and its data stays inside", async () => {
  await inApiWorld(async (world) => {
    const { body } = await world.call("admin", "POST", BATCH, { user_ids: [MENTORS.inChapter] });
    assert.deepEqual(Object.keys(body.candidates[0] ?? {}).sort(), [
      "body",
      "cooldown_window_start",
      "deliver_after",
      "evaluation_date",
      "notification_id",
      "occurrence_key",
      "organisation_id",
      "scenario_type",
      "title",
      "user_id",
    ]);
  });
});
