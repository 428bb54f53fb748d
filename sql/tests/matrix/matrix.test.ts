// Whoever there is tries whatever can be done with whatever there is: what comes of it
// is what expected.ts says. SHOW_MATRIX=1 prints each cell.

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { connect, type Sql } from "../../../scripts/server.ts";
import { loginUrl, report, type TestDatabase, testDatabase } from "../../../scripts/testing.ts";
import { type Caller, CALLERS, expectedOf, KNOWN, type Outcome, OUTCOMES } from "./expected.ts";
import { engage, HER, isHers, PEOPLE, person, WORLD } from "./her.ts";
import { Reach } from "./reach.ts";
import { CHANGED, readTrials, type Trial, WORKSHOP } from "./trials.ts";
import {
  type Answer,
  attempt,
  claims,
  keyOf,
  keysOf,
  type Refusal,
  type Row,
  type Table,
  type World,
  write,
} from "./world.ts";

const callers = Object.keys(CALLERS) as Caller[];

async function inWorld(test: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await testDatabase();
  try {
    await write(database.sql, WORLD);
    await engage(database.sql);
    await database.session("supabase_admin").unsafe(`
      create schema ${WORKSHOP};
      grant usage, create on schema ${WORKSHOP} to public;
    `);
    await test(database);
  } finally {
    await database.drop();
  }
}

/** How each caller comes: with which login, and as whom in it. */
function entranceOf(caller: Caller): { login: Parameters<typeof loginUrl>[1]; role?: string } {
  if (caller === "disp") return { login: "scheduler_dispatcher" };
  if (caller === "apil") return { login: "scheduler_api" };
  if (caller === "anon") return { login: "authenticator", role: "anon" };
  if (caller === "srvc") return { login: "authenticator", role: "service_role" };
  return { login: "authenticator", role: "authenticated" };
}

/** Lets each caller do something, and undoes it. A login is open no longer than it is needed. */
async function asEach(
  database: TestDatabase,
  work: (caller: Caller, session: Sql) => Promise<void>,
): Promise<void> {
  const entrances = callers.map((caller) => ({ caller, ...entranceOf(caller) }));
  for (const login of new Set(entrances.map((entrance) => entrance.login))) {
    const session = connect(loginUrl(database, login));
    try {
      for (const { caller, role } of entrances.filter((entrance) => entrance.login === login)) {
        await session.unsafe("begin");
        if (role) await session.unsafe(`set local role ${role}`);
        const said = PEOPLE[caller] ? claims(person(caller)) : JSON.stringify({ role });
        if (role) await session`select set_config('request.jwt.claims', ${said}, true)`;
        await work(caller, session);
        await session.unsafe("rollback");
      }
    } finally {
      await session.end();
    }
  }
}

/** How an attempt ended, as expected.ts writes it; what is not foreseen there as the error it is. */
function outcomeOf(answer: Answer | Refusal, trial?: Trial): string {
  if (!("error" in answer)) return trial ? trial.isHers(answer) ? "+" : "o" : String(answer.count);
  const { code, message, column_name } = answer.error;
  if (code === "42501") return message?.startsWith("permission denied") ? "x" : "-";
  const toldFromNone = code === "P0002" || (code === "22023" && column_name === "user_ids/0");
  return toldFromNone ? "o" : `${code} ${message}`;
}

/** The rows that a caller sees, of those tables that she may read at all. */
function rowsFor(caller: Caller): World | undefined {
  if (caller === "srvc") return WORLD;
  return PEOPLE[caller] ? new Reach(WORLD, person(caller)).rows() : undefined;
}

const titleOf = ({ schema, name, operation }: Trial) => `${schema}.${name} ${operation}`;

/** All outcomes, a line a trial. */
function render(trials: Trial[], cells: Map<Trial, Map<Caller, string>>): string {
  const width = Math.max(...trials.map((trial) => titleOf(trial).length)) + 2;
  return [
    ...Object.entries(OUTCOMES).map(([outcome, meaning]) => `${outcome}  ${meaning}`),
    "",
    `${" ".repeat(width)}${callers.join(" ")}`,
    ...trials.map((trial) =>
      titleOf(trial).padEnd(width) +
      callers.map((caller) => cells.get(trial)?.get(caller)?.padEnd(4)).join(" ").trimEnd()
    ),
  ].join("\n");
}

Deno.test("every table, view, sequence and function of public has its line in the matrix, and no line is there in vain", async () => {
  await inWorld(async ({ sql }) => {
    const trials = (await readTrials(sql)).filter((trial) => trial.schema === "public");
    const names = (kind: Trial["kind"]) =>
      [...new Set(trials.filter((trial) => trial.kind === kind).map((trial) => trial.name))].sort();
    deepStrictEqual(names("table"), [...KNOWN.relations].sort());
    deepStrictEqual(names("table"), Object.keys(WORLD).sort());
    deepStrictEqual(names("sequence"), [
      "activities_id_seq",
      "device_tokens_id_seq",
      "mentor_status_history_id_seq",
    ]);
    deepStrictEqual(names("function"), [...KNOWN.functions].sort());
  });
});

Deno.test("every table has a row of hers, and rows of others", () => {
  for (const [table, rows] of Object.entries(WORLD) as [Table, Row[]][]) {
    const hers = rows.filter((row) => isHers(table, row)).length;
    ok(hers > 0 && hers < rows.length, `${table}: ${hers} of ${rows.length}`);
  }
});

Deno.test("whoever there is may do what the matrix says, and nothing else", async () => {
  await inWorld(async (database) => {
    const trials = await readTrials(database.sql);
    const cells = new Map(trials.map((trial) => [trial, new Map<Caller, string>()]));
    const wrong: string[] = [];
    await asEach(database, async (caller, session) => {
      for (const trial of trials) {
        const outcome = outcomeOf(await attempt(session, trial.statement(person(caller))), trial);
        const expected = expectedOf(trial, caller);
        cells.get(trial)?.set(caller, outcome);
        if (outcome !== expected) {
          wrong.push(`${titleOf(trial)} by ${CALLERS[caller]}: ${outcome}, not ${expected}`);
        }
      }
    });
    if (Deno.env.get("SHOW_MATRIX")) console.log(render(trials, cells));
    deepStrictEqual(wrong, []);

    const outcomes = [...cells.values()].flatMap((line) => [...line.values()]);
    strictEqual(outcomes.length, callers.length * trials.length);
    const times = (...wanted: Outcome[]) =>
      outcomes.filter((outcome) => wanted.includes(outcome as Outcome)).length;
    const many = (schema: Trial["schema"], kind: Trial["kind"]) => {
      const tried = trials.filter((trial) => trial.schema === schema && trial.kind === kind);
      const names = new Set(tried.map((trial) => trial.name)).size;
      return kind === "function"
        ? `${names} functions`
        : `${tried.length} operations on ${names} ${kind}s`;
    };
    const parts = (["public", "scheduler"] as const).map((schema) =>
      `${schema}: ` +
      (["table", "sequence", "function"] as const).map((kind) => many(schema, kind)).join(" + ")
    );
    report(
      `matrix: ${callers.length} callers x (${parts.join(" + ")}) = ` +
        `${outcomes.length} cells, ${times("+")} allowed, ${times("o", "-", "x")} refused: ` +
        `${times("x")} without a privilege, ${times("-")} by policy or function, ` +
        `${times("o")} with nothing of hers`,
    );
  });
});

Deno.test("whoever is logged in sees the rows in her reach and changes her own, with no condition that narrows it", async () => {
  await inWorld(async (database) => {
    const keys = await keysOf(database.sql);
    const wrong: string[] = [];
    await asEach(database, async (caller, session) => {
      const visible = rowsFor(caller);
      for (const [table, rows] of Object.entries(visible ?? {}) as [Table, Row[]][]) {
        const key = keys.get(table) ?? [];
        const sorted = (some: Row[]) => some.map((row) => keyOf(row, key)).sort();
        const seen = await attempt(session, `select * from public.${table}`);
        deepStrictEqual(
          "error" in seen ? seen.error : sorted(seen.rows),
          sorted(rows),
          `${table} as seen by ${CALLERS[caller]}`,
        );
        // These read nothing, so that no policy for select holds them back.
        const changed = {
          update: await attempt(session, `update public.${table} set ${CHANGED[table]}`),
          delete: await attempt(session, `delete from public.${table}`),
        };
        const mayChange = caller === "srvc" ? ["update", "delete"] : [];
        if (table === "notification_preferences") mayChange.push("update");
        for (const [operation, answer] of Object.entries(changed)) {
          const expected = mayChange.includes(operation) ? String(rows.length) : "x";
          const outcome = outcomeOf(answer);
          if (outcome !== expected) {
            wrong.push(
              `${operation} of all ${table} by ${CALLERS[caller]}: ${outcome}, not ${expected}`,
            );
          }
        }
      }
    });
    deepStrictEqual(wrong, []);
  });
});

Deno.test("whoever is logged in sets her own preferences, and hands none over", async () => {
  await inWorld(async (database) => {
    const found: Partial<Record<Caller, string[]>> = {};
    const set = (whose: string, more = "") =>
      `insert into public.notification_preferences values ('${whose}', 'inactivity', false) ${more}`;
    await asEach(database, async (caller, session) => {
      if (!PEOPLE[caller] || caller === "self") return;
      const own = person(caller);
      const outcomes: string[] = [];
      for (
        const statement of [
          set(own),
          set(own, "on conflict (user_id, scenario_type) do update set push_enabled = false"),
          set(HER),
          set(HER, "on conflict do nothing"),
          set(HER, "on conflict (user_id, scenario_type) do update set push_enabled = false"),
          `with own as (${set(own, "returning user_id")})
           update public.notification_preferences set push_enabled = false where user_id = '${HER}'`,
        ]
      ) {
        outcomes.push(outcomeOf(await attempt(session, statement)));
      }
      await session.unsafe(set(own));
      const handing = `update public.notification_preferences set user_id = '${HER}'`;
      outcomes.push(outcomeOf(await attempt(session, handing)));
      found[caller] = outcomes;
    });
    strictEqual(Object.keys(found).length, Object.keys(PEOPLE).length - 1);
    for (const outcomes of Object.values(found)) {
      deepStrictEqual(outcomes, ["1", "1", "-", "-", "-", "0", "-"]);
    }
  });
});

Deno.test("were the schema scheduler opened by mistake, what lies in it would stay closed", async () => {
  await inWorld(async (database) => {
    await database.sql.unsafe(`
      grant usage on schema scheduler
      to anon, authenticated, service_role, scheduler_dispatcher, scheduler_api
    `);
    const trials = (await readTrials(database.sql)).filter((trial) => trial.schema === "scheduler");
    const open = new Set<string>();
    await asEach(database, async (caller, session) => {
      // One of those who are logged in stands for all: there is no row level security there.
      if (PEOPLE[caller] && caller !== "admn") return;
      for (const trial of trials) {
        const answer = await attempt(session, trial.statement(person(caller)));
        // Not even the owner writes to some views, and a strict function isn't called with null.
        const isNothing = "error" in answer
          ? ["42501", "55000", "0A000"].includes(answer.error["code"] ?? "")
          : trial.kind === "function" && answer.rows.every((row) => row[trial.name] === null);
        if (!isNothing) open.add(`${caller} ${trial.name}`);
      }
    });
    deepStrictEqual([...open].sort(), [
      "admn chapters_of_caller",
      "admn mentors_of_caller",
      "admn organisations_of_caller",
    ]);
  });
});
