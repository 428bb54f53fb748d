// A database for a test: a copy of one that has the migrations. The servers
// come from make test; a test file run alone starts one of its own.

import { applyMigrations, copyDatabase, createDatabase, ROOT } from "./database.ts";
import { connect, embeddedBinaries, type Server, type Sql, startServer } from "./server.ts";

export { choicesBy, givenSeed, randomFrom } from "./random.ts";

export const TEMPLATE = "scenario_scheduler";

/** Makes the database that tests copy: migrations, the tests' helpers, pgTAP where it is known. */
export async function makeTemplate(server: Server, pgtap?: string): Promise<void> {
  const url = await createDatabase(server, TEMPLATE);
  await applyMigrations(url);
  const admin = connect(server.url(TEMPLATE, "supabase_admin"));
  try {
    await admin.unsafe(await Deno.readTextFile(`${ROOT}sql/tests/helpers.sql`));
    await admin`grant usage on schema tests to public`;
    if (pgtap) await admin.unsafe(`set search_path = extensions; ${pgtap}`);
    // Logins belong to the whole server: all tests use these, and none changes them.
    for (const login of LOGINS) {
      await admin.unsafe(`alter role ${login} password '${server.password}'`);
    }
  } finally {
    await admin.end();
  }
}

const LOGINS = ["scheduler_dispatcher", "scheduler_api", "authenticator"] as const;

/** The way into a test's database with a login of the project, or the platform's for people. */
export function loginUrl(
  database: Pick<TestDatabase, "url">,
  login: typeof LOGINS[number],
): string {
  const url = new URL(database.url);
  url.username = login;
  return url.href;
}

/** A server's address, as make test hands it to the test files. */
export type Address = Pick<Server, "name" | "folder" | "port" | "password">;

export function serverAt(address: Address): Server {
  return {
    ...address,
    url: (database, role = "postgres") =>
      `postgresql://${role}:${address.password}@127.0.0.1:${address.port}/${database}`,
    stop: () => Promise.resolve(),
  };
}

export const ADDRESS_VARIABLE = "SCENARIO_SCHEDULER_TEST_SERVER";

export const FIGURES_VARIABLE = "SCENARIO_SCHEDULER_TEST_FIGURES";

/** Says a figure or a seed that whoever runs the tests should see, though the test passes. */
export function report(line: string): void {
  const file = Deno.env.get(FIGURES_VARIABLE);
  if (file) Deno.writeTextFileSync(file, `${line}\n`, { append: true });
  else console.log(line);
}

async function findServer(): Promise<Server> {
  const address = Deno.env.get(ADDRESS_VARIABLE);
  if (address) return serverAt(JSON.parse(address));
  const own = await startServer(embeddedBinaries());
  await makeTemplate(own);
  return own;
}

export const server: Server = await findServer();

export interface TestDatabase {
  url: string;
  adminUrl: string;
  /** One connection as the owner, postgres. */
  sql: Sql;
  /** One more connection of its own, as the owner or the superuser. */
  session(role?: "postgres" | "supabase_admin"): Sql;
  drop(): Promise<void>;
}

/** A database of its own for a test, to be dropped by it. */
export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  const url = await copyDatabase(server, TEMPLATE, name);
  const sessions: Sql[] = [];
  const session = (role: "postgres" | "supabase_admin" = "postgres") => {
    const sql = connect(server.url(name, role));
    sessions.push(sql);
    return sql;
  };
  return {
    url,
    adminUrl: server.url(name, "supabase_admin"),
    sql: session(),
    session,
    async drop() {
      for (const sql of sessions) await sql.end({ timeout: 2 });
      const admin = connect(server.url("template1", "supabase_admin"));
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

export const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** A test that needs a database of its own, which is dropped after it. */
export async function inDatabase(test: (database: TestDatabase) => Promise<void>): Promise<void> {
  const database = await testDatabase();
  try {
    await test(database);
  } finally {
    await database.drop();
  }
}

/** The SQLSTATE of a database error, else its text. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** What each lock is of that somebody in the database waits for, as soon as somebody does. */
export async function waitedFor(admin: Sql): Promise<string[]> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const rows = await admin<{ locktype: string }[]>`
      select locktype from pg_locks
      where not granted and pid in (select pid from pg_stat_activity where datname = current_database())
    `;
    if (rows.length > 0) return rows.map(({ locktype }) => locktype);
    await pause(10);
  }
  throw new Error("nobody waits for a lock");
}
