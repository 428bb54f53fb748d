// Random worlds: whatever anybody is shown is what the model of reach.ts knows of, and
// nothing of it depends on what lies outside. SEED=… repeats the worlds.

import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import {
  choicesBy,
  givenSeed,
  randomFrom,
  report,
  testDatabase,
} from "../../../scripts/testing.ts";
import { Reach } from "./reach.ts";
import {
  asPerson,
  attempt,
  belongings,
  day,
  keyExpression,
  keyOf,
  keysOf,
  type Mentor,
  type Row,
  type Table,
  uuid,
  type World,
  write,
} from "./world.ts";

const WORLDS = 6;
const SEED = givenSeed();
const PAGE_SIZE = 3;

/** Somebody of whom no table knows. */
const NOBODY = uuid("f", 1);

interface Play {
  world: World;
  /** Mentors, staff, those who only have links, and nobody. */
  people: string[];
  runs: { id: string; organisations: string[] | null }[];
}

/** Two or three organisations whose people are joined in ways that the rules allow, and in others. */
function imagine(random: () => number): Play {
  const { below, oneOf } = choicesBy(random);
  const times = <T>(many: number, make: (position: number) => T) =>
    Array.from({ length: many }, (_, position) => make(position));
  const some = <T>(all: readonly T[], share: number) => all.filter(() => random() < share);

  const organisations = times(2 + below(2), (n) => ({ id: uuid("a", n), name: "Organisation" }));
  const chapters = times(3 + below(4), (n) => ({
    id: uuid("b", n),
    organisation_id: oneOf(organisations).id,
    name: "Chapter",
  }));
  const mentors: Mentor[] = times(7 + below(4), (n) => {
    const organisation_id = oneOf(organisations).id;
    // Nothing but the app keeps mentors out of another organisation's chapter.
    const near = chapters.filter((row) => row.organisation_id === organisation_id);
    const chapter = oneOf(random() < 0.2 || near.length === 0 ? chapters : near);
    return {
      id: uuid("d", n),
      organisation_id,
      chapter_id: random() < 0.2 ? null : chapter.id,
      status: random() < 0.7 ? "active" : oneOf(["paused", "inactive"]),
      joined_on: day(-300),
    };
  });
  const others = times(5, (n) => uuid("e", n));
  const mayFollowUp = [...others, ...some(mentors, 0.3).map((mentor) => mentor.id)];
  const pairs = <T>(whose: readonly T[], share: number) =>
    mayFollowUp.flatMap((who) => some(whose, share).map((whom) => [who, whom] as const));
  return {
    world: {
      organisations,
      chapters,
      peer_mentors: mentors,
      ...belongings(mentors),
      staff: pairs(organisations, 0.5).map(([user_id, { id }]) => ({
        user_id,
        organisation_id: id,
        role: random() < 0.25 ? "admin" : "coordinator",
      })),
      coordinator_assignments: pairs(mentors, 0.25).map(([coordinator_id, { id }]) => ({
        coordinator_id,
        peer_mentor_id: id,
      })),
      chapter_coordinators: pairs(chapters, 0.3).map(([coordinator_id, { id }]) => ({
        coordinator_id,
        chapter_id: id,
      })),
    },
    people: [...mentors.map((mentor) => mentor.id), ...others, NOBODY],
    runs: [null, ...organisations.map(({ id }) => [id]), organisations.slice(1).map(({ id }) => id)]
      .map((concerned, n) => ({ id: uuid("9", n), organisations: concerned })),
  };
}

/** What the engine has of a world: runs with each organisation's share and note, pushes and their ends. */
async function engage(sql: Sql, { runs, world }: Play): Promise<void> {
  for (const run of runs) {
    const concerned = run.organisations ?? world.organisations.map(({ id }) => id);
    await sql`
      insert into scheduler.invocations (id, job_name, status, organisation_ids, as_of, started_at, finished_at, requested_at)
      values (${run.id}, 'scenario-evaluation', 'completed', ${run.organisations}, now(), now(), now(), now())
    `;
    await sql`
      insert into scheduler.invocation_shares (
        invocation_id, organisation_id, total_active_mentors, total_evaluated, total_candidates, suppressed
      )
      select ${run.id}, share.id, 10 + share.place, 20 + share.place, 30 + share.place,
        jsonb_build_object('inactivity', jsonb_build_object('cooldown', share.place))
      from unnest(${concerned}::uuid[]) with ordinality as share (id, place)
    `;
    await sql`
      insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by)
      select ${run.id}, organisation, 'Note of ' || organisation, gen_random_uuid()
      from unnest(${concerned}::uuid[]) as organisation
    `;
    await sql`
      with pushed as (
        insert into scheduler.notifications (
          user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, status, title, body, invocation_id
        )
        select id, organisation_id, 'milestone', 'milestone:' || ${run.id}::text, tests.today() - ${
      30 + runs.indexOf(run)
    }::integer,
          'sent', 'title', 'body', ${run.id}::uuid
        from public.peer_mentors
        where organisation_id = any (${concerned}::uuid[])
        returning id, user_id, invocation_id
      )
      insert into scheduler.push_attempts (notification_id, invocation_id, attempt, outcome, token_hash)
      select id, invocation_id, 1, case when user_id::text ~ '[13579]$' then 'sent' else 'failed' end, sha256('token')
      from pushed
    `;
  }
}

/** Makes worlds one after the other; nothing is left of them. */
async function inWorlds(
  work: (sql: Sql, play: Play, keys: Map<string, string[]>) => Promise<void>,
): Promise<void> {
  const database = await testDatabase();
  const { sql } = database;
  try {
    const keys = await keysOf(sql);
    for (let number = 0; number < WORLDS; number++) {
      const play = imagine(randomFrom(SEED + number));
      await sql.unsafe("begin");
      await write(sql, play.world);
      await engage(sql, play);
      await work(sql, play, keys).catch((error) => {
        throw new Error(`in world ${number} of SEED=${SEED}`, { cause: error });
      });
      await sql.unsafe("rollback");
    }
  } finally {
    await database.drop();
  }
}

const list = (ids: string[]) => `array[${ids.map((id) => `'${id}'`).join(", ")}]::uuid[]`;
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

/** The keys of the rows that a table shows. */
async function rowsSeen(sql: Sql, keys: Map<string, string[]>): Promise<Record<string, string[]>> {
  const each = [...keys].map(([table, key]) => `
    select '${table}' as table, array(select ${
    keyExpression(key)
  } from public.${table} order by 1) as rows,
      (select count(*)::integer from public.${table}) as many
  `);
  const found = await sql.unsafe<{ table: string; rows: string[]; many: number }[]>(
    each.join("union all"),
  );
  for (const { table, rows, many } of found) strictEqual(many, rows.length, table);
  return Object.fromEntries(found.map(({ table, rows }) => [table, rows]));
}

/** All pages of coordinator_mentor_status. */
async function statusPages(sql: Sql, filter = ""): Promise<Row[]> {
  const pages: Row[] = [];
  while (true) {
    const last = pages.at(-1)?.["user_id"];
    const page = await sql.unsafe<Row[]>(`
      select * from public.coordinator_mentor_status(
        page_size => ${PAGE_SIZE}, after => ${last ? `'${last}'` : "null"} ${filter}
      )
    `);
    pages.push(...page);
    if (page.length < PAGE_SIZE) return pages;
  }
}

const userIds = (rows: Row[]) => rows.map((row) => String(row["user_id"]));

/** The rows, or the error without where in the code it was raised, which changes from call to call. */
async function answerOf(sql: Sql, statement: string): Promise<unknown> {
  const answer = await attempt(sql, statement);
  if (!("error" in answer)) return answer.rows;
  const { code, message, detail, hint, column_name } = answer.error;
  return { code, message, detail, hint, column_name };
}

/** The answer for an id, which is the same as for one that nothing has. */
async function answerAsForNone(sql: Sql, statement: (id: string) => string, id: string) {
  const [found, none] = [
    await answerOf(sql, statement(id)),
    await answerOf(sql, statement(NOBODY)),
  ];
  deepStrictEqual(
    JSON.parse(JSON.stringify(found).replaceAll(id, NOBODY)),
    JSON.parse(JSON.stringify(none)),
    statement(id),
  );
  return found;
}

/** These columns of a row with values that no row has. */
function renewed(row: Row, columns: string[]): Row {
  const changed = columns.filter((column) => column in row).map((column) => {
    const value = row[column];
    if (typeof value === "number") return [column, value + 1_000_000];
    if (column === "scenario_type") return [column, "expiry"];
    return [column, column === "token" ? `new ${value}` : crypto.randomUUID()];
  });
  return Object.fromEntries(changed);
}

Deno.test("in random worlds everybody sees the rows in reach, staff their status and evaluation, and no other", async () => {
  const seen = { people: 0, staff: 0, mentors: 0, kept: 0 };
  await inWorlds(async (sql, { world, people }, keys) => {
    for (const person of people) {
      const reach = new Reach(world, person);
      const rows = reach.rows();
      const mentors = reach.mentors().sort((a, b) => a.id < b.id ? -1 : 1);
      const reached = new Set(ids(mentors));
      const beyond = ids(world.peer_mentors).filter((id) => !reached.has(id));
      seen.people += 1;
      await asPerson(sql, person, async () => {
        const expected = (Object.entries(rows) as [Table, Row[]][]).map(([table, some]) =>
          [table, some.map((row) => keyOf(row, keys.get(table) ?? [])).sort()] as const
        );
        deepStrictEqual(await rowsSeen(sql, keys), Object.fromEntries(expected), person);
        if (!reach.isStaff()) return;

        seen.staff += 1;
        seen.mentors += mentors.length;
        seen.kept += beyond.length;
        deepStrictEqual(userIds(await statusPages(sql)), ids(mentors), person);
        for (const { id } of world.chapters) {
          deepStrictEqual(
            userIds(await statusPages(sql, `, chapter_id => '${id}'`)),
            ids(mentors.filter((mentor) => mentor.chapter_id === id)),
            `${person} in chapter ${id}`,
          );
        }
        if (mentors.length > 0) {
          deepStrictEqual(
            await answerOf(
              sql,
              `select evaluated from public.evaluate_mentors(${list(ids(mentors))})`,
            ),
            [{ evaluated: mentors.filter(({ status }) => status === "active").length }],
            person,
          );
        }
        for (const id of beyond) {
          const answer = await attempt(
            sql,
            `select * from public.evaluate_mentors(${list([...ids(mentors), id])})`,
          );
          strictEqual(
            "error" in answer && answer.error["column_name"],
            `user_ids/${mentors.length}`,
            `${person} evaluates ${id}`,
          );
        }
      });
    }
  });
  ok(seen.staff > 10 && seen.mentors > 20 && seen.kept > 20, JSON.stringify(seen));
  report(
    `side channels: ${WORLDS} worlds (SEED=${SEED}), ${seen.people} people, ${seen.staff} of staff ` +
      `with ${seen.mentors} mentors in reach and ${seen.kept} out of it`,
  );
});

/** Takes away all that is out of somebody's reach, but the organisations and what she has of them. */
async function takeAwayBeyond(sql: Sql, { world }: Play, person: string): Promise<void> {
  const reach = new Reach(world, person);
  const rows = reach.rows();
  const known = list([...ids(rows.peer_mentors), person]);
  const organisations = list(ids(rows.organisations));
  // Her own links stay where she does not see them: a mentor in another organisation's
  // chapter is reached through it.
  await sql.unsafe(`
    delete from scheduler.push_attempts where notification_id in (
      select id from scheduler.notifications where user_id <> all (${known})
    );
    delete from scheduler.notifications where user_id <> all (${known});
    delete from public.peer_mentors where id <> all (${known});
    delete from public.mentor_status_history where user_id <> all (${known});
    delete from public.device_tokens where user_id <> all (${known});
    delete from public.notification_preferences where user_id <> all (${known});
    delete from public.chapters where id <> all (${list(ids(rows.chapters))});
    delete from scheduler.invocation_shares where organisation_id <> all (${organisations});
    delete from scheduler.invocation_notes where organisation_id <> all (${organisations});
    delete from scheduler.invocations where not (
      organisation_ids is null or organisation_ids && ${organisations}
    );
    delete from public.staff where (user_id, organisation_id) not in (${
    pairs(rows.staff.map((row) => [row.user_id, row.organisation_id]))
  });
    delete from public.coordinator_assignments where coordinator_id <> '${person}' and (coordinator_id, peer_mentor_id) not in (${
    pairs(rows.coordinator_assignments.map((row) => [row.coordinator_id, row.peer_mentor_id]))
  });
    delete from public.chapter_coordinators where coordinator_id <> '${person}' and (coordinator_id, chapter_id) not in (${
    pairs(rows.chapter_coordinators.map((row) => [row.coordinator_id, row.chapter_id]))
  });
  `);
}

/** Pairs of ids for "in"; never none. */
const pairs = (all: [string, string][]) =>
  [[NOBODY, NOBODY], ...all].map(([one, other]) => `('${one}'::uuid, '${other}'::uuid)`).join(", ");

/** Everything that somebody is answered, whatever she asks for. */
async function askEverything(
  sql: Sql,
  { world, runs }: Play,
  keys: Map<string, string[]>,
): Promise<unknown[]> {
  const answers: unknown[] = [];
  const ask = async (statement: string) => void answers.push(await answerOf(sql, statement));
  const contents = [...keys.keys()].map((table) =>
    `(select jsonb_agg(each order by each::text) from public.${table} as each) as ${table}`
  );
  await ask(`select ${contents.join(", ")}`);
  await ask(`select * from public.coordinator_mentor_status()`);
  await ask(`select * from public.list_invocations()`);
  for (const { id, organisations } of runs) {
    await ask(`select * from public.get_invocation('${id}')`);
    await ask(`select * from public.annotate_invocation('${id}', 'Mine')`);
    // That others have active mentors too is why a run for all is nobody's own: no secret.
    if (!organisations) continue;
    await ask(`select * from public.stop_invocation('${id}')`);
    await ask(`select * from public.delete_invocation('${id}')`);
  }
  const everybody = list(ids(world.peer_mentors));
  await ask(`select * from public.evaluate_mentors(${everybody})`);
  // Of the mentors whom she sees: where these are those in her reach, it is written down.
  await ask(`
    select
      evaluation.evaluated,
      (select jsonb_agg(each - 'notification_id') from jsonb_array_elements(evaluation.candidates) as each) as candidates
    from (select array(select id from public.peer_mentors order by id) as ids) as visible
    cross join lateral public.evaluate_mentors(user_ids => visible.ids, dry_run => false) as evaluation
  `);
  for (const { id } of world.chapters) {
    await ask(`select * from public.coordinator_mentor_status(chapter_id => '${id}')`);
  }
  return answers;
}

Deno.test("in random worlds no answer depends on what lies out of reach", async () => {
  let answered = 0;
  await inWorlds(async (sql, play, keys) => {
    // Without staff there is little to ask for: one mentor stands for all.
    const isStaff = (person: string) => new Reach(play.world, person).isStaff();
    const mentor = play.people.find((person) => !isStaff(person));
    for (const person of play.people) {
      if (!isStaff(person) && person !== mentor && person !== NOBODY) continue;
      const ask = () => asPerson(sql, person, () => askEverything(sql, play, keys));
      const before = await ask();
      await sql.unsafe("savepoint whole");
      await takeAwayBeyond(sql, play, person);
      deepStrictEqual(await ask(), before, person);
      await sql.unsafe("rollback to savepoint whole");
      answered += before.length;
    }
  });
  report(`side channels: ${answered} answers stay the same without what lies out of reach`);
});

Deno.test("in random worlds an id out of reach is answered like one that nothing has", async () => {
  const refusals = new Map<string, number>();
  await inWorlds(async (sql, { world, people, runs }) => {
    for (const person of people) {
      const reach = new Reach(world, person);
      const reached = reach.mentors();
      const hidden = {
        runs: runs.filter(({ organisations }) =>
          organisations?.every((id) => !reach.isStaffOf(id)) ?? false
        ),
        mentors: world.peer_mentors.filter((mentor) => !reached.includes(mentor)),
        chapters: world.chapters.filter(({ id }) =>
          !reached.some(({ chapter_id }) => chapter_id === id)
        ),
      };
      await asPerson(sql, person, async () => {
        const compare = async (rows: { id: string }[], statement: (id: string) => string) => {
          for (const { id } of rows) {
            const { code = "none" } = await answerAsForNone(sql, statement, id) as {
              code?: string;
            };
            refusals.set(code, (refusals.get(code) ?? 0) + 1);
          }
        };
        await compare(hidden.runs, (id) => `select * from public.get_invocation('${id}')`);
        await compare(
          hidden.runs,
          (id) => `select * from public.annotate_invocation('${id}', 'x')`,
        );
        await compare(hidden.runs, (id) => `select * from public.stop_invocation('${id}')`);
        await compare(hidden.runs, (id) => `select * from public.delete_invocation('${id}')`);
        await compare(
          hidden.mentors,
          (id) => `select * from public.evaluate_mentors(${list([id])}, dry_run => false)`,
        );
        await compare(
          hidden.chapters,
          (id) => `select * from public.coordinator_mentor_status(chapter_id => '${id}')`,
        );
      });
    }
  });
  deepStrictEqual([...refusals.keys()].sort(), ["22023", "42501", "P0002", "none"]);
  report(
    `side channels: ${[...refusals.values()].reduce((sum, each) => sum + each)} answers for ids ` +
      `out of reach are those for none`,
  );
});

Deno.test("in random worlds a row with somebody else's key is answered like one with a new key", async () => {
  await inWorlds(async (sql, { world, people }, keys) => {
    for (const person of people) {
      const visible = new Reach(world, person).rows();
      await asPerson(sql, person, async () => {
        for (const [table, rows] of Object.entries(world) as [Table, Row[]][]) {
          const key = keys.get(table) ?? [];
          const seen = new Set((visible[table] as Row[]).map((row) => keyOf(row, key)));
          const hidden = rows.find((row) => !seen.has(keyOf(row, key)));
          if (!hidden) continue;
          const columns = Object.keys(hidden).join(", ");
          const insert = (row: Row, more: string) => `
            insert into public.${table} (${columns}) overriding system value
            select ${columns} from jsonb_populate_record(null::public.${table}, '${
            JSON.stringify(row)
          }') ${more}`;
          const fresh = { ...hidden, ...renewed(hidden, [...key, "token"]) };
          for (const more of ["", "on conflict do nothing"]) {
            const answer = await answerOf(sql, insert(hidden, more));
            deepStrictEqual(answer, await answerOf(sql, insert(fresh, more)), table);
            // Without this, both might have gone in.
            strictEqual((answer as { code?: string }).code, "42501", table);
          }
        }
      });
    }
  });
});

Deno.test("an idempotency key that somebody else used is as good as new", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const [one, other, organisation] = [uuid("e", 1), uuid("e", 2), uuid("a", 1)];
  try {
    await sql`select tests.configured()`;
    await sql`insert into public.organisations (id, name) values (${organisation}, 'Organisation')`;
    await sql`
      insert into public.staff (user_id, organisation_id, role)
      values (${one}, ${organisation}, 'admin'), (${other}, ${organisation}, 'admin')
    `;
    await sql.unsafe("begin");
    const request = (dryRun: boolean) =>
      sql<{ replayed: boolean; id: string }[]>`
        select replayed, answer ->> 'id' as id
        from public.request_invocation(dry_run => ${dryRun}, idempotency_key => 'the-same')
      `;
    const [first] = await asPerson(sql, one, () => request(false));
    const [second] = await asPerson(sql, other, () => request(true));
    const [again] = await asPerson(sql, one, () => request(false));
    strictEqual(second?.replayed, false);
    notStrictEqual(second?.id, first?.id);
    deepStrictEqual(again, { replayed: true, id: first?.id });
    await sql.unsafe("rollback");
  } finally {
    await database.drop();
  }
});
