// Sixteen evaluators at once over the same mentors, round after round: on both
// sides of midnight, with different scenarios, at every isolation level, and
// with one of them rolled back or killed. SEED=… repeats a run's choices.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import {
  choicesBy,
  codeOf,
  givenSeed,
  pause,
  randomFrom,
  testDatabase,
} from "../../../scripts/testing.ts";

const EVALUATORS = 16;
const ROUNDS = 100;
const MENTORS = 300;
const SCENARIOS = ["expiry", "inactivity", "milestone"];
const ISOLATIONS = ["read committed", "repeatable read", "serializable"] as const;

type Isolation = typeof ISOLATIONS[number];
type Fate = "committed" | "rolled back" | "terminated before commit" | "terminated while running";

/** In Oslo: noon, a second before midnight, midnight, the next noon. */
const MOMENTS = [
  "2026-03-10 11:00:00+00",
  "2026-03-10 22:59:59+00",
  "2026-03-10 23:00:00+00",
  "2026-03-11 11:00:00+00",
];

interface Evaluator {
  invocation: string;
  moment: string;
  scenarios: string[] | null;
  isolation: Isolation;
  fate: Fate;
  delay: number;
}

interface Outcome {
  won: string[];
  code: string | null;
  serializationFailures: number;
}

/**
 * Every mentor is due for one scenario, every fifth for a second one, some only
 * from the second day on, and some for another occurrence on the second day
 * than on the first, which the cooldown of seven days has to hold back.
 */
async function makeWorld(sql: Sql): Promise<void> {
  await sql.unsafe(`
    insert into public.organisations (id, name, timezone)
    values
      ('aaaaaaaa-0000-4000-8000-000000000000', 'Near', 'Europe/Oslo'),
      ('bbbbbbbb-0000-4000-8000-000000000000', 'Far', 'Pacific/Auckland');

    create temp table world as
    select
      md5('mentor ' || n)::uuid as id,
      (array['inactivity', 'milestone', 'expiry'])[1 + n % 3] as scenario,
      n % 10 < 2 as twofold,
      (n % 4 = 0)::integer as later,
      case when n % 7 = 0 then 'bbbbbbbb-0000-4000-8000-000000000000' else 'aaaaaaaa-0000-4000-8000-000000000000' end::uuid as organisation_id,
      case when n % 7 = 0 then 'Pacific/Auckland' else 'Europe/Oslo' end as zone
    from generate_series(1, ${MENTORS}) as n;

    insert into public.peer_mentors (id, organisation_id, joined_on)
    select id, organisation_id, case scenario when 'expiry' then date '2026-03-01' else '2025-01-01' end from world;
    insert into public.device_tokens (token, user_id) select 'token ' || id, id from world;

    -- Silent for thirty days on the first day, or on the second.
    insert into public.activities (user_id, activity_date)
    select id, date '2026-02-08' + later from world where scenario = 'inactivity';
    -- The tenth activity was days ago; some have their 25th on the second day.
    insert into public.activities (user_id, activity_date)
    select id, date '2026-03-08' - ordinal from world cross join generate_series(0, 9) as ordinal
    where scenario = 'milestone';
    insert into public.activities (user_id, activity_date)
    select id, '2026-03-11' from world cross join generate_series(1, 15) where scenario = 'milestone' and later = 1;
    -- Sixty days are left for some on the first day, thirty on the second.
    insert into public.certifications (user_id, expires_on)
    select id, date '2026-03-10' + case later when 1 then 31 else 20 end from world
    where scenario = 'expiry' or twofold;

    create table tests.due as
    select id as user_id, scenario as scenario_type, case scenario when 'inactivity' then date '2026-03-10' + later else '2026-03-10' end as due_from, zone
    from world
    union all
    select id, 'expiry', '2026-03-10', zone from world where twofold and scenario <> 'expiry';

    update scheduler.scenario_config set cooldown_days = 7 where scenario_type in ('milestone', 'expiry');
  `);
}

function run(sql: Sql, evaluator: Evaluator) {
  return sql<{ id: string }[]>`
    select candidate.notification_id::text as id
    from public.run_scenario_evaluation(
      scenarios => ${evaluator.scenarios},
      as_of => ${evaluator.moment},
      invocation_id => ${evaluator.invocation}
    ) as candidate
  `;
}

/** Evaluates in a transaction, again for as long as others came first. */
async function evaluate(sql: Sql, evaluator: Evaluator): Promise<Outcome> {
  let serializationFailures = 0;
  await pause(evaluator.delay);
  while (true) {
    try {
      const won = await sql.begin(`isolation level ${evaluator.isolation}`, async (tx) => {
        const candidates = await run(tx as unknown as Sql, evaluator);
        if (evaluator.fate === "rolled back") throw new Error("rolled back");
        return candidates.map((candidate) => candidate.id);
      });
      return { won, code: null, serializationFailures };
    } catch (error) {
      const code = codeOf(error);
      const stale = code === "40001" && evaluator.isolation !== "read committed";
      if (!stale || serializationFailures > 100) return { won: [], code, serializationFailures };
      serializationFailures += 1;
      await pause(5 + evaluator.delay * serializationFailures);
    }
  }
}

/** Evaluates and loses its backend, while it works or just before its commit. */
async function evaluateAndDie(sql: Sql, killer: Sql, evaluator: Evaluator): Promise<Outcome> {
  let code: string | null = null;
  await pause(evaluator.delay);
  try {
    await sql.unsafe(`begin isolation level ${evaluator.isolation}`);
    const [backend] = await sql`select pg_backend_pid() as pid`;
    const evaluation = run(sql, evaluator).then(() => null, codeOf);
    if (evaluator.fate === "terminated while running") await pause(evaluator.delay * 4);
    else code = await evaluation;
    await killer`select pg_terminate_backend(${backend?.pid})`;
    code = await evaluation;
  } finally {
    await sql.end({ timeout: 1 });
  }
  return { won: [], code, serializationFailures: 0 };
}

/** What is wrong with the outbox and the windows after a round: nothing. */
async function violations(sql: Sql): Promise<Record<string, unknown>[]> {
  return await sql`
    select 'windows overlap' as rule, earlier.user_id, earlier.scenario_type
    from scheduler.scenario_cooldowns as earlier
    join scheduler.scenario_cooldowns as later
      on later.user_id = earlier.user_id and later.scenario_type = earlier.scenario_type and later.id <> earlier.id
    where later.cooldown_window_start >= earlier.cooldown_window_start
      and later.cooldown_window_start < earlier.cooldown_until

    union all
    select 'a key has two winners', user_id, scenario_type
    from scheduler.notifications
    group by user_id, scenario_type, occurrence_key
    having count(*) > 1

    union all
    select 'two of a day', user_id, scenario_type
    from scheduler.notifications
    group by user_id, scenario_type, evaluation_date
    having count(*) > 1

    union all
    select 'a notification without its window, or a window without its notification',
      coalesce(notification.user_id, cooldown.user_id), coalesce(notification.scenario_type, cooldown.scenario_type)
    from scheduler.notifications as notification
    full join scheduler.scenario_cooldowns as cooldown
      on cooldown.notification_id = notification.id
      and (cooldown.user_id, cooldown.scenario_type, cooldown.cooldown_window_start, cooldown.occurrence_key)
        = (notification.user_id, notification.scenario_type, notification.cooldown_window_start, notification.occurrence_key)
    where cooldown.id is null or notification.id is null

    union all
    select 'the cap was reached when this was decided', decided.user_id, decided.scenario_type
    from scheduler.notifications as decided
    cross join scheduler.organisation_settings as settings
    cross join lateral (
      select
        count(*) filter (where before.evaluation_date = decided.evaluation_date) as today,
        count(*) as in_week
      from scheduler.notifications as before
      where before.user_id = decided.user_id
        and before.id < decided.id
        and before.evaluation_date > decided.evaluation_date - 7
        and before.evaluation_date <= decided.evaluation_date
    ) as taken
    where settings.organisation_id is null
      and (taken.today >= settings.daily_cap or taken.in_week >= settings.weekly_cap)

    union all
    select case when count(notification.id) = 0 then 'nobody is lost' else 'once is enough' end, due.user_id, due.scenario_type
    from tests.due as due
    left join scheduler.notifications as notification
      on notification.user_id = due.user_id and notification.scenario_type = due.scenario_type
    where not exists (
      select from tests.due as other where other.user_id = due.user_id and other.scenario_type <> due.scenario_type
    )
    group by due.user_id, due.scenario_type, due.due_from, due.zone
    having count(notification.id) <> exists (
      select from tests.committed as run
      where (run.scenarios is null or due.scenario_type = any (run.scenarios))
        and (run.as_of at time zone due.zone)::date >= due.due_from
    )::integer

    union all
    select 'nobody who is due twice is lost', due.user_id, null
    from tests.due as due
    join tests.committed as run
      on (run.scenarios is null or due.scenario_type = any (run.scenarios))
      and (run.as_of at time zone due.zone)::date >= due.due_from
    left join scheduler.notifications as notification on notification.user_id = due.user_id
    group by due.user_id
    having count(notification.id) = 0
  `;
}

async function uniqueKeysHold(sql: Sql): Promise<void> {
  const [keys] = await sql`
    select count(*)::integer as valid
    from pg_index
    where indexrelid in (
        'scheduler.one_window_per_mentor_scenario_start'::regclass,
        'scheduler.one_notification_per_mentor_scenario_day'::regclass,
        'scheduler.one_notification_per_occurrence'::regclass
      )
      and indisunique and indisvalid
  `;
  strictEqual(keys?.valid, 3, "the unique keys are there and valid");
}

Deno.test("of sixteen evaluators at once, one wins each key, no window overlaps and nobody is lost", async () => {
  const seed = givenSeed();
  const random = randomFrom(seed);
  const { oneOf } = choicesBy(random);
  const counts = {
    committed: 0,
    candidates: 0,
    "serialization failures": 0,
    "rolled back": 0,
    "terminated before commit": 0,
    "terminated while running": 0,
  };
  const started = performance.now();
  const database = await testDatabase();
  try {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    const killer = database.session("supabase_admin");
    const sessions = Array.from({ length: EVALUATORS }, () => database.session());
    await makeWorld(admin);
    await admin`create table tests.committed (scenarios text[], as_of timestamptz)`;
    await uniqueKeysHold(admin);

    for (let round = 1; round <= ROUNDS; round++) {
      // Rounds of one kind of evaluator, and rounds of all kinds.
      const isolations = round % 10 === 0
        ? ISOLATIONS.slice(1)
        : round % 5 === 0
        ? ISOLATIONS.slice(0, 1)
        : [ISOLATIONS[0], ...ISOLATIONS];
      const moments = round % 4 === 0 ? MOMENTS.slice(1, 3) : MOMENTS;
      const victim = round % 3 === 0 ? Math.floor(random() * EVALUATORS) : -1;
      const evaluators = Array.from({ length: EVALUATORS }, (_, number): Evaluator => ({
        invocation: crypto.randomUUID(),
        moment: oneOf(moments),
        scenarios: random() < 0.4 ? null : [oneOf(SCENARIOS)],
        isolation: oneOf(isolations),
        fate: number === victim
          ? oneOf(["rolled back", "terminated before commit", "terminated while running"])
          : "committed",
        // The victim is the first where it has to be seen that others take its place.
        delay: number === victim && round % 2 === 0 ? 0 : random() * 4,
      }));

      await admin.unsafe(
        round % 2 === 0
          ? "truncate scheduler.notifications, scheduler.scenario_cooldowns, scheduler.invocations cascade"
          : "delete from scheduler.notifications; delete from scheduler.scenario_cooldowns; delete from scheduler.invocations",
      );
      const [daily, weekly] = oneOf([[1, 3], [2, 3], [1, 1], [2, 2]] as const);
      await admin`
        update scheduler.organisation_settings set daily_cap = ${daily}, weekly_cap = ${weekly}
        where organisation_id is null
      `;

      const outcomes = await Promise.all(
        evaluators.map((evaluator, number) =>
          evaluator.fate.startsWith("terminated")
            ? evaluateAndDie(database.session(), killer, evaluator)
            : evaluate(sessions[number] as Sql, evaluator)
        ),
      );

      const where = `in round ${round} of SEED=${seed}`;
      const ledger = await sql<{ id: string; total_candidates: number }[]>`
        select id, total_candidates from scheduler.invocations
      `;
      const committed = new Map(ledger.map((run) => [run.id, run.total_candidates]));
      evaluators.forEach((evaluator, number) => {
        const { code } = outcomes[number] as Outcome;
        if (evaluator.fate === "committed") {
          strictEqual(
            code,
            null,
            `an evaluator at ${evaluator.isolation} failed with ${code} ${where}`,
          );
          ok(committed.has(evaluator.invocation), `a committed run is not in the ledger ${where}`);
        } else {
          const expected = evaluator.fate === "rolled back"
            ? ["Error: rolled back"]
            // How a connection that is gone shows depends on when it is written to.
            : [null, "57P01", "40001", "CONNECTION_CLOSED", "ECONNRESET", "EPIPE"];
          ok(
            expected.includes(code),
            `an evaluator ${evaluator.fate} failed with ${code} ${where}`,
          );
          ok(
            !committed.has(evaluator.invocation),
            `a run ${evaluator.fate} is in the ledger ${where}`,
          );
          counts[evaluator.fate] += 1;
        }
      });

      await admin`truncate tests.committed`;
      await admin`
        insert into tests.committed ${
        admin(
          evaluators.filter((evaluator) => committed.has(evaluator.invocation)).map((
            evaluator,
          ) => ({
            scenarios: evaluator.scenarios,
            as_of: evaluator.moment,
          })),
        )
      }`;
      deepStrictEqual([...await violations(admin)], [], `broken rules ${where}`);

      const rows = await sql<{ id: string }[]>`
        select id::text as id from scheduler.notifications order by id::text
      `;
      const won = outcomes.filter((_, number) => evaluators[number]?.fate === "committed")
        .flatMap((outcome) => outcome.won);
      strictEqual(
        new Set(won).size,
        won.length,
        `a candidate was returned to two evaluators ${where}`,
      );
      const ids = new Set(rows.map((row) => row.id));
      ok(
        won.every((id) => ids.has(id)),
        `a candidate was returned that is not in the outbox ${where}`,
      );
      strictEqual(won.length, rows.length, `a row in the outbox was returned to nobody ${where}`);
      strictEqual(
        [...committed.values()].reduce((sum, candidates) => sum + candidates, 0),
        rows.length,
        `the ledger adds up to the outbox ${where}`,
      );

      counts.committed += committed.size;
      counts.candidates += rows.length;
      counts["serialization failures"] += outcomes.reduce(
        (sum, outcome) => sum + outcome.serializationFailures,
        0,
      );
    }

    const [deadlocks] = await admin`
      select deadlocks::integer as found from pg_stat_database where datname = current_database()
    `;
    strictEqual(deadlocks?.found, 0, "no deadlock");
    console.log(
      `    ${ROUNDS} rounds of ${EVALUATORS} evaluators, SEED=${seed}, ` +
        Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(", ") +
        `, ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  } finally {
    await database.drop();
  }
});

// On the first day the tenth activity is the milestone, on the second the
// twenty-fifth: different keys, days and window starts, so that no unique
// constraint stands between them. Only the turn that evaluations take does.
for (const isolation of ["repeatable read", "serializable"] as const) {
  for (const scenarios of [null, ["milestone"]]) {
    const asked = scenarios ? "one scenario" : "all scenarios";
    Deno.test(`at ${isolation}, an evaluation of ${asked} with a snapshot from before another's commit fails with 40001 and opens no window`, async () => {
      const database = await testDatabase();
      try {
        const { sql } = database;
        const [row] = await sql`select tests.mentor() as mentor`;
        await sql`select tests.active_on(${row?.mentor}, variadic array(
          select date '2026-03-08' - ordinal from generate_series(0, 9) as ordinal
          union all select date '2026-03-11' from generate_series(1, 15)
        ))`;
        await sql`update scheduler.scenario_config set cooldown_days = 7 where scenario_type = 'milestone'`;
        const evaluate = (tx: Sql, day: string) =>
          tx<{ occurrence_key: string }[]>`
            select occurrence_key from public.run_scenario_evaluation(scenarios => ${scenarios}, as_of => tests.noon(${day}))
          `;

        const stale = database.session();
        const failed = stale.begin(`isolation level ${isolation}`, async (tx) => {
          await tx`select 1 from scheduler.notifications`;
          const first = await evaluate(sql, "2026-03-10");
          deepStrictEqual(first.map((candidate) => candidate.occurrence_key), ["milestone:10"]);
          return await evaluate(tx as unknown as Sql, "2026-03-11");
        });
        strictEqual(
          await failed.then((rows) => rows.map((r) => r.occurrence_key), codeOf),
          "40001",
        );

        const windows = await sql`
          select cooldown_window_start::text as start, cooldown_until::text as until from scheduler.scenario_cooldowns
        `;
        deepStrictEqual([...windows], [{ start: "2026-03-08", until: "2026-03-17" }]);

        // Tried again, with a snapshot of its own time, it sees that window.
        const again = await stale.begin(
          `isolation level ${isolation}`,
          async (tx) => await evaluate(tx as unknown as Sql, "2026-03-11"),
        );
        deepStrictEqual([...again], []);
      } finally {
        await database.drop();
      }
    });
  }
}

// The caps count across scenarios, and evaluators of different scenarios write
// no row in common but the one that marks their turn.
for (const isolation of ["repeatable read", "serializable"] as const) {
  Deno.test(`at ${isolation}, an evaluation with a snapshot from before another scenario's commit fails with 40001 and passes no cap`, async () => {
    const database = await testDatabase();
    try {
      const { sql } = database;
      const [row] = await sql`select tests.mentor(joined_on => '2026-01-01') as mentor`;
      await sql`select tests.certified_until(${row?.mentor}, '2026-03-20')`;
      const evaluate = (tx: Sql, scenario: string) =>
        tx<{ scenario_type: string }[]>`
          select scenario_type
          from public.run_scenario_evaluation(scenarios => ${[
          scenario,
        ]}, as_of => tests.noon('2026-03-10'))
        `;
      const failed = database.session().begin(`isolation level ${isolation}`, async (tx) => {
        await tx`select 1 from scheduler.notifications`;
        strictEqual((await evaluate(sql, "expiry")).length, 1);
        return await evaluate(tx as unknown as Sql, "inactivity");
      });
      strictEqual(await failed.then((rows) => `${rows.length} candidates`, codeOf), "40001");
      const decided = await sql`select scenario_type from scheduler.notifications`;
      deepStrictEqual([...decided], [{ scenario_type: "expiry" }], "the daily cap of one holds");
    } finally {
      await database.drop();
    }
  });
}

Deno.test("an evaluation undone to a savepoint gives its turn away and leaves nothing behind", async () => {
  const database = await testDatabase();
  try {
    const { sql } = database;
    await sql`select tests.mentor(joined_on => '2026-01-01')`;
    const other = database.session();
    const evaluate = (on: Sql) =>
      on`select * from public.run_scenario_evaluation(as_of => tests.noon('2026-03-10'))`;

    await sql.begin(async (tx) => {
      const undone = await tx.savepoint(async (inner) => {
        strictEqual((await evaluate(inner as unknown as Sql)).length, 1);
        throw new Error("undone");
      }).then(() => "kept", (error: Error) => error.message);
      strictEqual(undone, "undone");
      strictEqual((await evaluate(other)).length, 1, "another wins while the first is still open");
      strictEqual((await evaluate(tx as unknown as Sql)).length, 0, "and the first sees that");
    });
    const [left] = await sql`
      select (select count(*)::integer from scheduler.notifications) as notifications,
        (select count(*)::integer from scheduler.scenario_cooldowns) as windows
    `;
    deepStrictEqual({ ...left }, { notifications: 1, windows: 1 });
  } finally {
    await database.drop();
  }
});
