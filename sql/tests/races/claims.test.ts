// Claims at the same moment as other claims, recorders, operators, evaluations
// and the app's own writes. SEED=… repeats the choices of the load.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Sql } from "../../../scripts/server.ts";
import {
  codeOf,
  givenSeed,
  inDatabase,
  pause,
  randomFrom,
  waitedFor,
} from "../../../scripts/testing.ts";

const LOAD_SECONDS = 6;

/** "done", or the code of the error. */
const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => "done", codeOf);

/** Mentors with a device each, long silent. */
async function makeMentors(sql: Sql, mentors: number): Promise<void> {
  await sql.unsafe(`
    insert into public.organisations (id, name)
    select md5('organisation ' || n)::uuid, 'Organisation' from generate_series(0, 2) as n;
    insert into public.peer_mentors (id, organisation_id, joined_on)
    select md5('mentor ' || n)::uuid, md5('organisation ' || n % 3)::uuid, '2025-01-01'
    from generate_series(1, ${mentors}) as n;
    insert into public.device_tokens (token, user_id) select 'token of ' || id, id from public.peer_mentors;
  `);
}

interface Claimed {
  id: string;
  lease: string;
  mentor: string;
}

async function claim(sql: Sql, batchSize = 500): Promise<Claimed[]> {
  return await sql<Claimed[]>`
    select notification_id::text as id, lease_token as lease, user_id as mentor
    from public.claim_notifications(batch_size => ${batchSize}, lease => '5 minutes', invocation_id => null)
  `;
}

const said = (outcome: string) => ({ id, lease, mentor }: Claimed) => ({
  notification_id: Number(id),
  lease_token: lease,
  token: `token of ${mentor}`,
  outcome,
});

/** How many of a page a sender could record. */
async function record(sql: Sql, page: Claimed[], outcome = "sent"): Promise<number> {
  const results = page.map(said(outcome));
  const [row] = await sql`
    select count(*) filter (where recorded)::integer as recorded
    from public.record_push_results(results => ${sql.json(results)})
  `;
  return row?.recorded;
}

async function statusOf(sql: Sql, id: string | undefined): Promise<string> {
  const [row] = await sql`select tests.became(${Number(id)}) as became`;
  return row?.became;
}

async function deadlocks(admin: Sql): Promise<number> {
  const [row] = await admin`
    select deadlocks::integer as found from pg_stat_database where datname = current_database()
  `;
  return row?.found;
}

/** What is wrong with outbox, windows and state when all is quiet: nothing. */
async function violations(sql: Sql): Promise<Record<string, unknown>[]> {
  return [
    ...await sql`
      select 'a window without a notification that counts' as rule, cooldown.user_id
      from scheduler.scenario_cooldowns as cooldown
      left join scheduler.notifications as notification on notification.id = cooldown.notification_id
      where coalesce(notification.status, 'cancelled') = 'cancelled'

      union all
      select 'a notification that counts without its window', notification.user_id
      from scheduler.notifications as notification
      where notification.status <> 'cancelled'
        and not exists (
          select from scheduler.scenario_cooldowns as cooldown where cooldown.notification_id = notification.id
        )

      union all
      select 'windows overlap', earlier.user_id
      from scheduler.scenario_cooldowns as earlier
      join scheduler.scenario_cooldowns as later
        on later.user_id = earlier.user_id and later.scenario_type = earlier.scenario_type and later.id <> earlier.id
      where later.cooldown_window_start >= earlier.cooldown_window_start
        and later.cooldown_window_start < earlier.cooldown_until

      union all
      select 'a key has two winners', user_id
      from scheduler.notifications
      where status <> 'cancelled'
      group by user_id, scenario_type, occurrence_key
      having count(*) > 1

      union all
      select 'a lease where nothing is being sent', user_id
      from scheduler.notifications
      where (status = 'sending') <> (lease_token is not null)

      union all
      select 'a state that differs from its sources', user_id from scheduler.verify_mentor_state()
    `,
  ];
}

Deno.test("ten claimers at once share two thousand notifications, and none is claimed twice", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 2000);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    const sessions = Array.from({ length: 10 }, () => database.session());
    await Promise.all(sessions.map((session) => session`select 1`));

    const shares = await Promise.all(sessions.map(async (session) => {
      const share: Claimed[] = [];
      while (true) {
        const page = await claim(session, 50);
        if (page.length === 0) return share;
        ok(page.length <= 50, "a page is never larger than batch_size");
        strictEqual(await record(session, page), page.length, "each sender records its own page");
        share.push(...page);
      }
    }));

    const claimed = shares.flat();
    strictEqual(claimed.length, 2000);
    strictEqual(new Set(claimed.map(({ id }) => id)).size, 2000, "none is claimed twice");
    ok(shares.filter((share) => share.length > 0).length > 1, "the work is shared");
    const rows = await sql`
      select status, attempts, count(*)::integer from scheduler.notifications group by status, attempts
    `;
    deepStrictEqual([...rows], [{ status: "sent", attempts: 1, count: 2000 }]);
    const [entries] = await sql`
      select count(*)::integer as all, count(distinct notification_id)::integer as different from scheduler.push_attempts
    `;
    deepStrictEqual({ ...entries }, { all: 2000, different: 2000 });
    strictEqual(await deadlocks(database.session("supabase_admin")), 0);
    console.log(`    ${shares.map((share) => share.length).join(", ")}`);
  });
});

Deno.test("a claim passes over what another claim holds, and takes it when that one is undone", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 3);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    const other = database.session();
    await other`set statement_timeout = '5s'`;
    const undone = await sql.begin(async (tx) => {
      strictEqual((await claim(tx as unknown as Sql, 2)).length, 2);
      strictEqual((await claim(other)).length, 1);
      throw new Error("undone");
    }).catch((error: Error) => error.message);
    strictEqual(undone, "undone");
    strictEqual((await claim(other)).length, 2, "a claim that was undone is no claim");
    const [attempts] =
      await sql`select array_agg(distinct attempts) as made from scheduler.notifications`;
    deepStrictEqual(attempts?.made, [1]);
  });
});

Deno.test("a recorder whose lease another claim takes over at this moment waits for it, and records nothing", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 1);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    const late = database.session();
    const page = await claim(late);
    const id = page[0]?.id;
    await sql`select tests.let_time_pass(${Number(id)})`;

    let recorded: Promise<number> = Promise.resolve(-1);
    const taken = await sql.begin(async (tx) => {
      const again = await claim(tx as unknown as Sql);
      recorded = record(late, page, "failed");
      await waitedFor(database.session("supabase_admin"));
      return [...again];
    });
    strictEqual(await recorded, 0);
    strictEqual(await statusOf(sql, id), "sending");
    const [entries] = await sql`select count(*)::integer as found from scheduler.push_attempts`;
    strictEqual(entries?.found, 0);
    strictEqual(await record(sql, taken), 1, "the sender that took it over records");
    strictEqual(await statusOf(sql, id), "sent");
  });
});

Deno.test("a claim passes over what is being recorded, whose lease has run out", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 1);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    const page = await claim(sql);
    await sql`select tests.let_time_pass(id) from scheduler.notifications`;
    const other = database.session();
    await other`set statement_timeout = '5s'`;
    await sql.begin(async (tx) => {
      strictEqual(await record(tx as unknown as Sql, page), 1);
      strictEqual((await claim(other)).length, 0);
    });
    strictEqual((await claim(other)).length, 0, "and there is nothing left to claim");
    strictEqual(await statusOf(sql, page[0]?.id), "sent");
  });
});

Deno.test("the same page recorded by two at once is recorded once", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 200);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    const page = await claim(sql);
    const sessions = [database.session(), database.session()] as const;
    await Promise.all(sessions.map((session) => session`select 1`));
    const [one, other] = await Promise.all([
      record(sessions[0], page),
      record(sessions[1], [...page].reverse()),
    ]);
    strictEqual((one ?? 0) + (other ?? 0), 200);
    const [entries] = await sql`select count(*)::integer as found from scheduler.push_attempts`;
    strictEqual(entries?.found, 200);
    strictEqual(await deadlocks(database.session("supabase_admin")), 0);
  });
});

Deno.test("a claim doesn't wait for an open transaction that writes a mentor: what must be cancelled is left for later", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 4);
    const rows = await sql<{ mentor: string; id: string }[]>`
      select id as mentor, tests.waiting(id)::text as id from public.peer_mentors order by id
    `;
    const [gone, silent, free, plain] = rows;
    await sql`
      insert into public.notification_preferences (user_id, scenario_type, push_enabled)
      select user_id, 'inactivity', false
      from unnest(${[gone?.mentor ?? "", free?.mentor ?? ""]}::uuid[]) as user_id
    `;
    const other = database.session();
    await other`set statement_timeout = '5s'`;

    await sql.begin(async (tx) => {
      await tx`
        insert into public.activities (user_id, activity_date)
        select user_id, tests.today() from unnest(${[
        gone?.mentor ?? "",
        silent?.mentor ?? "",
      ]}::uuid[]) as user_id
      `;
      const page = await claim(other);
      deepStrictEqual(
        page.map(({ id }) => id).sort(),
        [silent?.id, plain?.id].sort(),
        "who is not known to be active yet gets the push, who must not get it doesn't",
      );
      strictEqual(await statusOf(other, free?.id), "cancelled: opted_out");
      strictEqual(await statusOf(other, gone?.id), "pending: opted_out");
      deepStrictEqual([...await claim(other)], [], "nor is it handed out by the next claim");
      const [left] = await other`
        select notification.attempts, cooldown.id is not null as has_window
        from scheduler.notifications as notification
        left join scheduler.scenario_cooldowns as cooldown on cooldown.notification_id = notification.id
        where notification.id = ${Number(gone?.id)}
      `;
      deepStrictEqual({ ...left }, { attempts: 0, has_window: true });
    });

    await sql`select tests.let_time_pass(${Number(gone?.id)})`;
    deepStrictEqual([...await claim(other)], []);
    strictEqual(await statusOf(sql, gone?.id), "cancelled: opted_out");
    deepStrictEqual(await violations(sql), []);
  });
});

Deno.test("what is left for later is not forgotten: it is looked at again within a minute", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    await makeMentors(sql, 1);
    await sql`select tests.waiting(id) from public.peer_mentors`;
    await sql`insert into public.notification_preferences (user_id, scenario_type, push_enabled) select id, 'inactivity', false from public.peer_mentors`;
    const other = database.session();
    await sql.begin(async (tx) => {
      await tx`insert into public.activities (user_id, activity_date) select id, '2025-01-02' from public.peer_mentors`;
      deepStrictEqual([...await claim(other)], []);
    });
    const [row] = await sql`
      select due_at > now() and due_at <= now() + interval '1 minute' as soon from scheduler.notifications
    `;
    strictEqual(row?.soon, true);
  });
});

Deno.test("of claims and a cancellation at once, each notification is handed out or cancelled, never both", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeMentors(sql, 300);
    const claimers = [database.session(), database.session(), database.session()];
    const operator = database.session();
    await Promise.all([...claimers, operator].map((session) => session`select 1`));
    const counts = { claimed: 0, cancelled: 0 };

    for (let round = 0; round < 20; round++) {
      await sql`truncate scheduler.notifications, scheduler.scenario_cooldowns`;
      await sql`select tests.waiting(id) from public.peer_mentors`;
      const cancel = async () => {
        await pause(round % 10);
        return await operator<{ id: string }[]>`
          select notification_id::text as id
          from scheduler.cancel_notifications(organisation_id => md5('organisation 1')::uuid)
        `;
      };
      const [cancelled, ...pages] = await Promise.all([
        cancel(),
        ...claimers.map((session) => claim(session, 40)),
      ]);
      const handedOut = pages.flat().map(({ id }) => id);
      const both = new Set(cancelled.map(({ id }) => id).filter((id) => handedOut.includes(id)));
      deepStrictEqual([...both], [], `in round ${round}`);
      strictEqual(new Set(handedOut).size, handedOut.length, `in round ${round}`);
      const rows = await sql`
        select status, count(*)::integer as found from scheduler.notifications group by status order by status
      `;
      const found = Object.fromEntries(rows.map((row) => [row.status, row.found]));
      strictEqual(found.sending ?? 0, handedOut.length, `in round ${round}`);
      strictEqual(found.cancelled ?? 0, cancelled.length, `in round ${round}`);
      deepStrictEqual(await violations(sql), [], `in round ${round}`);
      counts.claimed += handedOut.length;
      counts.cancelled += cancelled.length;
    }
    strictEqual(await deadlocks(admin), 0);
    console.log(`    ${counts.claimed} claimed, ${counts.cancelled} cancelled`);
  });
});

Deno.test("claims that cancel and writers of many activities at once don't deadlock, and hold nobody up", async () => {
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeMentors(sql, 300);
    // Whoever is written to meanwhile must not get a push.
    await sql`
      insert into public.notification_preferences (user_id, scenario_type, push_enabled)
      select id, 'inactivity', false from public.peer_mentors
    `;
    let running = true;
    let slowest = 0;
    let written = 0;
    const write = async (session: Sql, order: string) => {
      while (running) {
        const begun = performance.now();
        strictEqual(
          await outcome(session.unsafe(`
            insert into public.activities (user_id, activity_date)
            select id, '2024-12-01' from public.peer_mentors order by id ${order} limit 200
          `)),
          "done",
        );
        slowest = Math.max(slowest, performance.now() - begun);
        written += 1;
      }
    };
    const writers = ["asc", "desc", "asc"].map((order) => write(database.session(), order));
    const claimers = [database.session(), database.session()];
    let cancelled = 0;
    for (let round = 0; round < 15; round++) {
      // Not a truncate: its locks and those of a writer who reads both tables may meet crosswise.
      await sql.unsafe(
        "delete from scheduler.notifications; delete from scheduler.scenario_cooldowns",
      );
      await sql`select tests.waiting(id) from public.peer_mentors order by md5(id::text || ${round})`;
      for (let tick = 0; tick < 3; tick++) {
        const begun = performance.now();
        const pages = await Promise.all(claimers.map((session) => claim(session, 100)));
        slowest = Math.max(slowest, performance.now() - begun);
        deepStrictEqual(pages.flat(), []);
        await sql`select tests.let_time_pass(id) from scheduler.notifications where status = 'pending'`;
      }
      const [row] = await sql`
        select count(*)::integer as found from scheduler.notifications where status = 'cancelled'
      `;
      cancelled += row?.found;
    }
    running = false;
    await Promise.all(writers);
    strictEqual(await deadlocks(admin), 0);
    ok(slowest < 3000, `somebody was held up for ${slowest} ms`);
    ok(cancelled > 0, "something was cancelled");
    await sql`select tests.let_time_pass(id) from scheduler.notifications where status = 'pending'`;
    deepStrictEqual([...await claim(sql)], []);
    const [left] =
      await sql`select count(*)::integer as pending from scheduler.notifications where status <> 'cancelled'`;
    strictEqual(left?.pending, 0, "when all is quiet, the next claim cancels what was left");
    deepStrictEqual(await violations(sql), []);
    console.log(
      `    ${written} writes, ${cancelled} cancelled, the slowest ${slowest.toFixed(0)} ms`,
    );
  });
});

Deno.test("evaluations, claims, recorders, operators and the app's writes at once keep every rule", async () => {
  const seed = givenSeed();
  await inDatabase(async (database) => {
    const { sql } = database;
    const admin = database.session("supabase_admin");
    await makeMentors(sql, 200);
    await sql`update scheduler.organisation_settings set daily_cap = null, weekly_cap = null, quiet_start = null, quiet_end = null`;
    await sql`update scheduler.scenario_config set ttl_hours = 8760, cooldown_days = 5, params = '{"threshold_days": 10, "max_reminders": null}' where scenario_type = 'inactivity'`;
    const done: Record<string, number> = {};
    const handedOut = new Map<string, number>();
    const deadline = performance.now() + LOAD_SECONDS * 1000;

    const load = async (session: Sql, number: number) => {
      const random = randomFrom(seed + number);
      const integer = (below: number) => Math.floor(random() * below);
      const someone = () => `md5('mentor ' || ${1 + integer(200)})::uuid`;
      const some = () =>
        `select id from public.peer_mentors order by md5(id::text || ${integer(1e6)}) limit ${
          1 + integer(20)
        }`;
      const evaluate = () =>
        session.unsafe(
          `select public.run_scenario_evaluation(as_of => now() - ${
            integer(40)
          } * interval '1 day')`,
        );
      const send = async () => {
        const page = await claim(session, 1 + integer(60));
        for (const { id } of page) handedOut.set(id, (handedOut.get(id) ?? 0) + 1);
        // A sender that dies records nothing; its lease runs out at once here.
        if (random() < 0.2) {
          await session`select tests.let_time_pass(id) from scheduler.notifications where id = any (${
            page.map(({ id }) => Number(id))
          })`;
          return;
        }
        const results = page.map((claimed) =>
          said(
            ["sent", "sent", "retry", "failed", "held", "unknown"][integer(6)] ?? "sent",
          )(claimed)
        );
        await session`select * from public.record_push_results(results => ${
          session.json(results)
        })`;
      };
      const actions: [string, () => Promise<unknown>][] = [
        ["evaluate", evaluate],
        ["send", send],
        ["send", send],
        [
          "hurry",
          () =>
            session`
              update scheduler.notifications set next_attempt_at = now()
              where id in (select id from scheduler.notifications where status = 'pending' for update skip locked)
            `,
        ],
        [
          "record activities",
          () =>
            session.unsafe(
              `insert into public.activities (user_id, activity_date) select id, current_date - ${
                integer(60)
              } from (${some()}) as chosen`,
            ),
        ],
        [
          "delete activities",
          () =>
            session.unsafe(
              `delete from public.activities where id in (select id from public.activities where user_id = ${someone()} for update skip locked)`,
            ),
        ],
        [
          "opt",
          () =>
            session.unsafe(`
              insert into public.notification_preferences (user_id, scenario_type, push_enabled)
              values (${someone()}, 'inactivity', ${random() < 0.6})
              on conflict (user_id, scenario_type) do update set push_enabled = excluded.push_enabled
            `),
        ],
        [
          "change the roster",
          () =>
            session.unsafe(
              `update public.peer_mentors set status = (array['active', 'active', 'paused'])[1 + ${
                integer(3)
              }] where id = ${someone()}`,
            ),
        ],
        [
          "cancel",
          () =>
            session.unsafe(
              `select scheduler.cancel_notifications(notification_ids => array(select id from scheduler.notifications where user_id = ${someone()}))`,
            ),
        ],
        [
          "requeue",
          () =>
            session`select scheduler.requeue_notifications(statuses => array['dead', 'failed'])`,
        ],
      ];
      while (performance.now() < deadline) {
        const [name, action] = actions[integer(actions.length)] as [
          string,
          () => Promise<unknown>,
        ];
        const code = await outcome(action());
        strictEqual(code, "done", `${name} failed with ${code} (SEED=${seed})`);
        done[name] = (done[name] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => load(database.session(), number)));

    strictEqual(await deadlocks(admin), 0);
    deepStrictEqual(await violations(sql), [], `SEED=${seed}`);
    // A device that has a push gets it no second time, whatever else went on.
    const twice = await sql`
      select notification_id from scheduler.push_attempts
      where outcome = 'sent' group by notification_id having count(*) > 1
    `;
    deepStrictEqual([...twice], [], `SEED=${seed}`);
    const lost = await sql`
      select id from scheduler.notifications where (status = 'sent') <> (sent_at is not null)
    `;
    deepStrictEqual([...lost], [], `SEED=${seed}`);
    // The hints of mentor_state hide nobody who is due.
    const foreseen = () =>
      sql`
        select user_id, occurrence_key from public.run_scenario_evaluation(as_of => now() + interval '4 days', dry_run => true)
        order by 1, 2
      `;
    const before = await foreseen();
    await sql`select scheduler.rebuild_mentor_state()`;
    deepStrictEqual([...before], [...await foreseen()], `SEED=${seed}`);
    console.log(
      `    SEED=${seed}, ${handedOut.size} handed out, ${before.length} due, ${
        Object.entries(done).map(([name, count]) => `${count} ${name}`).join(", ")
      }`,
    );
  });
});
