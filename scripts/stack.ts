// make up, make down, make psql: a database that stays, for play.

import { applyMigrations, createDatabase, ROOT } from "./database.ts";
import { API_LOGIN, DISPATCHER_LOGIN, newPassword } from "./logins.ts";
import { connect, embeddedBinaries, keptFolder, startServer, stopServer } from "./server.ts";
import { onInterrupt, step, table } from "./terminal.ts";

const NOTE = `${ROOT}.local/stack.json`;

export interface Stack {
  folder: string;
  url: string;
  /** The ways in for the functions, as narrow as a project has them. */
  dispatcherUrl: string;
  apiUrl: string;
}

/** The database that `make up` keeps, if it is up. */
export async function current(): Promise<Stack | undefined> {
  try {
    const stack: Stack = JSON.parse(await Deno.readTextFile(NOTE));
    const sql = connect(stack.url);
    await sql`select 1`.finally(() => sql.end({ timeout: 1 }));
    return stack;
  } catch {
    return undefined;
  }
}

async function forget(): Promise<boolean> {
  const noted = await Deno.readTextFile(NOTE).catch(() => undefined);
  if (!noted) return false;
  await stopServer((JSON.parse(noted) as Stack).folder);
  await Deno.remove(NOTE);
  return true;
}

async function up(): Promise<void> {
  const running = await current();
  if (running) {
    console.log(`Up already:\n\n  ${running.url}\n\nmake psql opens it, make down removes it.`);
    return;
  }
  await forget();
  await Deno.mkdir(`${ROOT}.local`, { recursive: true });
  const folder = await keptFolder(`${ROOT}.local/server`);
  const server = await step(
    "PostgreSQL 17 started",
    () => startServer(embeddedBinaries(), { keepIn: folder }),
  );
  const url = server.url("app");
  onInterrupt(() => stopServer(folder));
  try {
    await createDatabase(server, "app");
    await step("migrations applied by the Supabase CLI", () => applyMigrations(url));
    const sql = connect(url);
    await step(
      "a world of 3 organisations, their staff and 500 mentors, without quiet hours",
      async () => {
        await sql.unsafe(await Deno.readTextFile(`${ROOT}sql/local/world.sql`));
        // So that one can play at any hour.
        await sql`update scheduler.organisation_settings set quiet_start = null, quiet_end = null`;
      },
    );
    const stack: Stack = {
      folder,
      url,
      dispatcherUrl: await newPassword(sql, url, DISPATCHER_LOGIN),
      apiUrl: await newPassword(sql, url, API_LOGIN),
    };
    await sql.end();
    await Deno.writeTextFile(NOTE, JSON.stringify(stack), { mode: 0o600 });
  } catch (error) {
    await stopServer(folder);
    throw error;
  }
  console.log(`\n  ${url}\n\nmake psql opens it, make down removes it.`);
}

async function down(): Promise<void> {
  console.log(await forget() ? "Stopped and removed." : "Nothing is up.");
}

async function psql(): Promise<void> {
  const stack = await current();
  if (!stack) {
    console.error("Nothing is up. Start it with: make up");
    Deno.exit(1);
  }
  Deno.addSignalListener("SIGINT", () => {}); // Ctrl-C is psql's, to cancel a query
  try {
    const { code } = await new Deno.Command("psql", {
      args: [stack.url],
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    Deno.exit(code);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await promptLoop(stack.url);
  }
}

/** For machines without psql: a statement a line. */
async function promptLoop(url: string): Promise<void> {
  console.log("psql is not installed here; this takes a statement a line. An empty line ends it.");
  const sql = connect(url, { onnotice: (notice) => console.log(`NOTICE:  ${notice.message}`) });
  for (let line = prompt("app=>"); line; line = prompt("app=>")) {
    try {
      console.log(table(await sql.unsafe(line), ""));
    } catch (error) {
      console.log(error instanceof Error ? `ERROR:  ${error.message}` : error);
    }
  }
  await sql.end();
}

if (import.meta.main) {
  const commands: Record<string, () => Promise<void>> = { up, down, psql };
  const command = commands[Deno.args[0] ?? ""];
  if (!command) {
    console.error(
      `Unknown command "${Deno.args[0] ?? ""}". One of: ${Object.keys(commands).join(", ")}.`,
    );
    Deno.exit(2);
  }
  await command();
}
