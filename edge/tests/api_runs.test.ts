// Runs through the API: asked for once however often, noted on, stopped, deleted.

import assert from "node:assert/strict";
import {
  type Answer,
  type ApiWorld,
  assertProblem,
  inApiWorld,
  MENTORS,
  NORTH,
  type Person,
  RUNS,
  SOUTH,
} from "./api_world.ts";

const keyed = (key: string = crypto.randomUUID()) => ({ "idempotency-key": key });

const isReplayed = ({ headers }: Answer) => headers.get("idempotency-replayed") === "true";

/** Whatever is on or asked for has ended. */
async function runsEnd(world: ApiWorld): Promise<void> {
  await world.sql`
    update scheduler.invocations set status = 'completed', finished_at = now()
    where status in ('requested', 'running')
  `;
}

async function count(world: ApiWorld, table: "invocations" | "idempotency_keys"): Promise<number> {
  const [row] = await world.sql<{ count: number }[]>`
    select count(*)::integer as count from ${world.sql(`scheduler.${table}`)}
  `;
  return row?.count ?? -1;
}

Deno.test("Location leads to the run, from the path with a slash at its end as from that without", async () => {
  await inApiWorld(async (world) => {
    for (const path of [RUNS, `${RUNS}/`]) {
      const requested = new URL(path, world.api.url);
      const headers = { authorization: `Bearer ${await world.token("coordinator")}` };
      const response = await fetch(requested, { method: "POST", headers });
      const started = await response.json();
      assert.equal(response.status, 202);
      const location = new URL(response.headers.get("location") ?? "", requested);
      const found = await fetch(location, { headers });
      assert.equal(found.status, 200, location.href);
      assert.equal((await found.json()).id, started.id);
      await runsEnd(world);
    }
  });
});

Deno.test("a run that is asked for is of the caller's organisations alone, and the ledger knows who asked", async () => {
  await inApiWorld(async (world) => {
    const body = { job_name: "dispatch-backlog", dry_run: false };
    const { status, body: run } = await world.call("idleCoordinator", "POST", "", body);
    assert.equal(status, 202);
    assert.deepEqual(
      [run.job_name, run.status, run.triggered_by, run.all_organisations, run.note],
      ["dispatch-backlog", "requested", "api", false, null],
    );
    const [row] = await world.sql`
      select organisation_ids, requested_by::text as requested_by from scheduler.invocations
    `;
    assert.deepEqual(row, {
      organisation_ids: [NORTH],
      requested_by: "a0000000-0000-4000-8000-000000000003",
    });
    const [request] = await world.sql<{ headers: Record<string, string>; body: string }[]>`
      select headers, convert_from(body, 'UTF8') as body from net.http_request_queue
    `;
    assert.deepEqual(JSON.parse(request?.body ?? ""), {
      job_name: "dispatch-backlog",
      invocation_id: run.id,
      triggered_by: "api",
      organisation_ids: [NORTH],
      dry_run: false,
    });
    assert.match(request?.headers["webhook-signature"] ?? "", /^v1,/);
  });
});

Deno.test("the same key and body get the same answer, byte for byte, whatever became of the run", async () => {
  await inApiWorld(async (world) => {
    const key = keyed();
    const body = { scenarios: ["inactivity"], dry_run: false };
    const first = await world.call("admin", "POST", "", body, key);
    assert.deepEqual([first.status, isReplayed(first)], [202, false]);
    const same = async (what: string, again: Promise<Answer>) => {
      const answer = await again;
      assert.deepEqual(
        [answer.status, answer.text, isReplayed(answer)],
        [202, first.text, true],
        what,
      );
      assert.equal(answer.headers.get("location"), first.headers.get("location"), what);
    };
    await same("at once", world.call("admin", "POST", "", body, key));
    // Defaults and the order of fields make no other request.
    const spelledOut = {
      dry_run: false,
      job_name: "scenario-evaluation",
      scenarios: ["inactivity"],
    };
    await same("spelled out", world.call("admin", "POST", "", spelledOut, key));
    await runsEnd(world);
    await same("after its end", world.call("admin", "POST", "", body, key));
    assert.equal((await world.call("admin", "DELETE", `/${first.body.id}`)).status, 204);
    await same("after it was deleted", world.call("admin", "POST", "", body, key));
    assert.equal(await count(world, "invocations"), 0);

    for (
      const other of [
        {},
        { ...body, dry_run: true },
        { ...body, scenarios: ["expiry"] },
        { ...body, job_name: "dispatch-backlog" },
      ]
    ) {
      const answer = await world.call("admin", "POST", "", other, key);
      assertProblem(answer, 409, "conflict", ["header #/idempotency-key"], JSON.stringify(other));
    }
    assert.equal(await count(world, "invocations"), 0);
  });
});

Deno.test("a key is its caller's: with another's, and a day later, it starts a run", async () => {
  await inApiWorld(async (world) => {
    const key = keyed();
    const ids = new Set<string>();
    for (const person of ["admin", "coordinator", "otherAdmin"] as const) {
      const started = await world.call(person, "POST", "", {}, key);
      assert.deepEqual([started.status, isReplayed(started)], [202, false], person);
      ids.add(started.body.id);
      await runsEnd(world);
    }
    assert.equal(ids.size, 3);
    await world
      .sql`update scheduler.idempotency_keys set used_at = now() - interval '23 hours 59 minutes'`;
    assert.ok(isReplayed(await world.call("admin", "POST", "", {}, key)));
    await world
      .sql`update scheduler.idempotency_keys set used_at = now() - interval '24 hours 1 second'`;
    const later = await world.call("admin", "POST", "", { dry_run: true }, key);
    assert.deepEqual([later.status, isReplayed(later), ids.has(later.body.id)], [
      202,
      false,
      false,
    ]);
  });
});

Deno.test("twenty requests with one key at once start one run", async () => {
  await inApiWorld(async (world) => {
    for (let round = 0; round < 5; round++) {
      const key = keyed();
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => world.call("admin", "POST", "", {}, key)),
      );
      assert.deepEqual(answers.map(({ status }) => status), Array(20).fill(202));
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
      assert.equal(answers.filter((answer) => !isReplayed(answer)).length, 1);
      assert.equal(await count(world, "invocations"), round + 1);
      await runsEnd(world);
    }
  });
});

Deno.test("twenty requests without a key at once start one run, and the others are told", async () => {
  await inApiWorld(async (world) => {
    const people: Person[] = ["admin", "coordinator", "otherAdmin", "byChapter"];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => world.call(people[i % 4] ?? "admin", "POST", "", {})),
    );
    const refused = answers.filter(({ status }) => status !== 202);
    for (const answer of refused) assertProblem(answer, 409, "conflict");
    assert.equal(refused.length, 19);
    assert.equal(await count(world, "invocations"), 1);
  });
});

Deno.test("what is refused uses up no key and leaves no row", async () => {
  await inApiWorld(async (world) => {
    const key = keyed();
    const refused = async (what: string, status: number, kind: string) => {
      const before = await world.written();
      const answer = await world.call("admin", "POST", "", {}, key);
      assertProblem(answer, status, kind, [], what);
      assert.equal(await world.written(), before, what);
    };
    const running = await world.addRun({ status: "running" });
    await refused("a run is on", 409, "conflict");
    await world.sql`delete from scheduler.invocations where id = ${running}`;
    await world.addRun({ status: "requested" });
    await refused("one is asked for", 409, "conflict");
    await world.sql`delete from scheduler.invocations`;
    await world.sql`select scheduler.pause(job_name => 'scenario-evaluation')`;
    await refused("the job is paused", 409, "conflict");
    await world.sql`select scheduler.resume(job_name => 'scenario-evaluation')`;
    await world
      .sql`update scheduler.jobs set enabled = false where job_name = 'scenario-evaluation'`;
    await refused("the job is switched off", 409, "conflict");
    await world
      .sql`update scheduler.jobs set enabled = true where job_name = 'scenario-evaluation'`;
    const secrets = await world.sql`
      delete from vault.secrets where name = 'scenario_scheduler_secret' returning id
    `;
    assert.equal(secrets.length, 1);
    await refused("it is not connected", 503, "unavailable");
    await world.sql`
      select scheduler.configure_edge(url => 'http://127.0.0.1:9/', secret => ${"0".repeat(64)})
    `;
    const started = await world.call("admin", "POST", "", {}, key);
    assert.deepEqual([started.status, isReplayed(started)], [202, false]);
  });
});

Deno.test("a run to look only is asked for beside one that is on", async () => {
  await inApiWorld(async (world) => {
    await world.addRun({ status: "running", organisation_ids: [SOUTH] });
    assert.equal((await world.call("admin", "POST", "", { dry_run: true })).status, 202);
    assertProblem(await world.call("admin", "POST", "", { dry_run: true }), 409, "conflict");
  });
});

Deno.test("a job that staff may not start and a scenario that is not there are pointed at", async () => {
  await inApiWorld(async (world) => {
    const before = await world.written();
    for (const job_name of ["housekeeping", "certification-expiry", "hlf-sync", "never-heard-of"]) {
      const answer = await world.call("admin", "POST", "", { job_name }, keyed());
      assertProblem(answer, 422, "refused-argument", ["body #/job_name"], job_name);
    }
    for (const path of ["", "/evaluation-batch"]) {
      const user_ids = path ? { user_ids: [MENTORS.inChapter], dry_run: false } : {};
      const body = { ...user_ids, scenarios: ["inactivity", "never_heard_of"] };
      const answer = await world.call("admin", "POST", path, body);
      assertProblem(answer, 422, "refused-argument", ["body #/scenarios"], path);
    }
    assert.equal(await world.written(), before);
  });
});

Deno.test("each sees of a run what it did in the own reach", async () => {
  await inApiWorld(async (world) => {
    const all = Object.values(MENTORS);
    const [run] = await world.sql<{ id: string }[]>`
      insert into scheduler.invocations (job_name, status, triggered_by, as_of)
      values ('scenario-evaluation', 'completed', 'test', now()) returning id
    `;
    const id = run?.id ?? "";
    await world.sql`
      select from public.run_scenario_evaluation(user_ids => ${all}::uuid[], invocation_id => ${id})
    `;
    const figures = async (person: Person) => {
      const { status, body } = await world.call(person, "GET", `/${id}`);
      assert.equal(status, 200, person);
      return [
        body.total_active_mentors,
        body.total_evaluated,
        body.total_candidates,
        body.total_suppressed,
      ];
    };
    assert.deepEqual(await figures("admin"), [4, 4, 4, 0]);
    assert.deepEqual(await figures("otherAdmin"), [1, 1, 1, 0]);
    assert.deepEqual(await figures("coordinator"), [null, null, 3, null]);
    assert.deepEqual(await figures("byAssignment"), [null, null, 2, null]);
    assert.deepEqual(await figures("byChapter"), [null, null, 2, null]);
    assert.deepEqual(await figures("idleCoordinator"), [null, null, 0, null]);
    assert.deepEqual(await figures("otherCoordinator"), [null, null, 1, null]);
  });
});

Deno.test("a note is changed and taken away again, up to a thousand characters", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    for (
      const [note, kept] of [
        ["A note", "A note"],
        ["'; drop table x; --\n\t<b>&", "'; drop table x; --\n\t<b>&"],
        ["🙂".repeat(1000), "🙂".repeat(1000)],
        [" \n", null],
        ["Again", "Again"],
        ["", null],
        ["Again", "Again"],
        [null, null],
      ]
    ) {
      const { status, body } = await world.call("coordinator", "PUT", `/${id}`, { note });
      assert.deepEqual([status, body.note], [200, kept]);
      assert.equal((await world.call("admin", "GET", `/${id}`)).body.note, kept);
    }
    for (const note of ["a".repeat(1001), "🙂".repeat(1001), "\0", "\ud800", 7, ["A note"]]) {
      const answer = await world.call("coordinator", "PUT", `/${id}`, { note });
      assertProblem(answer, 400, "invalid-request", ["body #/note"]);
    }
    assert.equal(await count(world, "invocations"), 1);
  });
});

Deno.test("only a run that is on is stopped, and that may be asked for again", async () => {
  await inApiWorld(async (world) => {
    for (const status of ["requested", "completed", "partial", "failed", "skipped", "abandoned"]) {
      const id = await world.addRun({ status });
      assertProblem(await world.call("admin", "PUT", `/${id}`, { stop: true }), 409, "conflict");
      assert.equal((await world.call("admin", "GET", `/${id}`)).body.stop_requested_at, null);
    }
    const id = await world.addRun({ status: "running" });
    const first = await world.call("coordinator", "PUT", `/${id}`, { stop: true });
    const second = await world.call("admin", "PUT", `/${id}`, { stop: true });
    assert.deepEqual([first.status, second.status], [200, 200]);
    assert.equal(first.body.stop_requested_at, second.body.stop_requested_at);
    assert.equal(second.body.status, "running");
  });
});

Deno.test("what has no pages is not stopped: a dry run, and what the database does for itself", async () => {
  await inApiWorld(async (world) => {
    for (const run of [{ dry_run: true }, { job_name: "housekeeping" }]) {
      const id = await world.addRun({ status: "running", ...run });
      const answer = await world.call("admin", "PUT", `/${id}`, { note: "Stop it", stop: true });
      assertProblem(answer, 409, "conflict");
      const { body } = await world.call("admin", "GET", `/${id}`);
      assert.deepEqual([body.stop_requested_at, body.note], [null, null], "nor noted on");
    }
  });
});

Deno.test("only a run that has ended is deleted, with its notes", async () => {
  await inApiWorld(async (world) => {
    for (const status of ["requested", "running"]) {
      const id = await world.addRun({ status });
      assertProblem(await world.call("admin", "DELETE", `/${id}`), 409, "conflict");
      assert.equal((await world.call("admin", "GET", `/${id}`)).status, 200);
    }
    for (const status of ["completed", "partial", "failed", "skipped", "abandoned"]) {
      const id = await world.addRun({ status });
      await world.call("admin", "PUT", `/${id}`, { note: "A note" });
      const deleted = await world.call("admin", "DELETE", `/${id}`);
      assert.deepEqual([deleted.status, deleted.text], [204, ""]);
      for (const method of ["GET", "DELETE"]) {
        assertProblem(await world.call("admin", method, `/${id}`), 404, "not-found");
      }
    }
    assert.equal((await world.sql`select from scheduler.invocation_notes`).length, 0);
  });
});
