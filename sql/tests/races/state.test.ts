// Many writers at once: mentor_state stays what the sources say, and nobody
// deadlocks with a single statement. SEED=… repeats the choices of the load.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import {
  codeOf,
  givenSeed,
  inDatabase,
  pause,
  randomFrom,
  report,
  waitedFor,
} from "../../../scripts/testing.ts";

const LOAD_SECONDS = 12;
const MENTORS = 200;

/** "done", or the code of the error. */
const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => "done", codeOf);

/** Mentors, and next to activities a table of visits that asks for no roster row. */
async function makeWorld(sql: Sql, mentors = MENTORS): Promise<void> {
  await sql.unsafe(`
    insert into public.organisations (id, name)
    select md5('organisation ' || n)::uuid, 'Organisation' from generate_series(0, 2) as n;
    insert into public.peer_mentors (id, organisation_id, joined_on)
    select md5('mentor ' || n)::uuid, md5('organisation ' || n % 3)::uuid, '2025-01-01'
    from generate_series(1, ${mentors}) as n;
    insert into public.device_tokens (token, user_id) select 'token ' || id, id from public.peer_mentors;
    create table public.visits (
      id bigint generated always as identity primary key, visitor uuid, visited_at timestamp, held boolean
    );
    create index on public.visits (visitor, visited_at);
    select scheduler.track_activity('public.visits', 'visitor', 'visited_at', 'held');
  `);
}

async function differences(sql: Sql): Promise<Record<string, unknown>[]> {
  return [
    ...await sql`select difference, user_id, expected, actual from scheduler.verify_mentor_state() limit 5`,
  ];
}

async function deadlocks(admin: Sql): Promise<number> {
  const [row] = await admin`
    select deadlocks::integer as found from pg_stat_database where datname = current_database()
  `;
  return row?.found;
}

for (
  const [what, statement] of [
    [
      "inserting",
      (order: string, kind: string) => `
        insert into public.activities (user_id, activity_date, kind)
        select id, date '2026-01-01' + (random() * 60)::integer, '${kind}' from public.peer_mentors order by id ${order}
      `,
    ],
    [
      "updating",
      (order: string, kind: string) => `
        update public.activities set activity_date = activity_date + 1
        where id in (
          select a.id from public.activities as a where a.kind = '${kind}' order by a.user_id ${order}
        )
      `,
    ],
    [
      "deleting",
      (order: string, kind: string) => `
        delete from public.activities where id in (
          select id from (
            select a.id, row_number() over (partition by a.user_id order by a.activity_date) as place, a.user_id
            from public.activities as a where a.kind = '${kind}'
          ) as numbered where place <= 2 order by user_id ${order}
        )
      `,
    ],
    [
      "upserting",
      (order: string, kind: string) => `
        insert into public.activities (id, user_id, activity_date, kind) overriding system value
        select
          ${kind === "a" ? 1_000_000 : 2_000_000} + row_number() over (order by id), id,
          date '2026-01-01' + (random() * 60)::integer, '${kind}'
        from public.peer_mentors order by id ${order}
        on conflict (id) do update set activity_date = excluded.activity_date
      `,
    ],
  ] as const
) {
  Deno.test(`two writers ${what} activities of the same mentors in opposite orders do not deadlock`, async () => {
    await inDatabase(async (database) => {
      const { sql } = database;
      await makeWorld(sql);
      // The two kinds lie in opposite orders on disk, so that scans meet them so.
      await sql.unsafe(`
        insert into public.activities (user_id, activity_date, kind)
        select id, date '2025-06-01' + n, 'a' from public.peer_mentors cross join generate_series(1, 30) as n order by id;
        insert into public.activities (user_id, activity_date, kind)
        select id, date '2025-06-01' + n, 'b' from public.peer_mentors cross join generate_series(1, 30) as n order by id desc;
      `);
      const writers = [database.session(), database.session()] as const;
      for (let round = 1; round <= 12; round++) {
        const outcomes = await Promise.all([
          outcome(writers[0].unsafe(statement("asc", "a"))),
          outcome(writers[1].unsafe(statement("desc", "b"))),
        ]);
        deepStrictEqual(outcomes, ["done", "done"], `in round ${round}`);
      }
      strictEqual(await deadlocks(database.session("supabase_admin")), 0);
      deepStrictEqual(await differences(sql), []);
    });
  });
}

Deno.test("a mentor's first activity and roster row, written at the same time, are both kept", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeWorld(sql, 1);
    const other = database.session();
    const enlist = (on: Sql, mentor: string) =>
      on`
        insert into public.peer_mentors (id, organisation_id, joined_on)
        values (${mentor}, md5('organisation 0')::uuid, '2026-01-01')
      `;
    const visit = (on: Sql, mentor: string) =>
      on`insert into public.visits (visitor, visited_at, held) values (${mentor}, '2026-02-01', true)`;

    for (const [first, second] of [[enlist, visit], [visit, enlist]] as const) {
      const mentor = crypto.randomUUID();
      let waiting: Promise<unknown> = Promise.resolve();
      await sql.begin(async (tx) => {
        await first(tx as unknown as Sql, mentor);
        waiting = second(other, mentor).execute();
        await waitedFor(admin);
      });
      await waiting;
      const [state] = await sql`
        select on_roster, active, activity_count, last_activity_on::text, next_milestone
        from scheduler.mentor_state where user_id = ${mentor}
      `;
      deepStrictEqual({ ...state }, {
        on_roster: true,
        active: true,
        activity_count: 1,
        last_activity_on: "2026-02-01",
        next_milestone: 10,
      });
    }

    for (let round = 0; round < 40; round++) {
      const mentor = crypto.randomUUID();
      await Promise.all([enlist(sql, mentor), visit(other, mentor), visit(admin, mentor)]);
    }
    deepStrictEqual(await differences(sql), []);
  });
});

const CHANGES: Record<string, string> = {
  "a deletion": `delete from public.activities where kind = 'old'`,
  "an update":
    `update public.activities set activity_date = activity_date - 400 where kind = 'old'`,
  "a change of hands":
    `update public.activities set user_id = (select max(id::text)::uuid from public.peer_mentors) where kind = 'old'`,
  "a backfill": `select scheduler.track_activity('public.activities', 'user_id', 'activity_date')`,
  "a rebuild": `select scheduler.rebuild_mentor_state()`,
  "a roster change": `update public.peer_mentors set status = 'paused', joined_on = '2024-01-01'`,
  "a new milestone":
    `update scheduler.scenario_config set params = '{"milestones": [1, 2, 3, 4]}' where scenario_type = 'milestone'`,
};

for (const [what, statement] of Object.entries(CHANGES)) {
  for (const isolation of ["read committed", "repeatable read"] as const) {
    Deno.test(`${what} at ${isolation} that races an insert loses nothing, or fails cleanly`, async () => {
      await inDatabase(async (database) => {
        const { sql } = database;
        const admin = database.session("supabase_admin");
        const other = database.session();
        await makeWorld(sql, 3);
        await sql`
          insert into public.activities (user_id, activity_date, kind)
          select id, date '2026-01-01' + n, case when n > 3 then 'old' else 'kept' end
          from public.peer_mentors cross join generate_series(1, 6) as n
        `;
        const insert = (on: Sql) =>
          on`insert into public.activities (user_id, activity_date) select id, '2026-03-01' from public.peer_mentors`;
        const change = (on: Sql) =>
          outcome(on.begin(`isolation level ${isolation}`, async (tx) => {
            await tx`select count(*) from scheduler.mentor_state`;
            await tx.unsafe(statement);
          }));
        const clean = isolation === "read committed" ? ["done"] : ["done", "40001"];

        // The insert is first, and the change waits for it …
        let changed: Promise<string> = Promise.resolve("");
        await sql.begin(async (tx) => {
          await insert(tx as unknown as Sql);
          changed = change(other);
          await waitedFor(admin);
        });
        ok(clean.includes(await changed), `${await changed}`);
        deepStrictEqual(await differences(sql), []);

        // … then the change, and the insert waits for it.
        let inserted: Promise<string> = Promise.resolve("");
        await other.begin(`isolation level ${isolation}`, async (tx) => {
          await tx.unsafe(statement);
          inserted = outcome(insert(sql).execute());
          await Promise.race([inserted, pause(150)]);
        });
        strictEqual(await inserted, "done");
        deepStrictEqual(await differences(sql), []);
        strictEqual(await deadlocks(admin), 0);
      });
    });
  }
}

Deno.test("a truncation that races inserts loses nothing that was inserted after it", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeWorld(sql, 20);
    const sessions = Array.from({ length: 4 }, () => database.session());
    let victims = 0;
    const persist = async (on: Sql, statement: string) => {
      let code: string;
      while ((code = await outcome(on.unsafe(statement))) === "40P01") victims += 1;
      strictEqual(code, "done", statement);
    };
    for (let round = 0; round < 8; round++) {
      await Promise.all([
        ...sessions.map((session, number) =>
          persist(
            session,
            number === 0
              ? `update public.peer_mentors set joined_on = joined_on + 1`
              : `insert into public.activities (user_id, activity_date) select id, '2026-03-01' from public.peer_mentors`,
          )
        ),
        persist(admin, "truncate public.activities"),
      ]);
      deepStrictEqual(await differences(sql), [], `in round ${round}`);
    }
    report(`    ${victims} deadlock victims tried again`);
  });
});

Deno.test("an evaluation waits for no open transaction that recorded activities", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeWorld(sql, 50);
    const other = database.session();
    await other`set statement_timeout = '5s'`;
    await sql.begin(async (tx) => {
      await tx`insert into public.activities (user_id, activity_date) select id, '2026-03-09' from public.peer_mentors`;
      const candidates =
        await other`select * from public.run_scenario_evaluation(as_of => tests.noon('2026-03-10'))`;
      strictEqual(candidates.length, 50);
    });
    deepStrictEqual(await differences(sql), []);
  });
});

Deno.test("evaluators and writers of activities at once neither deadlock nor hold each other up", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeWorld(sql);
    let running = true;
    let slowest = 0;
    let written = 0;
    const write = async (session: Sql, order: string) => {
      while (running) {
        const begun = performance.now();
        strictEqual(
          await outcome(session.unsafe(`
            insert into public.activities (user_id, activity_date)
            select id, '2025-10-01' from public.peer_mentors order by id ${order} limit 60
          `)),
          "done",
        );
        slowest = Math.max(slowest, performance.now() - begun);
        written += 1;
      }
    };
    const writers = ["asc", "desc"].map((order) => write(database.session(), order));
    const evaluators = [database.session(), database.session()];
    for (let day = 0; day < 20; day++) {
      const outcomes = await Promise.all(
        evaluators.map((evaluator) =>
          outcome(
            evaluator.unsafe(
              `select * from public.run_scenario_evaluation(as_of => tests.noon(date '2026-03-10' + ${
                day * 31
              }))`,
            ),
          )
        ),
      );
      deepStrictEqual(outcomes, ["done", "done"]);
    }
    running = false;
    await Promise.all(writers);
    strictEqual(await deadlocks(admin), 0);
    ok(slowest < 2000, `a writer was held up for ${slowest} ms`);
    deepStrictEqual(await differences(sql), []);
    report(`    ${written} writes, the slowest ${slowest.toFixed(0)} ms`);
  });
});

Deno.test("after any mix of writes from eight sessions, the state is what the sources say", async () => {
  const seed = givenSeed();
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeWorld(sql);
    const done: Record<string, number> = {};
    const deadline = performance.now() + LOAD_SECONDS * 1000;

    const load = async (session: Sql, number: number) => {
      const random = randomFrom(seed + number);
      const integer = (below: number) => Math.floor(random() * below);
      const someone = () => `md5('mentor ' || ${integer(MENTORS + 20)})::uuid`;
      const some = () =>
        `select id from public.peer_mentors order by md5(id::text || ${integer(1e6)}) limit ${
          1 + integer(20)
        }`;
      const day = () => `date '2025-06-01' + ${integer(400)}`;
      // What a single statement locks beyond mentor_state in no order of its own is kept to one row.
      const statements: [string, () => string][] = [
        [
          "insert one",
          () =>
            `insert into public.activities (user_id, activity_date) select id, ${day()} from public.peer_mentors where id = ${someone()}`,
        ],
        [
          "insert many",
          () =>
            `insert into public.activities (user_id, activity_date) select id, ${day()} from (${some()}) as chosen`,
        ],
        [
          "visit",
          () =>
            `insert into public.visits (visitor, visited_at, held) values (${someone()}, ${day()}, ${
              random() < 0.7
            }), (${someone()}, ${day()}, null), (null, ${day()}, true)`,
        ],
        [
          "hold a visit",
          () =>
            `update public.visits set held = not coalesce(held, false) where id = (select id from public.visits where visitor = ${someone()} limit 1 for update skip locked)`,
        ],
        [
          "delete visits",
          () =>
            `delete from public.visits where id in (select id from public.visits where visitor = ${someone()} limit 3 for update skip locked)`,
        ],
        [
          "move a date",
          () =>
            `update public.activities set activity_date = ${day()} where id in (select id from public.activities where user_id = ${someone()} limit 3 for update skip locked)`,
        ],
        [
          "change hands",
          () =>
            `update public.activities set user_id = ids.id from (${some()}) as ids where activities.id in (select id from public.activities where user_id = ${someone()} limit 3 for update skip locked)`,
        ],
        [
          "touch",
          () =>
            `update public.activities set kind = 'touched' where id in (select id from public.activities where user_id = ${someone()} limit 5 for update skip locked)`,
        ],
        [
          "delete",
          () =>
            `delete from public.activities where id in (select id from public.activities where user_id = ${someone()} limit 3 for update skip locked)`,
        ],
        [
          "roster status",
          () =>
            `update public.peer_mentors set status = (array['active', 'paused', 'inactive'])[1 + ${
              integer(3)
            }] where id in (select id from public.peer_mentors where id in (${some()}) for update skip locked)`,
        ],
        [
          "roster move",
          () =>
            `update public.peer_mentors set organisation_id = md5('organisation ${
              integer(3)
            }')::uuid, joined_on = ${day()} where id = ${someone()}`,
        ],
        [
          "enlist",
          () =>
            `insert into public.peer_mentors (id, organisation_id, joined_on) values (${someone()}, md5('organisation ${
              integer(3)
            }')::uuid, ${day()}) on conflict (id) do update set timezone = 'UTC'`,
        ],
        [
          "leave",
          () =>
            `delete from public.peer_mentors where id = (select id from public.peer_mentors where id = ${someone()} for update skip locked)`,
        ],
        ["evaluate", () => `select public.run_scenario_evaluation(as_of => tests.noon(${day()}))`],
        [
          "cancel",
          () =>
            `update scheduler.notifications set status = 'cancelled' where id = (select id from scheduler.notifications where status = 'pending' order by md5(id::text || ${
              integer(1e6)
            }) limit 1 for update skip locked)`,
        ],
        ["rebuild", () => `select scheduler.rebuild_mentor_state()`],
      ];
      const weights = statements.map(([name]) =>
        name === "rebuild" || name === "leave" ? 1 : name === "evaluate" ? 2 : 6
      );
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      while (performance.now() < deadline) {
        let place = random() * total;
        const chosen = statements.find((_, index) => (place -= weights[index] ?? 0) < 0) ??
          statements[0];
        const [name, statement] = chosen as [string, () => string];
        const text = statement();
        const isolation = random() < 0.15 ? "repeatable read" : "read committed";
        const code = await outcome(session.begin(`isolation level ${isolation}`, async (tx) => {
          await tx.unsafe(text);
          if (random() < 0.05) {
            throw Object.assign(new Error("rolled back"), { code: "rolled back" });
          }
        }));
        const counted = code === "done" ? name : code;
        done[counted] = (done[counted] ?? 0) + 1;
        const expected = [
          "done",
          "rolled back",
          ...(isolation === "repeatable read" ? ["40001"] : []),
        ];
        // An activity of somebody who leaves at this moment.
        if (/^(insert|change)/.test(name)) expected.push("23503");
        ok(expected.includes(code), `${code}: ${text} (SEED=${seed})`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => load(database.session(), number)));

    strictEqual(await deadlocks(admin), 0);
    deepStrictEqual(await differences(sql), [], `SEED=${seed}`);
    report(
      `    SEED=${seed}, ${
        Object.entries(done).map(([name, count]) => `${count} ${name}`).join(", ")
      }`,
    );
  });
});

Deno.test("notifications cancelled in bulk and activities recorded in bulk do not deadlock", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    const other = database.session();
    await makeWorld(sql, 2);
    // The notification of the second mentor is the older one, so it is cancelled first.
    for (const direction of ["desc", "asc"]) {
      const mentors = `array(select id from public.peer_mentors order by id ${direction} limit 1)`;
      await sql.unsafe(
        `select public.run_scenario_evaluation(as_of => tests.noon('2026-03-10'), user_ids => ${mentors})`,
      );
    }
    // A window that somebody looks at holds the cancellation up between the two.
    let cancelled: Promise<string> = Promise.resolve("");
    let inserted: Promise<string> = Promise.resolve("");
    await sql.begin(async (tx) => {
      await tx`
        select from scheduler.scenario_cooldowns
        where user_id = (select min(id::text)::uuid from public.peer_mentors) for update
      `;
      cancelled = outcome(other`update scheduler.notifications set status = 'cancelled'`.execute());
      await waitedFor(admin);
      inserted = outcome(
        database
          .session()`insert into public.activities (user_id, activity_date) select id, '2026-03-09' from public.peer_mentors`
          .execute(),
      );
      await pause(200);
    });
    deepStrictEqual([await cancelled, await inserted], ["done", "done"]);
  });
});
