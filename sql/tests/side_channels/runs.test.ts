// Random ledgers: nothing that staff are answered depends on the runs of other organisations,
// be they on, asked for, stopped or over, nor on what these have left to send. SEED=… repeats them.

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import {
  choicesBy,
  givenSeed,
  randomFrom,
  report,
  testDatabase,
} from "../../../scripts/testing.ts";
import { asPerson, attempt, uuid } from "../matrix/world.ts";

const LEDGERS = 4;
const SEED = givenSeed();
const JOBS = ["scenario-evaluation", "dispatch-backlog"] as const;
const OVER = ["completed", "partial", "failed", "skipped", "abandoned"] as const;

const ORGANISATIONS = [0, 1, 2].map((number) => uuid("a", number));
/** An admin and a coordinator each, and somebody who is staff of two. */
const STAFF = [
  ...ORGANISATIONS.flatMap((organisation, number) => [
    { person: uuid("e", number), role: "admin", organisation },
    { person: uuid("f", number), role: "coordinator", organisation },
  ]),
  { person: uuid("e", 9), role: "coordinator", organisation: uuid("a", 0) },
  { person: uuid("e", 9), role: "admin", organisation: uuid("a", 1) },
];
const MENTORS = ORGANISATIONS.flatMap((organisation, number) =>
  [1, 2, 3].map((place) => ({ id: uuid("d", 10 * number + place), organisation, place }))
);

interface Run {
  id: string;
  job_name: string;
  status: string;
  /** Null: of everybody. */
  organisations: string[] | null;
  dry_run: boolean;
  /** It is on, and was asked to stop. */
  isStopped: boolean;
}

interface Ledger {
  runs: Run[];
  /** The mentors whom a push is due to. */
  waiting: string[];
}

function imagine(random: () => number): Ledger {
  const { oneOf } = choicesBy(random);
  const some = <T>(all: readonly T[], share: number) => all.filter(() => random() < share);
  const runs: Run[] = [];
  for (let number = 0; number < 12; number++) {
    const job_name = oneOf(JOBS);
    const dry_run = random() < 0.2;
    // Of a job one run is on at a time, dry runs aside.
    const isFree = dry_run ||
      !runs.some((run) => run.status === "running" && run.job_name === job_name && !run.dry_run);
    const status = random() < 0.5 ? (isFree ? "running" : "requested") : oneOf(OVER);
    runs.push({
      id: uuid("9", number),
      job_name,
      status,
      organisations: random() < 0.2
        ? null
        : random() < 0.7
        ? [oneOf(ORGANISATIONS)]
        : some(ORGANISATIONS, 0.5),
      dry_run,
      isStopped: status === "running" && !dry_run && random() < 0.8,
    });
  }
  return { runs, waiting: some(MENTORS, 0.5).map(({ id }) => id) };
}

async function write(sql: Sql, { runs, waiting }: Ledger): Promise<void> {
  await sql.unsafe(
    "update scheduler.organisation_settings set quiet_start = null, quiet_end = null",
  );
  await sql.unsafe([
    ...ORGANISATIONS.map((id) => `select tests.organisation(id => '${id}')`),
    ...STAFF.map(({ person, role, organisation }) =>
      `select tests.staff('${role}', '${organisation}', '${person}')`
    ),
    ...MENTORS.map(({ id, organisation }) =>
      `select tests.mentor(joined_on => tests.today() - 40, organisation_id => '${organisation}', id => '${id}')`
    ),
    ...STAFF.filter(({ role }) => role === "coordinator").flatMap(({ person, organisation }) =>
      MENTORS.filter((mentor) => mentor.organisation === organisation && mentor.place < 3)
        .map(({ id }) => `select tests.assigned('${person}', '${id}')`)
    ),
    ...waiting.map((id) => `select tests.waiting('${id}')`),
  ].join(";"));
  for (const [place, run] of runs.entries()) {
    const concerned = run.organisations ?? ORGANISATIONS;
    await sql`
      insert into scheduler.invocations (
        id, job_name, status, organisation_ids, dry_run, requested_at, started_at, heartbeat_at, as_of, stop_requested_at
      )
      values (
        ${run.id}, ${run.job_name}, ${run.status}, ${run.organisations}, ${run.dry_run}, now(),
        case when ${run.status}::text <> 'requested' then now() end,
        case when ${run.status}::text = 'running' then now() end,
        case when ${run.job_name}::text = 'scenario-evaluation' then now() end,
        case when ${run.isStopped} then now() end
      )
    `;
    await sql`
      insert into scheduler.invocation_shares (
        invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed
      )
      select ${run.id}, organisation, 3, 2, ${place}, '{"inactivity": {"cooldown": 1}}'
      from unnest(${concerned}::uuid[]) as organisation
    `;
    await sql`
      insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by)
      select ${run.id}, organisation, 'Note of ' || organisation, gen_random_uuid()
      from unnest(${concerned}::uuid[]) as organisation
    `;
    await sql`
      insert into scheduler.push_attempts (notification_id, invocation_id, attempt, outcome, token_hash)
      select pushed.id, ${run.id}, ${place + 1}, 'sent', sha256('token')
      from scheduler.notifications as pushed
      where pushed.organisation_id = any (${concerned}::uuid[])
    `;
  }
}

/** Of whom she is staff. */
const organisationsOf = (person: string) =>
  STAFF.filter((one) => one.person === person).map(({ organisation }) => organisation);

const concerns = (run: Run, organisations: string[]) =>
  run.organisations === null || run.organisations.some((id) => organisations.includes(id));

/** It concerns her organisations, and no other. */
const isOwn = (run: Run, organisations: string[]) =>
  run.organisations !== null && run.organisations.length > 0 &&
  run.organisations.every((id) => organisations.includes(id));

async function answerOf(sql: Sql, statement: string): Promise<unknown> {
  const answer = await attempt(sql, statement);
  if (!("error" in answer)) return answer.rows;
  const { code, message, detail, hint, column_name } = answer.error;
  return { code, message, detail, hint, column_name };
}

/** What she is answered about runs, her own that end after a stop among them. */
async function askEverything(sql: Sql, { runs }: Ledger, person: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  const ask = async (statement: string) => void answers.push(await answerOf(sql, statement));
  const organisations = organisationsOf(person);
  await asPerson(sql, person, async () => {
    const lists = [
      "",
      "page_size => 2",
      ...["requested", "running", ...OVER].map((status) => `status => '${status}'`),
      ...JOBS.map((job) => `job_name => '${job}'`),
      ...runs.slice(0, 3).map(({ id }) => `before_id => '${id}', before_requested_at => now()`),
    ];
    for (const filter of lists) await ask(`select * from public.list_invocations(${filter})`);
    for (const run of runs) {
      await ask(`select * from public.get_invocation('${run.id}')`);
      await ask(`select * from public.annotate_invocation('${run.id}', 'Mine')`);
      // That there are others is why a run of everybody is nobody's own: no secret.
      if (run.organisations === null) continue;
      await ask(
        `select to_jsonb(run) - 'stop_requested_at' as run from public.stop_invocation('${run.id}') as run`,
      );
      await ask(`select * from public.delete_invocation('${run.id}')`);
    }
    await ask(`
      select evaluation.evaluated, jsonb_path_query_array(evaluation.candidates, '$[*].occurrence_key') as keys
      from (select array(select id from public.peer_mentors order by id) as ids) as visible
      cross join lateral public.evaluate_mentors(user_ids => visible.ids, dry_run => false) as evaluation
    `);
  });
  for (const run of runs) {
    if (run.status !== "running" || !isOwn(run, organisations)) continue;
    for (const status of ["completed", "partial", "failed"]) {
      await sql.unsafe("savepoint ended");
      await sql`select public.finish_invocation(invocation_id => ${run.id}, status => ${status})`;
      await sql`update scheduler.invocations set finished_at = now() where id = ${run.id}`;
      await asPerson(
        sql,
        person,
        () => ask(`select (entry).*, (figures).* from public.get_invocation('${run.id}')`),
      );
      await sql.unsafe("rollback to savepoint ended");
    }
  }
  return answers;
}

/** Takes away the runs of others, what they have of runs for all, and their pushes. */
async function takeAwayBeyond(sql: Sql, person: string): Promise<void> {
  const organisations = organisationsOf(person);
  await sql`
    delete from scheduler.invocations
    where organisation_ids is not null and not organisation_ids && ${organisations}::uuid[]
  `;
  await sql`delete from scheduler.invocation_shares where organisation_id <> all (${organisations}::uuid[])`;
  await sql`delete from scheduler.invocation_notes where organisation_id <> all (${organisations}::uuid[])`;
  await sql`
    delete from scheduler.push_attempts where notification_id in (
      select id from scheduler.notifications where organisation_id <> all (${organisations}::uuid[])
    )
  `;
  await sql`delete from scheduler.notifications where organisation_id <> all (${organisations}::uuid[])`;
}

/** Makes ledgers one after the other; nothing is left of them. */
async function inLedgers(work: (sql: Sql, ledger: Ledger) => Promise<void>): Promise<void> {
  const database = await testDatabase();
  const { sql } = database;
  try {
    for (let number = 0; number < LEDGERS; number++) {
      const ledger = imagine(randomFrom(SEED + number));
      await sql.unsafe("begin");
      await write(sql, ledger);
      await work(sql, ledger).catch((error) => {
        throw new Error(`in ledger ${number} of SEED=${SEED}`, { cause: error });
      });
      await sql.unsafe("rollback");
    }
  } finally {
    await database.drop();
  }
}

const PEOPLE = [...new Set(STAFF.map(({ person }) => person))];

Deno.test("in random ledgers no answer depends on the runs and pushes of others, also when one's own are stopped and end", async () => {
  const seen = { answers: 0, hidden: 0, hiddenOn: 0, stopped: 0 };
  await inLedgers(async (sql, ledger) => {
    for (const person of PEOPLE) {
      const organisations = organisationsOf(person);
      const hidden = ledger.runs.filter((run) => !concerns(run, organisations));
      seen.hidden += hidden.length;
      seen.hiddenOn += hidden.filter(({ status }) => status === "running").length;
      seen.stopped += ledger.runs.filter((run) =>
        run.isStopped && isOwn(run, organisations)
      ).length;
      const before = await askEverything(sql, ledger, person);
      await sql.unsafe("savepoint whole");
      await takeAwayBeyond(sql, person);
      deepStrictEqual(await askEverything(sql, ledger, person), before, person);
      await sql.unsafe("rollback to savepoint whole");
      seen.answers += before.length;
    }
  });
  ok(seen.hidden > 50 && seen.hiddenOn > 5 && seen.stopped > 2, JSON.stringify(seen));
  report(
    `side channels: ${LEDGERS} ledgers (SEED=${SEED}), ${seen.answers} answers stay the same without ` +
      `${seen.hidden} runs of others, ${seen.hiddenOn} of them on; ${seen.stopped} of one's own were stopped`,
  );
});

Deno.test("in random ledgers an answer tells of no run but those that concern the own organisations", async () => {
  await inLedgers(async (sql, ledger) => {
    for (const person of PEOPLE) {
      const organisations = organisationsOf(person);
      const others = ORGANISATIONS.filter((id) => !organisations.includes(id));
      const hidden = ledger.runs.filter((run) => !concerns(run, organisations));
      await asPerson(sql, person, async () => {
        const rows = await sql<{ id: string; whole: string }[]>`
          select id, to_jsonb(run)::text as whole from public.list_invocations(page_size => 200) as run
        `;
        deepStrictEqual(
          rows.map(({ id }) => id).sort(),
          ledger.runs.filter((run) => concerns(run, organisations)).map(({ id }) => id).sort(),
        );
        for (const { whole } of rows) ok(!others.some((id) => whole.includes(id)), whole);
        for (const { id } of hidden) {
          const answer = JSON.stringify(
            await answerOf(sql, `select * from public.get_invocation('${id}')`),
          );
          match(answer, /"P0002"/);
        }
      });
    }
  });
});

// A job has one run at a time, whosever it is: so much is told, and nothing of which or whose.
Deno.test("in random ledgers a run that is asked for is refused while one is on, in the same words whosever that is", async () => {
  const refusals = new Set<string>();
  let others = 0;
  await inLedgers(async (sql, { runs }) => {
    await sql`select tests.configured()`;
    for (const person of PEOPLE) {
      const organisations = organisationsOf(person);
      for (const job of JOBS) {
        for (const dryRun of [false, true]) {
          const inTheWay = runs.filter((run) =>
            run.job_name === job && run.dry_run === dryRun &&
            ["requested", "running"].includes(run.status)
          );
          const answer = await asPerson(sql, person, () =>
            answerOf(
              sql,
              `select answer ->> 'status' as status
               from public.request_invocation(job_name => '${job}', dry_run => ${dryRun})`,
            ));
          if (inTheWay.length === 0) deepStrictEqual(answer, [{ status: "requested" }]);
          else {
            refusals.add(JSON.stringify(answer).replace(job, "a job"));
            if (!inTheWay.some((run) => concerns(run, organisations))) others++;
          }
        }
      }
    }
  });
  strictEqual(refusals.size, 1, [...refusals].join("\n"));
  match([...refusals].join(), /"55000".*a run of a job is on or asked for already/);
  ok(others > 2, `${others} were of others alone`);
});
