// A thousand statements of sqlsmith; make fuzz tries twenty thousand. SEED=… repeats them, as far
// as the server is as fast: what takes 200 ms fails, and sqlsmith learns from what failed.

import { deepStrictEqual, ok } from "node:assert/strict";
import { connect } from "../../../scripts/server.ts";
import {
  givenSeed,
  report,
  server,
  type TestDatabase,
  testDatabase,
} from "../../../scripts/testing.ts";
import { type Aviary, CANARY } from "./canaries.ts";
import { A_MENTOR, CALLERS, findSqlsmith, prepare, type Round, runRound } from "./fuzz.ts";
import { Listener, type Said } from "./listener.ts";

const STATEMENTS = 1000;
const SEED = givenSeed();

const missing = await findSqlsmith().then(() => undefined, (error: Error) => error.message);

async function inPlantedDatabase(
  test: (database: TestDatabase, aviary: Aviary) => Promise<void>,
): Promise<void> {
  const database = await testDatabase();
  try {
    await test(database, await prepare(database.session("supabase_admin")));
  } finally {
    await database.drop();
  }
}

const nameOf = (database: TestDatabase) => new URL(database.url).pathname.slice(1);

Deno.test("what is planted is heard from every table: in rows, errors and notices, encoded and backwards too", async () => {
  await inPlantedDatabase(async (database, aviary) => {
    let heard: Said[] = [];
    const listener = new Listener(server.port, (said) => heard.push(said));
    const url = new URL(server.url(nameOf(database), "supabase_admin"));
    url.port = String(listener.port);
    const sql = connect(url.href);
    const seen = () => new Set(heard.flatMap(({ text }) => [...aviary.seen(CANARY, text)]));
    try {
      for (const table of aviary.tables) await sql.unsafe(`select * from ${table}`);
      deepStrictEqual([...seen()].sort(), aviary.planted());

      for (
        const [kind, statement] of [
          ["row", "select upper(name) from public.chapters"],
          ["row", "select reverse(name) from public.chapters"],
          ["row", "select convert_to(name, 'UTF8') from public.chapters"],
          ["row", "select encode(convert_to(name, 'UTF8'), 'base64') from public.chapters"],
          ["row", "select left(name, 10) from public.chapters"],
          ["row", "select count(*), max(id::text) from public.chapters"],
          ["error", "select name::integer from public.chapters where name ~ 'kanarifugl'"],
          [
            "notice",
            "do $$ begin raise notice '%', (select max(total_errors) from scheduler.invocations); end $$",
          ],
        ] as const
      ) {
        heard = [];
        await sql.unsafe(statement).catch(() => {});
        ok(heard.some((said) => said.kind === kind), statement);
        ok(seen().size > 0, statement);
      }
      heard = [];
      await sql.unsafe("select id from public.organisations where name ~ 'sparrow'");
      deepStrictEqual([heard.length, seen().size], [1, 0]);
      heard = [];
      await sql.unsafe("select '9f84-9ed735080197'");
      deepStrictEqual([heard.length, seen().size], [1, 0]);
      await sql.unsafe("select 735080197");
      deepStrictEqual([heard.length, seen().size], [2, 1]);
    } finally {
      await sql.end({ timeout: 1 });
      await listener.end();
    }
  });
});

if (missing) report(`sqlsmith: not tried. ${missing}`);

Deno.test({
  name:
    "nothing that sqlsmith tries as anybody crashes a backend, ends in an internal error or shows a row out of reach",
  ignore: missing !== undefined,
  async fn() {
    const waiting = [...CALLERS.entries()];
    const rounds: Round[] = [];
    // sqlsmith keeps a core busy with thinking; two of them have a database each.
    await Promise.all([1, 2].map(() =>
      inPlantedDatabase(async (database, aviary) => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [position, caller] = next;
          rounds.push(
            await runRound({
              server,
              database: nameOf(database),
              aviary,
              caller,
              seed: SEED + position,
              statements: Math.ceil(STATEMENTS / CALLERS.length),
              seconds: 60,
              catalog: [false],
            }),
          );
        }
      })
    ));
    const sum = (of: "statements" | "succeeded" | "own") =>
      rounds.reduce((total, round) => total + round[of], 0);
    deepStrictEqual(rounds.flatMap((round) => round.complaints), [], `SEED=${SEED}`);
    ok(sum("own") > 0, "nothing was seen, so not much can have been tried");
    ok(sum("succeeded") > sum("statements") / 4, "most are no SQL that means anything");
    report(
      `sqlsmith: ${sum("statements")} statements as ${rounds.length} callers, ` +
        `${sum("succeeded")} without an error; nothing out of reach (SEED=${SEED})`,
    );
  },
});

Deno.test({
  name:
    "policies that show a mentor what colleagues do are complained of, and of nobody else's rows",
  ignore: missing !== undefined,
  async fn() {
    await inPlantedDatabase(async (database, aviary) => {
      await database.session("supabase_admin").unsafe(`
        create function tests.colleagues() returns uuid[] language sql stable security definer set search_path = '' as $$
          select array_agg(colleague.id) from public.peer_mentors as colleague
          join public.peer_mentors as mentor on mentor.organisation_id = colleague.organisation_id
          where mentor.id = auth.uid()
        $$;
        create policy leak on public.activities for select to authenticated using (user_id = any (tests.colleagues()));
        create policy leak on public.certifications for select to authenticated using (user_id = any (tests.colleagues()));
      `);
      const { complaints } = await runRound({
        server,
        database: nameOf(database),
        aviary,
        caller: A_MENTOR,
        seed: SEED,
        statements: STATEMENTS / 4,
        seconds: 60,
        catalog: [false],
      });
      const seen = complaints.map((complaint) => complaint.slice(0, complaint.indexOf(" in a ")));
      ok(seen.some((what) => /^(activities|certifications)\./.test(what)), `SEED=${SEED}: ${seen}`);
      // In whose rows the colleagues' ids are, too.
      const known =
        /^(activities|certifications)\.\w+ of colleagues$|^peer_mentors\.id of colleagues$/;
      deepStrictEqual(seen.filter((what) => !known.test(what)), [], `SEED=${SEED}`);
    });
  },
});
