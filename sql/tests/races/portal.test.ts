// Two runs of a sync at once: a run that was taken for dead and the one that followed it.

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import { codeOf, testDatabase, waitedFor } from "../../../scripts/testing.ts";

const ANOTHER_WENT_ON = "55000"; // object_not_in_prerequisite_state

Deno.test("of two who take over one page at once the second is refused, and no page is left out", async () => {
  const database = await testDatabase();
  try {
    const { sql, session } = database;
    const [admin, other] = [session("supabase_admin"), session()];
    const [round] =
      await sql`select started_at::text as started_at from public.begin_portal_sync(source => 'hlf')`;
    const apply = (on: Sql) =>
      on`
        select completed from public.apply_portal_page(
          source => 'hlf', started_at => ${round?.["started_at"]}::text::timestamptz, page => 0,
          certifications => '[]', next_cursor => 'page two'
        )
      `.then(() => "taken over", codeOf);

    let second: Promise<string> = Promise.resolve("");
    await sql.begin(async (tx) => {
      strictEqual(await apply(tx as unknown as Sql), "taken over");
      second = apply(other);
      deepStrictEqual(await waitedFor(admin), ["transactionid"]);
    });
    strictEqual(await second, ANOTHER_WENT_ON);
    const [sync] = await sql`
      select round_page, round_cursor from scheduler.portal_syncs where source = 'hlf'
    `;
    deepStrictEqual({ ...sync }, { round_page: 1, round_cursor: "page two" });
  } finally {
    await database.drop();
  }
});
