// A night of certification-expiry beside people who write: nobody waits in a circle, and
// who is written about meanwhile is looked at the next time.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { codeOf, testDatabase } from "../../../scripts/testing.ts";

const MENTORS = 2000;
const ROUNDS = 6;

Deno.test("a night and people who write certifications and statuses at once don't deadlock, and nobody is passed over", async () => {
  const database = await testDatabase();
  try {
    const { sql } = database;
    const night = database.session();
    const writers = [database.session(), database.session(), database.session()];
    await sql`select tests.requires('first aid')`;
    await sql`select tests.mentor() from generate_series(1, ${MENTORS}::integer)`;
    await sql`
      insert into public.certifications (user_id, name, expires_on)
      select id, 'first aid', current_date + 30 from public.peer_mentors
    `;
    let running = true;
    const failures: string[] = [];
    const write = async (session: typeof night, which: number) => {
      for (let n = 0; running; n++) {
        const statement = which === 0
          ? `insert into public.certifications (user_id, name, expires_on)
             select id, 'driving', current_date from public.peer_mentors order by random() limit 1`
          : which === 1
          ? `update public.peer_mentors set status = case status when 'active' then 'paused' else 'active' end
             where id = (select id from public.peer_mentors order by random() limit 1)`
          : `update public.certifications set expires_on = current_date + ${n % 2 ? 30 : -1}
             where id = (select id from public.certifications where name = 'first aid' order by random() limit 1)`;
        await session.unsafe(statement).catch((error) => failures.push(codeOf(error)));
      }
    };
    const writing = writers.map(write);
    for (let round = 0; round < ROUNDS; round++) {
      await sql`
        update public.certifications set expires_on = current_date + ${round % 2 ? 30 : -1}::integer
        where name = 'first aid'
      `.catch((error) => failures.push(codeOf(error)));
      await night`select count(*) from public.run_certification_expiry()`
        .catch((error) => failures.push(`the night: ${codeOf(error)}`));
    }
    running = false;
    await Promise.all(writing);
    // Writers of many rows and of one may meet in any order; the night is not to be among them.
    deepStrictEqual(failures.filter((code) => code.startsWith("the night")), []);
    ok(failures.length <= ROUNDS, failures.join(", "));

    await night`select count(*) from public.run_certification_expiry()`;
    const [left] = await sql`select count(*)::integer as noted from scheduler.certification_checks`;
    strictEqual(left?.["noted"], 0);
    const wrong = await sql`
      select mentor.status, held.expires_on
      from public.peer_mentors as mentor
      join public.certifications as held on held.user_id = mentor.id and held.name = 'first aid'
      where mentor.status = 'active' and held.expires_on < (now() at time zone 'Europe/Oslo')::date
    `;
    deepStrictEqual([...wrong], []);
    strictEqual((await night`select * from public.run_certification_expiry()`).length, 0);
  } finally {
    await database.drop();
  }
});
