// Somebody puts objects in the way that are named like what the engine uses:
// in public, where that role was let in, or in pg_temp, where everybody is.
// Whoever calls the engine then, none of it is run and nothing comes out else.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import { type TestDatabase, testDatabase } from "../../../scripts/testing.ts";

/** Code that runs as somebody else than its author. */
const STRIKE = "begin raise exception 'hijacked as %', current_user; end";

const FUNCTIONS = [
  ...[
    "now",
    "clock_timestamp",
    "split_part",
    "hashtextextended",
    "pg_advisory_xact_lock",
    "gen_random_uuid",
  ],
  ...[
    "lower",
    "replace",
    "btrim",
    "length",
    "cardinality",
    "array_position",
    "to_char",
    "make_interval",
    "timezone",
  ],
  ...[
    "quote_ident",
    "quote_literal",
    "isfinite",
    "nextval",
    "pg_get_serial_sequence",
    "regexp_replace",
  ],
  ...[
    "to_jsonb",
    "jsonb_build_object",
    "jsonb_typeof",
    "jsonb_strip_nulls",
    "pg_notify",
    "date_part",
    "text",
    "date",
    "uuid",
  ],
];

const OPERATORS = ["=", "<>", "<", "<=", ">", ">=", "+", "-", "||", "~", "->", "->>", "?"];
const OPERANDS = [
  "uuid",
  "text",
  "date",
  "integer",
  "bigint",
  "boolean",
  "timestamptz",
  "jsonb",
  "time",
  "name",
];

const RELATIONS = [
  ...[
    "notifications",
    "scenario_cooldowns",
    "mentor_state",
    "organisation_state",
    "scenarios",
    "scenario_config",
  ],
  ...[
    "activities",
    "peer_mentors",
    "certifications",
    "device_tokens",
    "notification_preferences",
    "organisations",
  ],
  ...[
    "scheduler",
    "public",
    "roster",
    "activity",
    "certification",
    "device",
    "organisation",
    "milestones",
  ],
  ...[
    "scope",
    "verdict",
    "candidate",
    "found",
    "new_rows",
    "old_rows",
    "state",
    "pg_proc",
    "pg_class",
    "pg_attribute",
  ],
];

const TYPES = [
  ...[
    "text",
    "uuid",
    "date",
    "jsonb",
    "name",
    "regproc",
    "regclass",
    "regprocedure",
    "timestamptz",
  ],
  ...["record", "occurrence", "evaluation_scope", "candidate", "tracked_sources"],
];

async function asRole<T>(
  sql: Sql,
  role: string,
  path: string,
  work: (tx: Sql) => Promise<T>,
): Promise<T> {
  return await sql.begin(async (tx) => {
    await tx.unsafe(`set local role ${role}; set local search_path = ${path}`);
    return await work(tx as unknown as Sql);
  }) as T;
}

const message = (error: unknown) => error instanceof Error ? error.message : String(error);

/** Creates what can be created as this role; returns how much that was. */
async function createAll(sql: Sql, role: string, statements: string[]): Promise<number> {
  let created = 0;
  for (const statement of statements) {
    const done = await asRole(sql, role, "pg_catalog", (tx) => tx.unsafe(statement)).then(
      () => true,
      () => false,
    );
    if (done) created += 1;
  }
  return created;
}

const evaluate = (on: Sql, dry = true) =>
  on.unsafe(`
    select user_id::pg_catalog.text, occurrence_key, cooldown_window_start::pg_catalog.text, deliver_after::pg_catalog.text, title, body
    from public.run_scenario_evaluation(
      as_of => pg_catalog.timestamptz '2026-03-10 11:00+00', dry_run => ${dry}
    )
  `);

interface World {
  database: TestDatabase;
  expected: string[];
}

async function inWorld(test: (world: World) => Promise<void>): Promise<void> {
  const database = await testDatabase();
  try {
    await database.sql.unsafe(`
      select tests.mentor(joined_on => '2026-01-01');
      select tests.active_on(tests.mentor(joined_on => '2026-03-01'), variadic array(
        select date '2026-03-08' - n from generate_series(0, 9) as n
      ));
      select tests.certified_until(tests.mentor(joined_on => '2026-03-01'), '2026-03-20');
      grant insert on public.activities to authenticated;
      create policy "mentors record activities" on public.activities for insert to authenticated with check (true);
      grant create on schema public to authenticated, service_role;
    `);
    const expected = (await evaluate(database.sql)).map((row) => JSON.stringify(row));
    strictEqual(expected.length, 3);
    await test({ database, expected });
  } finally {
    await database.drop();
  }
}

/** The engine as its callers reach it, in a session that has been prepared by one of them. */
async function reactsAsBefore(
  { database, expected }: World,
  session: Sql,
  path: string,
): Promise<void> {
  const { sql } = database;
  const [mentor] = await sql`select id from public.peer_mentors where joined_on = '2026-01-01'`;

  const attempts: [string, () => Promise<void>][] = [
    ["a mentor records an activity", async () => {
      await asRole(session, "authenticated", path, (tx) =>
        tx.unsafe(`
          insert into public.activities (user_id, activity_date)
          values ('${mentor?.id}'::pg_catalog.uuid, pg_catalog.date '2025-12-01')
        `));
    }],
    ["a dry run", async () => {
      const candidates = await asRole(session, "service_role", path, (tx) => evaluate(tx));
      strictEqual(candidates.length, 3);
    }],
    ["an explanation", async () => {
      const rows = await asRole(
        session,
        "service_role",
        path,
        (tx) =>
          tx.unsafe(
            `select * from public.explain_scenario_evaluation('${mentor?.id}', '2026-03-10 11:00+00')`,
          ),
      );
      strictEqual(rows.length, 3);
    }],
    ["a status", async () => {
      ok(
        (await asRole(
          session,
          "service_role",
          path,
          (tx) => tx`select * from public.scheduler_status()`,
        )).length > 5,
      );
    }],
    ["an evaluation", async () => {
      await sql`delete from public.activities where activity_date = '2025-12-01'`;
      const candidates = await asRole(session, "service_role", path, (tx) => evaluate(tx, false));
      deepStrictEqual(candidates.map((row) => JSON.stringify(row)), expected);
    }],
    ["a change of the roster, by its owner", async () => {
      await asRole(
        session,
        "postgres",
        path,
        (tx) =>
          tx.unsafe(
            `update public.peer_mentors set status = 'paused' where joined_on operator(pg_catalog.=) '2026-01-01'`,
          ),
      );
    }],
    ["a rebuild, by its owner", async () => {
      await asRole(
        session,
        "postgres",
        path,
        (tx) => tx.unsafe(`select scheduler.rebuild_mentor_state()`),
      );
    }],
    ["a cancellation, by its owner", async () => {
      await asRole(
        session,
        "postgres",
        path,
        (tx) => tx.unsafe(`update scheduler.notifications set status = 'cancelled'`),
      );
    }],
  ];
  const wrong: string[] = [];
  for (const [name, attempt] of attempts) {
    await attempt().catch((error) => wrong.push(`${name}: ${message(error)}`));
  }
  deepStrictEqual(wrong, []);
  deepStrictEqual([...await sql`select * from scheduler.verify_mentor_state()`], []);
}

Deno.test("functions and operators in public, named like those of pg_catalog, are not run", async () => {
  await inWorld(async (world) => {
    const { sql } = world.database;
    const signatures = await sql<{ name: string; arguments: string; result: string }[]>`
      select
        quote_ident(p.proname) as name, pg_get_function_identity_arguments(p.oid) as arguments,
        pg_get_function_result(p.oid) as result
      from pg_proc as p
      where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.proname = any (${FUNCTIONS})
    `;
    const created = await createAll(sql, "authenticated", [
      ...signatures.map((f) =>
        `create function public.${f.name}(${f.arguments}) returns ${f.result} language plpgsql as $$ ${STRIKE} $$`
      ),
      ...OPERANDS.map((type) =>
        `create function public.strike(${type}, ${type}) returns boolean language plpgsql as $$ ${STRIKE} $$`
      ),
      ...OPERANDS.flatMap((type) =>
        OPERATORS.map((operator) =>
          `create operator public.${operator} (leftarg = ${type}, rightarg = ${type}, function = public.strike)`
        )
      ),
    ]);
    ok(created > 120, `${created} created`);

    // They would be run where the path lets them: this test can fail.
    const hit = await asRole(sql, "service_role", "public, pg_catalog", (tx) => tx`select now()`)
      .catch(message);
    strictEqual(hit, "hijacked as service_role");
    await reactsAsBefore(world, world.database.session(), "public, pg_catalog");
  });
});

Deno.test("relations in public and in pg_temp, named like the engine's, are not read", async () => {
  await inWorld(async (world) => {
    const session = world.database.session();
    await asRole(
      session,
      "service_role",
      "pg_catalog",
      (tx) =>
        tx.unsafe(
          `create function public.strike() returns boolean language plpgsql as $$ ${STRIKE} $$`,
        ),
    );
    const created = await createAll(
      session,
      "service_role",
      RELATIONS.flatMap((name) => [
        `create temp view ${name} as select public.strike() as id; grant all on pg_temp.${name} to public`,
        `create view public.${name} as select public.strike() as id; grant all on public.${name} to public`,
      ]),
    );
    ok(created > 40, `${created} created`);
    strictEqual(
      await asRole(session, "service_role", "public", (tx) => tx`select * from notifications`)
        .catch(message),
      "hijacked as service_role",
    );
    await reactsAsBefore(world, session, "pg_temp, public, pg_catalog");
  });
});

// A pinned empty search_path still looks into pg_temp for types, and first.
for (const type of TYPES) {
  Deno.test(`a type ${type} in pg_temp or in public is not taken for that of pg_catalog`, async () => {
    await inWorld(async (world) => {
      const session = world.database.session();
      const [known] = await session`
        select from pg_type
        where typname = ${type} and typnamespace = 'pg_catalog'::regnamespace and typtype = 'b'
      `;
      const base = known ? `pg_catalog.${type}` : "pg_catalog.text";
      await asRole(session, "service_role", "pg_catalog", (tx) =>
        tx.unsafe(`
          create function public.strike() returns boolean language plpgsql as $$ ${STRIKE} $$;
          create domain pg_temp.${type} as ${base} check (public.strike());
          create domain public.${type} as ${base} check (public.strike());
        `));
      await reactsAsBefore(world, session, "pg_temp, public, pg_catalog");
    });
  });
}
