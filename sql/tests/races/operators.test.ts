// Operators who say at once what is tracked: the second goes on from what the first left.

import { deepStrictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import { inDatabase, type TestDatabase, waitedFor } from "../../../scripts/testing.ts";

/** The first is done when the second begins, and is committed when somebody waits for it. */
async function atOnce({ sql, session }: TestDatabase, first: string, second: string) {
  const [admin, other] = [session("supabase_admin"), session()];
  let waiting: Promise<unknown> = Promise.resolve();
  await sql.begin(async (tx) => {
    await tx.unsafe(first);
    waiting = other.unsafe(second).execute();
    await waitedFor(admin);
  });
  await waiting;
}

/** The tables that tell of what is written to them. */
async function followed(sql: Sql, kind: string): Promise<string[]> {
  const rows = await sql<{ source: string }[]>`
    select distinct tgrelid::regclass::text as source from pg_trigger
    where tgname like ${`scenario_scheduler_${kind}_%`}
    order by 1
  `;
  return rows.map(({ source }) => source);
}

async function assertState(sql: Sql, mentors: readonly (readonly [string, number])[]) {
  const state = await sql<{ mentor: string; activities: number }[]>`
    select left(user_id::text, 1) as mentor, activity_count as activities
    from scheduler.mentor_state order by 1
  `;
  deepStrictEqual(state.map(({ mentor, activities }) => [mentor, activities]), mentors);
  deepStrictEqual([...await sql`select * from scheduler.verify_mentor_state()`], []);
}

for (const before of ["another one", "none"]) {
  Deno.test(`of two who name a roster at once, where there was ${before}, the second has it and nothing of the first's is followed`, async () => {
    await inDatabase(async (database) => {
      const { sql } = database;
      for (const table of ["volunteers", "members"]) {
        await sql.unsafe(`
          create table public.${table} (id uuid primary key, organisation_id uuid, joined_on date, status text)
        `);
      }
      if (before === "none") await sql`select scheduler.untrack('public.peer_mentors')`;
      await atOnce(
        database,
        "select scheduler.track_roster('public.volunteers')",
        "select scheduler.track_roster('public.members')",
      );
      deepStrictEqual(await followed(sql, "roster"), ["members"]);
      for (const [table, digit] of [["volunteers", 1], ["members", 2]]) {
        await sql.unsafe(`
          insert into public.${table} (id, joined_on, status)
          values ('${digit}0000000-0000-4000-8000-000000000000', '2026-01-01', 'active')
        `);
      }
      await assertState(sql, [["2", 0]]);
    });
  });
}

Deno.test("of two who have activities tracked at once, both tables are counted", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const mentor = "10000000-0000-4000-8000-000000000000";
    for (const table of ["visits", "calls"]) {
      await sql.unsafe(`
        create table public.${table} (user_id uuid, activity_date date);
        create index on public.${table} (user_id);
        insert into public.${table} values ('${mentor}', '2026-01-01');
      `);
    }
    await sql`select tests.mentor(id => ${mentor})`;
    await atOnce(
      database,
      "select scheduler.track_activity('public.visits', 'user_id', 'activity_date')",
      "select scheduler.track_activity('public.calls', 'user_id', 'activity_date')",
    );
    deepStrictEqual(await followed(sql, "activity"), ["activities", "calls", "visits"]);
    await assertState(sql, [["1", 2]]);
  });
});

for (
  const [what, statement, mentors] of [
    ["named", "select scheduler.track_roster('public.volunteers')", [["1", 0]]],
    ["given up", "select scheduler.untrack('public.peer_mentors')", []],
  ] as const
) {
  Deno.test(`who has activities tracked while a roster is ${what} undoes nothing of it`, async () => {
    await inDatabase(async (database) => {
      const { sql } = database;
      await sql.unsafe(`
        create table public.volunteers (id uuid primary key, organisation_id uuid, joined_on date, status text);
        insert into public.volunteers values ('10000000-0000-4000-8000-000000000000', null, '2026-01-01', 'active');
        create table public.visits (user_id uuid, activity_date date);
        create index on public.visits (user_id);
      `);
      await sql`select tests.mentor(id => '20000000-0000-4000-8000-000000000000')`;
      await atOnce(
        database,
        statement,
        "select scheduler.track_activity('public.visits', 'user_id', 'activity_date')",
      );
      await assertState(sql, mentors);
    });
  });
}
