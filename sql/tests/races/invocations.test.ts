// Of one request, one tick and one job, one run is on at a time, whoever else comes at the same moment.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type TestDatabase, testDatabase } from "../../../scripts/testing.ts";

const ROUNDS = 20;

interface Started {
  id: string;
  started: boolean;
}

/** A database with ten sessions that are ready to act at once. */
async function withTen(
  test: (
    database: TestDatabase,
    atOnce: (ask: (session: TestDatabase["sql"]) => Promise<Started[]>) => Promise<Started[]>,
  ) => Promise<void>,
): Promise<void> {
  const database = await testDatabase();
  try {
    const sessions = Array.from({ length: 10 }, () => database.session());
    await Promise.all(sessions.map((session) => session`select 1`));
    await test(
      database,
      async (ask) => (await Promise.all(sessions.map(ask))).flat(),
    );
  } finally {
    await database.drop();
  }
}

const finish = (database: TestDatabase) =>
  database.sql`
    select public.finish_invocation(invocation_id => id, status => 'completed')
    from scheduler.invocations
    where status = 'running'
  `;

const statuses = async (database: TestDatabase) =>
  Object.fromEntries((await database.sql`
    select concat_ws(' ', status, status_reason) as status, count(*)::integer as rows
    from scheduler.invocations
    where job_name <> 'housekeeping' -- which is made up for now and then
    group by 1
  `).map(({ status, rows }) => [status, rows]));

for (const by of ["webhook_id", "invocation_id"] as const) {
  Deno.test(`of ten requests with one ${by} at once, one is started, and the others are told which`, async () => {
    await withTen(async (database, atOnce) => {
      for (let round = 0; round < ROUNDS; round++) {
        const invocation = by === "invocation_id" ? crypto.randomUUID() : null;
        const webhook = by === "webhook_id" ? `msg_${round}` : null;
        const answers = await atOnce((session) =>
          session<Started[]>`
            select id, started
            from public.start_invocation(job_name => 'dispatch-backlog', invocation_id => ${invocation}, webhook_id => ${webhook})
          `
        );
        strictEqual(answers.filter(({ started }) => started).length, 1, `in round ${round}`);
        strictEqual(new Set(answers.map(({ id }) => id)).size, 1, `in round ${round}`);
        await finish(database);
      }
      deepStrictEqual(await statuses(database), { completed: ROUNDS });
    });
  });
}

Deno.test("of ten runs of one job that begin at once, one is on and the others are skipped", async () => {
  await withTen(async (database, atOnce) => {
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await atOnce((session) =>
        session<Started[]>`
          select id, started from public.start_invocation(job_name => 'dispatch-backlog')
        `
      );
      strictEqual(answers.filter(({ started }) => started).length, 1, `in round ${round}`);
      strictEqual(new Set(answers.map(({ id }) => id)).size, 10, `in round ${round}`);
      await finish(database);
    }
    deepStrictEqual(await statuses(database), {
      completed: ROUNDS,
      "skipped overlap": ROUNDS * 9,
    });
  });
});

Deno.test("of ten ticks of one moment at once, one asks for a run and the others are skipped", async () => {
  await withTen(async (database, atOnce) => {
    await database.sql`select scheduler.configure_edge('https://project.example.org/f', ${
      "ab".repeat(32)
    })`;
    for (let day = 1; day <= ROUNDS; day++) {
      await atOnce((session) =>
        session<Started[]>`
          select invocation_id as id, status = 'requested' as started
          from scheduler.tick('scenario-scheduler-daily', now() - make_interval(days => ${day}))
          where job_name = 'scenario-evaluation'
        `
      );
      await database
        .sql`update scheduler.invocations set status = 'completed' where status = 'requested'`;
    }
    const { completed, "skipped duplicate_tick": skipped } = await statuses(database);
    deepStrictEqual([completed, skipped], [ROUNDS, ROUNDS * 9]);
    const [queue] = await database.sql`
      select count(*)::integer as requests from net.http_request_queue
    `;
    strictEqual(queue?.["requests"], ROUNDS);
  });
});
