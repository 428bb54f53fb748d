// What people do to a run at the same moment, each in a session of its own: whoever
// comes second is told how things are, and nothing is ever half done.

import assert from "node:assert/strict";
import type { TransactionSql } from "postgres";
import { pause } from "../../scripts/testing.ts";
import {
  type Answer,
  type ApiWorld,
  assertProblem,
  inApiWorld,
  PEOPLE,
  type Person,
} from "./api_world.ts";
import { until } from "./world.ts";

/** Somebody whose transaction is open: what is done in it, and how it ends, is the test's choice. */
async function meanwhile<Result>(
  world: ApiWorld,
  person: Person,
  does: (query: TransactionSql) => Promise<unknown>,
  request: () => Promise<Result>,
  end: "commit" | "rollback",
  // Long enough that it comes to a lock, if there is one.
  patienceMs = 300,
): Promise<Result> {
  const session = world.database.session();
  let asked: Promise<Result> | undefined;
  await session.begin(async (transaction) => {
    const claims = JSON.stringify({ sub: PEOPLE[person], role: "authenticated" });
    await transaction`select set_config('request.jwt.claims', ${claims}, true)`;
    await does(transaction);
    asked = request();
    await Promise.race([asked, pause(patienceMs)]);
    if (end === "rollback") throw new Rollback();
  }).catch((error) => {
    if (!(error instanceof Rollback)) throw error;
  });
  assert.ok(asked);
  return await asked;
}

class Rollback extends Error {}

const deleting = (id: string) => (query: TransactionSql) =>
  query`select public.delete_invocation(invocation_id => ${id})`;
const noting = (id: string) => (query: TransactionSql) =>
  query`select public.annotate_invocation(invocation_id => ${id}, note => 'From there')`;

Deno.test("a note on a run that is being deleted is written, or there is no such run", async () => {
  await inApiWorld(async (world) => {
    const note = (id: string) => () =>
      world.call("coordinator", "PUT", `/${id}`, { note: "A note" });
    const kept = await world.addRun();
    const written = await meanwhile(world, "admin", deleting(kept), note(kept), "rollback");
    assert.deepEqual([written.status, written.body?.note], [200, "A note"]);
    const gone = await world.addRun();
    const refused = await meanwhile(world, "admin", deleting(gone), note(gone), "commit");
    assertProblem(refused, 404, "not-found");
    assert.equal((await world.sql`select from scheduler.invocation_notes`).length, 1);
  });
});

Deno.test("a run that somebody is writing a note on is deleted after that, with the note", async () => {
  await inApiWorld(async (world) => {
    for (const end of ["commit", "rollback"] as const) {
      const id = await world.addRun();
      const deleted = await meanwhile(
        world,
        "coordinator",
        noting(id),
        () => world.call("admin", "DELETE", `/${id}`),
        end,
      );
      assert.equal(deleted.status, 204, end);
      assertProblem(await world.call("admin", "GET", `/${id}`), 404, "not-found");
    }
    assert.equal((await world.sql`select from scheduler.invocation_notes`).length, 0);
  });
});

Deno.test("of two who delete a run one does, and for the other there is none", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    const remove = () => world.call("admin", "DELETE", `/${id}`);
    assertProblem(
      await meanwhile(world, "admin", deleting(id), remove, "commit"),
      404,
      "not-found",
    );

    for (let round = 0; round < 10; round++) {
      const run = await world.addRun();
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => world.call("admin", "DELETE", `/${run}`)),
      );
      const statuses = answers.map(({ status }) => status).sort();
      assert.deepEqual(statuses, [204, ...Array(7).fill(404)]);
    }
  });
});

Deno.test("two notes on a run at once: the later one stays, and both are answered", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    const note = () => world.call("coordinator", "PUT", `/${id}`, { note: "A note" });
    const written = await meanwhile(world, "admin", noting(id), note, "commit");
    assert.deepEqual([written.status, written.body.note], [200, "A note"]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const person = i % 2 ? "admin" : "coordinator";
        return world.call(person, "PUT", `/${id}`, { note: i % 3 ? `Number ${i}` : null });
      }),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.ok((await world.sql`select from scheduler.invocation_notes`).length <= 1);
  });
});

Deno.test("a stop in the middle of a claim waits for nobody, and only the next claim is empty", async () => {
  await inApiWorld(async (world) => {
    await world.sql`select from public.run_scenario_evaluation()`;
    await world.sql`update scheduler.notifications set deliver_after = now()`;
    const id = await world.addRun({ status: "running" });
    const claim = (query: Pick<TransactionSql, "unsafe">) =>
      query.unsafe(
        "select from public.claim_notifications(batch_size => 2, lease => '1 minute', invocation_id => $1)",
        [id],
      );
    let claimed = 0;
    const patienceMs = 8000;
    let stoppedAfter = Infinity;
    let claimedAt = 0;
    const stopped = await meanwhile(
      world,
      "admin",
      async (query) => {
        claimed = (await claim(query)).length;
        claimedAt = performance.now();
      },
      async () => {
        const answer = await world.call("admin", "PUT", `/${id}`, { stop: true });
        stoppedAfter = performance.now() - claimedAt;
        return answer;
      },
      "commit",
      patienceMs,
    );
    assert.deepEqual([stopped.status, claimed], [200, 2]);
    assert.ok(stoppedAfter < patienceMs, "it waited for the claim");
    assert.equal((await claim(world.sql)).length, 0);
    const rows = await world.sql`select from scheduler.notifications where status = 'sending'`;
    assert.equal(rows.length, 2, "what was claimed stays claimed");
  });
});

Deno.test("a stop while the run ends is one or the other", async () => {
  await inApiWorld(async (world) => {
    const stop = (id: string) => () => world.call("admin", "PUT", `/${id}`, { stop: true });
    const finishing = (id: string) => (query: TransactionSql) =>
      query`select public.finish_invocation(invocation_id => ${id}, status => 'completed')`;
    const ended = await world.addRun({ status: "running" });
    const late = await meanwhile(world, "admin", finishing(ended), stop(ended), "commit");
    assertProblem(late, 409, "conflict");
    const on = await world.addRun({ status: "running" });
    const inTime = await meanwhile(world, "admin", finishing(on), stop(on), "rollback");
    assert.deepEqual([inTime.status, inTime.body.status], [200, "running"]);
  });
});

Deno.test("a run that somebody asks for at the same moment is waited for: it is on, or there is none", async () => {
  await inApiWorld(async (world) => {
    const asking = (query: TransactionSql) => query`select from public.request_invocation()`;
    const ask = (person: Person) => () => world.call(person, "POST", "", {});
    // Whosever organisation it is of: a job has one run at a time.
    for (const person of ["coordinator", "otherAdmin"] as const) {
      const alone = await meanwhile(world, "admin", asking, ask(person), "rollback");
      assert.equal(alone.status, 202, alone.text);
      await world.sql`delete from scheduler.invocations`;
      const second = await meanwhile(world, "admin", asking, ask(person), "commit");
      assertProblem(second, 409, "conflict", [], person);
      assert.equal((await world.sql`select from scheduler.invocations`).length, 1);
      await world.sql`delete from scheduler.invocations`;
    }
  });
});

Deno.test("a key that is used in its last moment is found, though old ones are swept just then", async () => {
  await inApiWorld(async (world) => {
    const key = { "idempotency-key": "the-last-moment" };
    const first = await world.call("admin", "POST", "", {}, key);
    const replays: boolean[] = [];
    const usingIt = async (query: TransactionSql) => {
      const [moment] = await query<{ now: string }[]>`select now()::text as now`;
      const now = moment?.now ?? "";
      await world.sql`
        update scheduler.idempotency_keys
        set used_at = ${now}::text::timestamptz - interval '24 hours'
      `;
      // Meanwhile its 24 hours are over.
      await world.sql`select scheduler.sweep_idempotency_keys()`;
      const [answer] = await query<{ replayed: boolean }[]>`
        select replayed from public.request_invocation(idempotency_key => 'the-last-moment')
      `;
      replays.push(answer?.replayed ?? false);
    };
    await meanwhile(world, "admin", usingIt, () => Promise.resolve(), "commit");
    assert.deepEqual([first.status, replays], [202, [true]]);
  });
});

Deno.test("a run that is started by somebody else meanwhile is on, and not asked for again", async () => {
  await inApiWorld(async (world) => {
    const starting = (query: TransactionSql) =>
      query`select public.start_invocation(job_name => 'scenario-evaluation')`;
    const start = () => world.call("admin", "POST", "", {});
    // It does not wait for what may never be; the dispatcher skips the one that is too many.
    const answer = await meanwhile(world, "admin", starting, start, "commit");
    assert.ok([202, 409].includes(answer.status), answer.text);
    assertProblem(await start(), 409, "conflict");
  });
});

Deno.test("whatever people do to the same few runs at once, nothing breaks", async () => {
  await inApiWorld(async (world) => {
    const runs = await Promise.all(
      Array.from(
        { length: 6 },
        (_, i) => world.addRun({ status: i === 0 ? "running" : "completed" }),
      ),
    );
    const answers: Answer[] = [];
    const people: Person[] = ["admin", "coordinator", "byChapter", "otherAdmin"];
    const does: [string, unknown?][] = [
      ["GET"],
      ["PUT", { note: "A note" }],
      ["PUT", { note: null }],
      ["PUT", { note: "Stopped", stop: true }],
      ["PUT", { stop: true }],
      ["DELETE"],
    ];
    await Promise.all(Array.from({ length: 300 }, async (_, i) => {
      const [method, body] = does[i % does.length] ?? ["GET"];
      const path = `/${runs[Math.floor(i / 7) % runs.length]}`;
      answers.push(await world.call(people[i % people.length] ?? "admin", method, path, body));
    }));
    const odd = answers.filter(({ status }) => ![200, 204, 403, 404, 409].includes(status));
    assert.deepEqual(odd.map(({ status, text }) => `${status} ${text}`), []);
    await until("no session is left in a transaction", async () => {
      const open = await world.sql`
        select from pg_stat_activity
        where datname = current_database() and application_name = 'scenario-scheduler-api'
          and state <> 'idle'
      `;
      return open.length === 0;
    });
  });
});
