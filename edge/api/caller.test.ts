import assert from "node:assert/strict";
import { loginUrl, testDatabase } from "../../scripts/testing.ts";
import { connect, Database } from "../shared/database.ts";
import { callerOf } from "./caller.ts";

const CALLER = { sub: "a0000000-0000-4000-8000-000000000001", role: "authenticated" } as const;

Deno.test("who called is forgotten with the transaction, whether it went well or not: the session is the next one's", async () => {
  const test = await testDatabase();
  const url = loginUrl(test, "scheduler_api");
  const database = new Database(() => connect(url, "test", 1));
  const sessionNow = async () => {
    const [row] = await database.rows<{ backend: number; role: string; claims: string }>`
      select pg_backend_pid() as backend, current_user::text as role,
        coalesce(current_setting('request.jwt.claims', true), '') as claims
    `;
    return row;
  };
  try {
    const asCaller = callerOf(database);
    const before = await sessionNow();
    const [inside] = await asCaller(CALLER, (query) =>
      query<{ role: string; sub: string }>`
        select current_user::text as role, auth.uid()::text as sub
      `);
    assert.deepEqual(inside, { role: CALLER.role, sub: CALLER.sub });
    assert.deepEqual(await sessionNow(), { ...before, role: "scheduler_api", claims: "" });
    await assert.rejects(asCaller(CALLER, (query) => query`select 1 / 0`));
    assert.deepEqual(await sessionNow(), { ...before, role: "scheduler_api", claims: "" });
  } finally {
    await database.close();
    await test.drop();
  }
});
