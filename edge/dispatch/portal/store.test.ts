// The store against the database's own functions.

import assert from "node:assert/strict";
import { testDatabase } from "../../../scripts/testing.ts";
import { TypedError } from "../../shared/errors.ts";
import { connect, Database } from "../../shared/database.ts";
import type { PortalCertification, PortalPage } from "./member_portal.ts";
import { Implausible, portalStore } from "./store.ts";

const MEMBER = "5f0c9b1a-7e2d-4c3b-8a19-6d5e4f3c2b1a";
const RUN = "8d7f6a52-3c0e-4a8e-9a51-0b7c1d2e3f40";

const certification = (changes: Partial<PortalCertification> = {}): PortalCertification => ({
  external_id: "a",
  member_id: MEMBER,
  name: "Course",
  expires_on: "2027-05-01",
  modified_on: "2026-03-01T02:00:00Z",
  removed: false,
  ...changes,
});

const pageOf = (certifications: PortalPage["certifications"], next: string | null = null) => ({
  certifications,
  next,
});

async function withStore() {
  const database = await testDatabase();
  const connection = new Database(() => connect(database.url, "test"));
  const { sql } = database;
  const [organisation] = await sql<{ id: string }[]>`select tests.organisation() as id`;
  await sql`
    insert into public.peer_mentors (id, organisation_id, joined_on)
    values (${MEMBER}, ${organisation?.id ?? null}, '2025-01-01')
  `;
  return {
    sql,
    store: portalStore(connection, "hlf", RUN),
    async held() {
      const rows = await sql<Record<string, unknown>[]>`
        select external_id, name, expires_on::text from public.certifications order by external_id
      `;
      return rows.map((row) => ({ ...row }));
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await database.drop();
    },
  };
}

Deno.test("a round begins with everything, goes on where it was, and after its end asks for what changed", async () => {
  await using world = await withStore();
  const first = await world.store.begin();
  assert.deepEqual(first, {
    started_at: first.started_at,
    modified_since: null,
    page_cursor: null,
    page: 0,
  });
  const applied = await world.store.apply(first, pageOf([certification()], "next"));
  assert.deepEqual({ ...applied }, {
    received: 1,
    applied: 1,
    unchanged: 0,
    revoked: 0,
    rejected: {},
    completed: false,
  });
  const second = await world.store.begin();
  assert.deepEqual(second, { ...first, page_cursor: "next", page: 1 });
  assert.equal((await world.store.apply(second, pageOf([]))).completed, true);
  const { modified_since, page_cursor, page } = await world.store.begin();
  // Ten minutes are looked at again.
  assert.deepEqual([modified_since, page_cursor, page], ["2026-03-01T01:50:00Z", null, 0]);
  assert.deepEqual(await world.held(), [
    { external_id: "a", name: "Course", expires_on: "2027-05-01" },
  ]);
});

Deno.test("a round can begin anew, and a run that was left behind then writes nothing more", async () => {
  await using world = await withStore();
  const left = await world.store.begin();
  await world.store.apply(left, pageOf([certification()], "next"));
  const anew = await world.store.begin(true);
  assert.deepEqual([anew.page_cursor, anew.page], [null, 0]);
  const behind = { ...left, page_cursor: "next", page: 1 };
  for (const round of [left, behind, { ...anew, page: 1 }]) {
    await assert.rejects(
      world.store.apply(round, pageOf([certification({ name: "Other" })])),
      (error) => error instanceof TypedError && error.type === "timeout_error",
    );
  }
  assert.equal((await world.held())[0]?.["name"], "Course");
});

Deno.test("a portal that misses most of what it had is not believed, in words of figures", async () => {
  await using world = await withStore();
  const many = Array.from(
    { length: 40 },
    (_, i) => certification({ external_id: `certification ${i}` }),
  );
  await world.store.apply(await world.store.begin(), pageOf(many));
  await world.sql`update scheduler.portal_syncs set full_round_at = now() - interval '8 days'`;
  const round = await world.store.begin();
  assert.equal(round.modified_since, null);
  await assert.rejects(
    world.store.apply(round, pageOf(many.slice(0, 3))),
    (error) =>
      error instanceof Implausible && error.type === "provider_error" &&
      /named 3 of the 40 certifications/.test(error.message),
  );
  assert.equal((await world.held()).length, 40);
});

Deno.test("whatever stands in one row, it is refused by itself, and the others are taken over", async () => {
  const deep = Array.from({ length: 100_000 }).reduce<unknown[]>((inner) => [inner], []);
  for (
    const [changes, reason] of [
      [{ expires_on: Infinity }, "malformed_date"],
      [{ expires_on: undefined }, "malformed_date"],
      [{ expires_on: "2027-05-01\0" }, "malformed_date"],
      [{ modified_on: "\ud800" }, "malformed_modified_on"],
      [{ name: deep }, "no_name"],
      [{ name: { "\0": 1 } }, "no_name"],
      [{ removed: NaN }, "malformed_removed"],
      [{ member_id: "\0" }, "unknown_member"],
    ] as [Partial<PortalCertification>, string][]
  ) {
    await using world = await withStore();
    const round = await world.store.begin();
    const page = pageOf([certification({ external_id: "odd", ...changes }), null, certification()]);
    const { rejected, applied } = await world.store.apply(round, page);
    assert.deepEqual([applied, rejected], [1, { [reason]: 1, no_object: 1 }]);
    assert.equal((await world.held()).length, 1);
  }
});

Deno.test("characters that PostgreSQL can't keep become the one that stands for them", async () => {
  await using world = await withStore();
  const odd = certification({ external_id: "a\0", name: "\ud800Course \u{1f49a}\udc00" });
  await world.store.apply(await world.store.begin(), pageOf([odd]));
  assert.deepEqual(await world.held(), [
    { external_id: "a\ufffd", name: "\ufffdCourse \u{1f49a}\ufffd", expires_on: "2027-05-01" },
  ]);
});

Deno.test("what the database says otherwise is handed on as it is", async () => {
  await using world = await withStore();
  const round = await world.store.begin();
  await assert.rejects(
    world.store.apply(round, pageOf(new Array(5001).fill(null))),
    { code: "22023" },
  );
});
