// make bench-evaluation: one evaluation against what people write instead, on
// one machine in one run. Prints figures and ratios; judges nothing.
//
// MENTORS=100000 make bench-evaluation makes a smaller world for a quick look.

import { applyMigrations, createDatabase } from "../scripts/database.ts";
import { connect, foundBinaries, type Server, type Sql, startServer } from "../scripts/server.ts";
import { onInterrupt, step, table } from "../scripts/terminal.ts";

const MENTORS = Number(Deno.env.get("MENTORS") ?? 1_000_000);
const ACTIVITIES_EACH = 20;
const ORGANISATIONS = 200;
const DORMANT = Math.round(MENTORS * 0.3);
const AS_OF = "2026-11-20 12:00+00";

let server: Server | undefined;
onInterrupt(async () => await server?.stop());

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

class Rollback extends Error {}

/** Median time of a piece of work whose writes are rolled back each time. */
async function timed(sql: Sql, work: (tx: Sql) => Promise<unknown>, rounds = 5): Promise<number> {
  const times: number[] = [];
  for (let round = -1; round < rounds; round++) {
    await sql.begin(async (tx) => {
      const taken = await time(() => work(tx as unknown as Sql));
      if (round >= 0) times.push(taken); // the first round warms up
      throw new Rollback();
    }).catch((error) => {
      if (!(error instanceof Rollback)) throw error;
    });
  }
  return median(times);
}

async function makeWorld(name: string, mentors: number): Promise<{ sql: Sql; admin: Sql }> {
  if (!server) throw new Error("no server");
  const sql = connect(await createDatabase(server, name));
  await applyMigrations(server.url(name));
  const admin = connect(server.url(name, "supabase_admin"));
  await admin.unsafe(await Deno.readTextFile(new URL("world.sql", import.meta.url)));
  await admin`call bench.make_world(${mentors}, ${ACTIVITIES_EACH}, ${ORGANISATIONS})`;
  await sql`select scheduler.rebuild_mentor_state()`;
  await admin`vacuum analyze`;
  return { sql, admin };
}

const evaluate = (sql: Sql, asOf = AS_OF) =>
  sql`select count(*) from run_scenario_evaluation(as_of => ${asOf})`;
/** Who is inactive, and nothing more: what the bulk query and the loop answer. */
const inactivityAnswer = (sql: Sql) =>
  sql`
  select count(*)
  from scheduler.detect_inactivity(
    scopes => (
      select array_agg(scope)
      from scheduler.evaluation_scopes(array['inactivity'], ${AS_OF}, null, null) as scope
    ),
    user_ids => null,
    explaining => false
  ) as found
  where found.user_id is not null
`;
/** The same, with everything that an evaluation adds: suppression, windows, times and texts. */
const inactivityDryRun = (sql: Sql) =>
  sql`
  select count(*) from run_scenario_evaluation(
    scenarios => array['inactivity'], as_of => ${AS_OF}, dry_run => true)
`;

const bulkQuery = (sql: Sql) =>
  sql`
  select count(*)
  from (
    select mentor.id
    from public.peer_mentors as mentor
    left join (
      select activity.user_id, max(activity.activity_date) as last_activity_on
      from public.activities as activity
      group by activity.user_id
    ) as latest on latest.user_id = mentor.id
    where mentor.status = 'active'
      and date '2026-11-20' - coalesce(latest.last_activity_on, mentor.joined_on) >= 30
  ) as silent
`;

/** The loop that people write: one indexed query a mentor. Milliseconds for one, from a sample. */
async function askOneByOne(sql: Sql): Promise<number> {
  const sample = await sql<{ id: string; joined_on: Date }[]>`
    select id, joined_on from public.peer_mentors where status = 'active' order by id limit 5000
  `;
  const total = await time(async () => {
    for (const mentor of sample) {
      await sql`
        select ${mentor.joined_on}::date, max(activity_date) from public.activities where user_id = ${mentor.id}
      `;
    }
  });
  return total / sample.length;
}

/** The same candidates, ready made, into the same tables. */
async function bareInsert(sql: Sql): Promise<number> {
  return await timed(sql, async (tx) => {
    return await tx`
      with queued as (
        insert into scheduler.notifications (
          user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date,
          deliver_after, expires_at, title, body, data
        )
        select
          user_id, organisation_id, scenario_type, occurrence_key, cooldown_window_start, evaluation_date,
          deliver_after, expires_at, title, body, data
        from candidate_rows
        order by user_id
        returning id, user_id, scenario_type
      )
      insert into scheduler.scenario_cooldowns
        (user_id, scenario_type, cooldown_window_start, cooldown_until, occurrence_key, notification_id)
      select made.user_id, made.scenario_type, made.cooldown_window_start, made.cooldown_until, made.occurrence_key, queued.id
      from candidate_rows as made
      join queued on queued.user_id = made.user_id and queued.scenario_type = made.scenario_type
      order by made.user_id
    `;
  });
}

/** Milliseconds for recording one activity, each in its own transaction, with the fold and without. */
async function recordActivities(
  sql: Sql,
  admin: Sql,
): Promise<{ folded: number; plain: number }> {
  const count = 2000;
  const times = { folded: [] as number[], plain: [] as number[] };
  let number = 0;
  for (let round = 0; round < 5; round++) {
    for (const kind of ["plain", "folded"] as const) {
      await admin.unsafe(
        `alter table public.activities ${
          kind === "plain" ? "disable" : "enable"
        } trigger scenario_scheduler_activity_insert`,
      );
      times[kind].push(
        await time(async () => {
          for (let i = 0; i < count; i++) {
            number = (number * 48271 + 11) % MENTORS;
            await sql`
              insert into public.activities (user_id, activity_date, kind)
              values (bench.mentor_id(${number + 1}), '2026-11-20', 'conversation')
            `;
          }
        }) / count,
      );
    }
  }
  await sql`delete from public.activities where activity_date = '2026-11-20' and kind = 'conversation' and id > (select max(id) - ${
    count * 10
  } from public.activities)`;
  return { folded: median(times.folded), plain: median(times.plain) };
}

/** Median time of an evaluation after something else was done in the same transaction. */
async function timeAfter(sql: Sql, before: (tx: Sql) => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  await sql.begin(async (tx) => {
    const inside = tx as unknown as Sql;
    await before(inside);
    for (let round = 0; round < 5; round++) times.push(await time(() => evaluate(inside)));
    throw new Rollback();
  }).catch((error) => {
    if (!(error instanceof Rollback)) throw error;
  });
  return median(times);
}

const rows: { measure: string; ours: string; against: string; ratio: string; target: string }[] =
  [];
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

const binaries = await foundBinaries();
console.log(
  `\n${binaries.name}, ${navigator.hardwareConcurrency} cores, ` +
    `${MENTORS.toLocaleString("en")} mentors, ${
      (MENTORS * ACTIVITIES_EACH).toLocaleString("en")
    } activities, ${ORGANISATIONS} organisations\n`,
);
try {
  server = await startServer(binaries, {
    settings: {
      shared_buffers: "4GB",
      maintenance_work_mem: "1GB",
      max_wal_size: "16GB",
      fsync: "on",
    },
  });
  const small = await step(
    "a world of a tenth",
    () => makeWorld("small", Math.max(MENTORS / 10, 20_000)),
  );
  const big = await step("the world", () => makeWorld("big", MENTORS));

  const bigRun = await timed(big.sql, evaluate);
  const smallRun = await timed(small.sql, evaluate);
  const candidates = await big.sql.begin(async (tx) => {
    const [row] = await tx<{ count: number }[]>`
      select count(*)::int from run_scenario_evaluation(as_of => ${AS_OF}, dry_run => true)
    `;
    return row?.count ?? 0;
  });
  console.log(`\n    ${candidates} candidates\n`);

  const answer = await timed(big.sql, inactivityAnswer);
  const bulk = await timed(big.sql, bulkQuery, 3);
  rows.push({
    measure: "who is inactive, against the bulk query",
    ours: ms(answer),
    against: ms(bulk),
    ratio: `${(bulk / answer).toFixed(1)} times faster`,
    target: "20",
  });

  const dryRun = await timed(big.sql, inactivityDryRun);
  rows.push({
    measure: "the same with suppression, windows, times and texts",
    ours: ms(dryRun),
    against: ms(bulk),
    ratio: `${(bulk / dryRun).toFixed(1)} times faster`,
    target: "",
  });

  const each = await askOneByOne(big.sql);
  const everybody = each * MENTORS * 0.9;
  rows.push({
    measure: `who is inactive, against asking one by one (${each.toFixed(2)} ms each)`,
    ours: ms(answer),
    against: ms(everybody),
    ratio: `${(everybody / answer).toFixed(0)} times faster`,
    target: "1000",
  });

  await big.sql`
    create temporary table candidate_rows as
    select verdict.*
    from scheduler.judge_occurrences(
      as_of => ${AS_OF},
      scopes => (select array_agg(s) from scheduler.evaluation_scopes(null, ${AS_OF}, null, null) as s),
      user_ids => null,
      explaining => false
    ) as verdict
    where verdict.reason is null
  `;
  const bare = await bareInsert(big.sql);
  rows.push({
    measure: "the whole run, against the bare insert",
    ours: ms(bigRun),
    against: ms(bare),
    ratio: `${(bigRun / bare).toFixed(2)} times as long`,
    target: "2.5",
  });
  rows.push({
    measure: "the whole run, against a tenth of the mentors",
    ours: ms(bigRun),
    against: ms(smallRun),
    ratio: `${(bigRun / smallRun).toFixed(2)} times as long`,
    target: "1.5",
  });

  // The first 20,000 numbers hold everybody who is due, every tenth inactive anyway.
  const setDue = async (status: string) => {
    await big.sql`
      update public.peer_mentors set status = ${status}
      where id in (select bench.mentor_id(n) from generate_series(1, 20000) as n where n % 10 <> 0)
    `;
    await big.admin`vacuum analyze`;
  };
  await setDue("paused");
  const idle = await timed(big.sql, evaluate);
  await setDue("active");
  rows.push({ measure: "nothing due", ours: ms(idle), against: "", ratio: "", target: "50 ms" });
  const again = await timeAfter(big.sql, evaluate);
  rows.push({
    measure: "everything done: a second run on the same day",
    ours: ms(again),
    against: "",
    ratio: "",
    target: "",
  });

  const recording = await recordActivities(big.sql, big.admin);
  rows.push({
    measure: "recording one activity, against a plain insert",
    ours: ms(recording.folded),
    against: ms(recording.plain),
    ratio: `${(recording.folded / recording.plain).toFixed(2)} times as long`,
    target: "1.3",
  });

  await step(`${DORMANT.toLocaleString("en")} dormant mentors more`, async () => {
    await big.admin`call bench.add_dormant(${MENTORS + 1}, ${MENTORS + DORMANT}, ${ORGANISATIONS})`;
    await big.sql`select scheduler.rebuild_mentor_state()`;
    await big.admin`call bench.remind_dormant(${MENTORS + 1}, ${MENTORS + DORMANT})`;
    await big.admin`vacuum analyze`;
  });
  const dormantAnswer = await timed(big.sql, inactivityAnswer);
  const dormantBulk = await timed(big.sql, bulkQuery, 3);
  rows.push({
    measure: "who is inactive, with the dormant, against the bulk query",
    ours: ms(dormantAnswer),
    against: ms(dormantBulk),
    ratio: `${(dormantBulk / dormantAnswer).toFixed(1)} times faster`,
    target: "10",
  });
  const dormantDryRun = await timed(big.sql, inactivityDryRun);
  rows.push({
    measure: "the same with suppression, windows, times and texts",
    ours: ms(dormantDryRun),
    against: ms(dormantBulk),
    ratio: `${(dormantBulk / dormantDryRun).toFixed(1)} times faster`,
    target: "",
  });
  const dormantRun = await timed(big.sql, evaluate);
  rows.push({
    measure: "the whole run, with the dormant, against without",
    ours: ms(dormantRun),
    against: ms(bigRun),
    ratio: `${(dormantRun / bigRun).toFixed(2)} times as long`,
    target: "",
  });

  console.log();
  console.log(table(rows));
  for (const { sql, admin } of [small, big]) {
    await sql.end();
    await admin.end();
  }
} finally {
  await server?.stop();
}
