// Evaluations take turns: who waits for her turn holds nothing and has read nothing.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import { codeOf, inDatabase, waitedFor } from "../../../scripts/testing.ts";

Deno.test("an evaluation waits for the one that is on, of whatever scenario, before it touches a row", async () => {
  await inDatabase(async ({ sql, session }) => {
    await sql`select tests.mentor(joined_on => '2026-01-01')`;
    const [admin, other] = [session("supabase_admin"), session()];
    let waiting: Promise<unknown[]> = Promise.resolve([]);
    await sql.begin(async (tx) => {
      const first = await tx`
        select * from public.run_scenario_evaluation(scenarios => array['inactivity'], as_of => tests.noon('2026-03-10'))
      `;
      strictEqual(first.length, 1);
      waiting = other`
        select * from public.run_scenario_evaluation(scenarios => array['expiry'], as_of => tests.noon('2026-03-10'))
      `.then((rows) => [...rows]);
      // A row that it waited for could be one of several, and somebody could hold another.
      deepStrictEqual(await waitedFor(admin), ["advisory"]);
    });
    deepStrictEqual(await waiting, []);
  });
});

Deno.test("an evaluation that waits for its turn keeps no operator from changing a scenario", async () => {
  await inDatabase(async ({ sql, session }) => {
    await sql`select tests.mentor(joined_on => '2026-01-01')`;
    const [admin, other, operator] = [session("supabase_admin"), session(), session()];
    await operator`set statement_timeout = '5s'`;
    let waiting: Promise<unknown> = Promise.resolve();
    await sql.begin(async (tx) => {
      // Somebody's turn that has not written anything yet.
      await tx`select pg_advisory_xact_lock(hashtextextended('scenario-scheduler evaluation', 0))`;
      waiting = Promise.resolve(
        other`select * from public.run_scenario_evaluation(as_of => tests.noon('2026-03-10'))`,
      );
      deepStrictEqual(await waitedFor(admin), ["advisory"]);
      await operator`update scheduler.scenarios set description = 'Other words.'`;
    });
    await waiting;
  });
});

// An evaluation of everybody writes its figures to scenario_config in the end, and
// fails there at the latest. One of given mentors writes none.
for (const isolation of ["repeatable read", "serializable"] as const) {
  Deno.test(`at ${isolation}, an evaluation of given mentors with a snapshot from before another's commit fails with 40001 and passes no cap`, async () => {
    await inDatabase(async ({ sql, session }) => {
      const [row] = await sql<{ mentor: string }[]>`
        select tests.mentor(joined_on => '2026-01-01') as mentor
      `;
      const mentor = row?.mentor ?? "";
      await sql`select tests.certified_until(${mentor}, '2026-03-20')`;
      const evaluate = async (on: Sql, scenario: string) =>
        (await on`
          select * from public.run_scenario_evaluation(
            scenarios => ${[scenario]}, user_ids => ${[mentor]}, as_of => tests.noon('2026-03-10')
          )
        `).length;
      const stale = session().begin(`isolation level ${isolation}`, async (tx) => {
        await tx`select 1 from scheduler.notifications`;
        strictEqual(await evaluate(sql, "expiry"), 1);
        return await evaluate(tx as unknown as Sql, "inactivity");
      });
      strictEqual(await stale.then((count) => `${count} candidates`, codeOf), "40001");
      const decided = await sql`select scenario_type from scheduler.notifications`;
      deepStrictEqual([...decided], [{ scenario_type: "expiry" }], "the daily cap of one holds");
    });
  });
}
