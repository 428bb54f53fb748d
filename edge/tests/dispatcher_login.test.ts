// The dispatcher with the login that is made for it: it needs nothing else, and
// can do nothing else.

import assert from "node:assert/strict";
import { connect, type Sql } from "../../scripts/server.ts";
import { codeOf, loginUrl } from "../../scripts/testing.ts";
import { inWorld, logOf, notOnce, type World } from "./world.ts";

const ROLE = "scheduler_dispatcher";
const INSUFFICIENT_PRIVILEGE = "42501";
const ENTRY_POINTS = [
  "apply_portal_page",
  "begin_portal_sync",
  "claim_notifications",
  "finish_invocation",
  "heartbeat_invocation",
  "invocation_summary",
  "record_push_results",
  "run_certification_expiry",
  "run_scenario_evaluation",
  "start_invocation",
];

async function withLogin(test: (world: World, url: string) => Promise<void>): Promise<void> {
  await inWorld((world) => test(world, loginUrl(world.database, ROLE)));
}

Deno.test("with the dispatcher's own login a run evaluates, sends and records", async () => {
  await withLogin(async (world, url) => {
    const tokens = await world.addMentors(25);
    const [gone = ""] = await world.addMentors(1, { token: "unregistered" });
    const scheduler = await world.start({ SCHEDULER_DB_URL: url, PAGE_SIZE: "10" });
    const { status, answer } = await world.run(scheduler);
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 25);
    assert.equal(answer["total_active_mentors"], 26);
    assert.equal(answer["pages_processed"], 3);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.outbox(), { sent: 25, failed: 1 });
    assert.deepEqual(await world.attempts(), { sent: 25, invalid_token: 1 });
    const disabled = await world.sql`
      select token from public.device_tokens where disabled_at is not null
    `;
    assert.deepEqual(disabled.map((row) => row["token"]), [gone]);
    const log = await logOf(scheduler, answer["invocation_id"]);
    assert.ok(!log.some((entry) => entry.event === "scheduler_run_failed"));

    const dry = await world.run(scheduler, { dry_run: true });
    assert.equal(dry.status, 200);
    const wrong = await world.run(scheduler, { scenarios: ["unheard_of"] });
    assert.equal(wrong.status, 400);
  });
});

Deno.test("the dispatcher's login can read and write no table, and use no sequence", async () => {
  await withLogin(async (world, url) => {
    const relations = await world.sql<{ name: string; kind: string }[]>`
      select format('%I.%I', n.nspname, c.relname) as name, c.relkind as kind
      from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ('public', 'scheduler') and c.relkind in ('r', 'p', 'v', 'm', 'S')
    `;
    assert.ok(relations.length > 25, `${relations.length} tables, views and sequences`);
    await asDispatcher(url, async (sql) => {
      for (const { name, kind } of relations) {
        const tried = kind === "S" ? [`select nextval('${name}')`] : [
          `select count(*) from ${name}`,
          `delete from ${name}`,
          `insert into ${name} default values`,
        ];
        for (const statement of tried) {
          assert.equal(await codeOfRunning(sql, statement), INSUFFICIENT_PRIVILEGE, statement);
        }
      }
      for (const schema of ["public", "scheduler"]) {
        const statement = `create table ${schema}.mine (id integer)`;
        assert.equal(await codeOfRunning(sql, statement), INSUFFICIENT_PRIVILEGE, statement);
      }
    });
  });
});

Deno.test("the dispatcher's login can call its entry points and nothing else of the project", async () => {
  await withLogin(async (world, url) => {
    const functions = await world.sql<{ name: string; call: string; schema: string }[]>`
      select p.proname as name, n.nspname as schema,
        format('select %I.%I(%s)', n.nspname, p.proname, (
          select string_agg('null::' || format_type(argument.type, null), ', ' order by argument.place)
          from unnest(p.proargtypes) with ordinality as argument (type, place)
        )) as call
      from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
      where n.nspname in ('public', 'scheduler') and p.prorettype <> 'trigger'::regtype
    `;
    assert.ok(functions.length > 40, `${functions.length} functions`);
    const allowed = functions.filter(({ schema, name }) =>
      schema === "public" && ENTRY_POINTS.includes(name)
    );
    assert.deepEqual(allowed.map(({ name }) => name).sort(), ENTRY_POINTS);
    await asDispatcher(url, async (sql) => {
      for (const { call } of functions.filter((one) => !allowed.includes(one))) {
        assert.equal(await codeOfRunning(sql, call), INSUFFICIENT_PRIVILEGE, call);
      }
      for (const { call } of allowed) {
        assert.notEqual(await codeOfRunning(sql, call), INSUFFICIENT_PRIVILEGE, call);
      }
    });
  });
});

Deno.test("the dispatcher's login is no other role, and can become none", async () => {
  await withLogin(async (world, url) => {
    const roles = await world.sql<{ name: string }[]>`
      select rolname as name from pg_roles where rolname <> ${ROLE} and rolname !~ '^pg_'
    `;
    const [self] = await world.sql`
      select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication as powerful
      from pg_roles where rolname = ${ROLE}
    `;
    assert.equal(self?.["powerful"], false);
    await asDispatcher(url, async (sql) => {
      for (const { name } of roles) {
        const code = await codeOfRunning(sql, `set local role "${name}"`);
        assert.equal(code, INSUFFICIENT_PRIVILEGE, name);
      }
    });
  });
});

async function asDispatcher(url: string, test: (sql: Sql) => Promise<void>): Promise<void> {
  const sql = connect(url);
  try {
    await test(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

/** The SQLSTATE of what it raises; what it does is taken back. */
async function codeOfRunning(sql: Sql, statement: string): Promise<string> {
  const takenBack = new Error("taken back");
  try {
    await sql.begin(async (tx) => {
      await tx.unsafe(statement);
      throw takenBack;
    });
  } catch (error) {
    return error === takenBack ? "done" : codeOf(error);
  }
  return "done";
}
