// A PostgreSQL server of a fault's own, which it may take down, bring back, and
// leave without room on its disk.

import { dirname, join } from "node:path";
import { copyDatabase } from "../../../scripts/database.ts";
import { connect, embeddedBinaries, type Sql, startServer } from "../../../scripts/server.ts";
import { makeTemplate, pause, TEMPLATE, type TestDatabase } from "../../../scripts/testing.ts";
import { Stack } from "./stack.ts";

export interface OwnServer {
  /** A database with the migrations; the server ends with it. */
  database(): Promise<TestDatabase>;
  /** Stops at once, without a word to anybody: what was not on disk has to come from the log. */
  crash(): Promise<void>;
  /** Starts again what is down, and recovers. */
  start(): Promise<void>;
  /** Starts again, and goes down once more after so long, likely before it has recovered. */
  stumble(milliseconds: number): Promise<void>;
  /** Waits until it takes connections again, and these have noticed. */
  isBack(...sessions: Sql[]): Promise<void>;
  /** Whether its processes are there. */
  isUp(): Promise<boolean>;
  /** The same where it may have gone down by itself: then it is started. */
  comesBack(...sessions: Sql[]): Promise<void>;
  /** From now on its disk is one that can be filled. */
  moveToSmallDisk(): Promise<SmallDisk>;
  end(): Promise<void>;
}

export interface SmallDisk {
  /** What it is: not every machine gives one that can be mounted. */
  kind: "tmpfs" | "limit";
  /** Leaves so many bytes free, at most. */
  fill(leftBytes: number): Promise<void>;
  /** Makes room again, if there is none. */
  clear(): Promise<void>;
}

/** Room beyond what an empty server needs. */
const SPARE_BYTES = 300 * 1024 * 1024;

const DATABASE = "own";

// Stops the server, frees its disk and removes its folder when this program ends,
// SIGKILL included. In the background, since Deno kills its own child when it exits.
const GUARD = `
exec 3<&0
(
  trap '' INT TERM HUP
  folder=$1
  cat <&3 >/dev/null
  # By now the number may be somebody else's.
  is_up() {
    server=$(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null)
    [ -n "$server" ] && grep -qaF "$folder/data" "/proc/$server/cmdline" 2>/dev/null
  }
  for signal in INT QUIT; do
    is_up && kill -$signal "$server" 2>/dev/null
    for tenth in $(seq 100); do
      is_up || break
      sleep 0.1
    done
  done
  if [ -d "$folder/disk" ]; then umount "$folder/disk" || umount -l "$folder/disk"; fi
  rm -rf "$folder"
) >/dev/null 2>&1 &
wait
`;

async function command(name: string, args: string[], user: Partial<Deno.CommandOptions> = {}) {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    args,
    ...user,
    cwd: "/",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { success, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function must(name: string, args: string[], user: Partial<Deno.CommandOptions> = {}) {
  const { success, said } = await command(name, args, user);
  if (!success) throw new Error(`${name} ${args.join(" ")} failed:\n${said}`);
  return said;
}

async function startOwnServer(
  settings: Record<string, string | number> = {},
): Promise<OwnServer> {
  const folder = await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
  const guard = new Deno.Command("sh", {
    args: ["-c", GUARD, "guard", folder],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  // On each new connection the driver asks for the types of arrays, by itself: where the server goes
  // in that moment, nothing of ours can catch that this failed. What was asked is asked again.
  const forgive = (event: PromiseRejectionEvent) => {
    if (/\btyparray\b/.test(Object(event.reason).query ?? "")) event.preventDefault();
  };
  globalThis.addEventListener("unhandledrejection", forgive);
  const end = async () => {
    await guard.stdin.close().catch(() => {}); // ended already
    await guard.status;
    globalThis.removeEventListener("unhandledrejection", forgive);
  };
  try {
    const server = await startServer(embeddedBinaries(), { settings, keepIn: folder });
    await makeTemplate(server);
    return await own(folder, server, end);
  } catch (error) {
    await end();
    throw error;
  }
}

/** Whoever has lost the server looks for it often. */
const SOON = { backoff: () => 0.05 };

async function untilAnswered(sql: Sql): Promise<void> {
  for (const end = performance.now() + 30_000;; await pause(10)) {
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

async function stackOn<Extra>(
  server: OwnServer,
  extra: Extra,
  mend: (...sessions: Sql[]) => Promise<void>,
): Promise<Stack<Extra>> {
  try {
    return await Stack.make({ database: server.database(), losesServer: true, mend }, extra);
  } catch (error) {
    await server.end();
    throw error;
  }
}

/** A stack on a server of its own, which ends with it. */
export async function stackOnOwnServer(): Promise<Stack<OwnServer>> {
  const server = await startOwnServer();
  return await stackOn(server, server, server.comesBack);
}

/** The same with a disk that can be filled. */
export async function stackOnSmallDisk(): Promise<Stack<{ server: OwnServer; disk: SmallDisk }>> {
  // What the log may take is not to fill it by itself.
  const server = await startOwnServer({ max_wal_size: "64MB", min_wal_size: "32MB" });
  let disk: SmallDisk;
  try {
    disk = await server.moveToSmallDisk();
  } catch (error) {
    await server.end();
    throw error;
  }
  return await stackOn(server, { server, disk }, async (...sessions) => {
    await disk.clear();
    await server.comesBack(...sessions);
  });
}

async function own(
  folder: string,
  server: Awaited<ReturnType<typeof startServer>>,
  end: () => Promise<void>,
): Promise<OwnServer> {
  const data = join(folder, "data");
  const { uid, gid } = await Deno.stat(data);
  const user = Deno.uid() === 0 ? { uid: uid ?? undefined, gid: gid ?? undefined } : {};
  // How it was started stands in its folder.
  const started = await Deno.readTextFile(join(data, "postmaster.opts"));
  const pgCtl = join(dirname(started.split(' "')[0] ?? ""), "pg_ctl");
  const control = (...args: string[]) =>
    must(
      pgCtl,
      [...args, `--pgdata=${data}`, `--log=${join(folder, "server.log")}`],
      user,
    );
  const stop = (how: "immediate" | "fast") => control("stop", "--wait", `--mode=${how}`);
  // It is down: pg_ctl says so, and starts it as it was started before.
  const start = async () => void await control("restart", "--wait");

  const log = async () => (await Deno.readTextFile(join(folder, "server.log"))).slice(-2000);

  const self: OwnServer = {
    async database() {
      const url = await copyDatabase(server, TEMPLATE, DATABASE);
      const sessions: Sql[] = [];
      const session = (role: "postgres" | "supabase_admin" = "postgres") => {
        const sql = connect(server.url(DATABASE, role), SOON);
        sessions.push(sql);
        return sql;
      };
      return {
        url,
        adminUrl: server.url(DATABASE, "supabase_admin"),
        sql: session(),
        session,
        async drop() {
          await Promise.allSettled(sessions.map((sql) => sql.end({ timeout: 1 })));
          await end();
        },
      };
    },
    async stumble(milliseconds) {
      await control("restart", "--no-wait");
      while (await postmaster(data) === undefined) await pause(1);
      await pause(milliseconds);
      await stop("immediate");
    },
    crash: async () => void await stop("immediate"),
    start,
    async isBack(...sessions) {
      const fresh = connect(server.url("template1", "supabase_admin"), SOON);
      try {
        for (const sql of [fresh, ...sessions]) await untilAnswered(sql);
      } finally {
        await fresh.end({ timeout: 1 });
      }
    },
    async comesBack(...sessions) {
      const end = performance.now() + 60_000;
      for (let isBack = false; !isBack; await pause(100)) {
        if (performance.now() > end) {
          throw new Error(`The server does not come back: ${await log()}`);
        }
        // One that is about to go down may be there for a moment yet.
        if (!await self.isUp()) await start();
        isBack = await Promise.race([self.isBack().then(() => true, () => false), pause(2000)]) ??
          false;
      }
      await self.isBack(...sessions);
    },
    isUp: async () => (await command(pgCtl, ["status", `--pgdata=${data}`], user)).success,
    async moveToSmallDisk() {
      const mounted = Deno.uid() === 0 && await mountFor(folder, data, () => stop("fast"));
      if (!mounted) return limited(() => postmaster(data), user);
      await start();
      return tmpfs(join(folder, "disk"));
    },
    end,
  };
  return self;
}

/** Moves a server's data to a tmpfs; false where this machine lets nobody mount one. */
async function mountFor(folder: string, data: string, stop: () => Promise<unknown>) {
  const disk = join(folder, "disk");
  await Deno.mkdir(disk);
  const used = Number((await must("du", ["-sk", data])).split("\t")[0]) * 1024;
  const options = `size=${used + SPARE_BYTES},mode=755`;
  const { success } = await command("mount", ["-t", "tmpfs", "-o", options, "tmpfs", disk]);
  if (!success) return false;
  await stop();
  await must("mv", [data, join(disk, "data")]);
  await Deno.symlink(join(disk, "data"), data);
  return true;
}

function tmpfs(disk: string): SmallDisk {
  const ballast = join(disk, "ballast");
  return {
    kind: "tmpfs",
    async fill(leftBytes) {
      using file = await Deno.open(ballast, { write: true, create: true });
      const block = new Uint8Array(64 * 1024);
      let size = 0;
      try {
        while (true) size += await file.write(block);
      } catch (error) {
        if (!/os error 28/.test(String(error))) throw error; // no space left on device
      }
      await file.truncate(Math.max(0, size - leftBytes));
    },
    async clear() {
      try {
        await Deno.remove(ballast);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

async function postmaster(data: string): Promise<number | undefined> {
  const text = await Deno.readTextFile(join(data, "postmaster.pid")).catch(() => "");
  return Number(text.split("\n")[0]) || undefined;
}

/** No file may grow, which to PostgreSQL is a full disk; its log is what feels it first. */
function limited(
  find: () => Promise<number | undefined>,
  user: Partial<Deno.CommandOptions>,
): SmallDisk {
  const limit = async (bytes: number | "") => {
    const parent = await find();
    if (parent === undefined) return; // down already
    const limitOne = async (pid: string | number) => {
      const args = [`--pid=${pid}`, `--fsize=${bytes || "unlimited"}:`];
      const { success, said } = await command("prlimit", args, user);
      // One that has ended meanwhile writes nothing more either.
      const isThere = await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
      if (!success && isThere) throw new Error(`The server's files could not be limited: ${said}`);
    };
    // The parent first: whom it begins meanwhile has what it has.
    await limitOne(parent);
    const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
    for (const pid of children.trim().split(" ")) await limitOne(pid);
  };
  return { kind: "limit", fill: () => limit(1), clear: () => limit("") };
}
