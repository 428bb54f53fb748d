// make fuzz [SEED=…] [STATEMENTS=…]: what sqlsmith thinks of, shared among everybody who may enter
// the database, half of it on PostgreSQL 15 and half on 17. Ends badly for a crash, an internal
// error or a row out of reach. SEED repeats a run as far as the machine is as fast: what takes
// 200 ms fails, and sqlsmith learns from what failed.

import { CALLERS, findSqlsmith, prepare, type Round, runRound } from "../sql/tests/fuzz/fuzz.ts";
import { applyMigrations, createDatabase } from "./database.ts";
import {
  type Binaries,
  connect,
  embeddedBinaries,
  type Server,
  startServer,
  systemBinaries,
} from "./server.ts";
import { orRefuse } from "./given.ts";
import { givenSeed } from "./random.ts";
import { onInterrupt, table } from "./terminal.ts";

/** For a statement at most, to be thought of, cut short and looked through, on a machine that has other work. */
const SECONDS_A_STATEMENT = 0.3;

const DATABASE = "fuzzed";

const count = (figure: number) => figure.toLocaleString("en");

function givenStatements(): number {
  const given = Number(Deno.env.get("STATEMENTS") || 20_000);
  if (Number.isSafeInteger(given) && given > 0) return given;
  throw new Error(
    `STATEMENTS is ${Deno.env.get("STATEMENTS")}, and must be a whole number above 0.`,
  );
}

const seed = orRefuse(givenSeed);
const statements = orRefuse(givenStatements);
const BINARIES = [systemBinaries(), embeddedBinaries()];
/** Of each caller on each server. */
const share = Math.ceil(statements / CALLERS.length / BINARIES.length);

const servers: Server[] = [];
const stopAll = async () => {
  await Promise.all(servers.map((server) => server.stop()));
};
onInterrupt(stopAll);

/** What the server's own log tells of a crash. */
async function crashesOf(server: Server): Promise<string[]> {
  const log = await Deno.readTextFile(`${server.folder}/server.log`);
  return log.split("\n").filter((line) =>
    /PANIC|terminated by signal|TRAP:|all server processes terminated|automatic recovery/.test(line)
  );
}

async function fuzz(
  binaries: Binaries,
  first: number,
): Promise<{ rounds: Round[]; crashes: string[] }> {
  const server = await startServer(binaries);
  servers.push(server);
  await applyMigrations(await createDatabase(server, DATABASE));
  const admin = connect(server.url(DATABASE, "supabase_admin"));
  for (const login of ["scheduler_dispatcher", "scheduler_api", "authenticator"]) {
    await admin.unsafe(`alter role ${login} password '${server.password}'`);
  }
  const aviary = await prepare(admin);
  await admin.end();
  const rounds: Round[] = [];
  for (const [position, caller] of CALLERS.entries()) {
    rounds.push(
      await runRound({
        server,
        database: DATABASE,
        aviary,
        caller,
        seed: first + position,
        statements: share,
        seconds: 30 + share * SECONDS_A_STATEMENT,
      }),
    );
  }
  return { rounds, crashes: await crashesOf(server) };
}

await findSqlsmith();
console.log(
  `${
    count(statements)
  } statements, shared among ${CALLERS.length} callers on ${BINARIES.length} servers: ` +
    `${count(share)} each. SEED=${seed} STATEMENTS=${statements}\n`,
);
let bad = 0;
try {
  const results = await Promise.all(
    BINARIES.map((each, position) => fuzz(each, seed + position * CALLERS.length)),
  );
  for (const [position, { rounds, crashes }] of results.entries()) {
    console.log(`${BINARIES[position]?.name}, ${crashes.length} crashes`);
    const figures = rounds.map((round) => ({
      caller: round.caller.name,
      seed: round.seed,
      statements: round.statements,
      succeeded: round.succeeded,
      rows: round.rows,
      "its own": round.own,
      notices: round.notices,
      seconds: Math.round(round.seconds),
    }));
    const sum = (of: "statements" | "succeeded" | "rows" | "its own" | "notices" | "seconds") =>
      figures.reduce((total, round) => total + round[of], 0);
    const all = {
      statements: sum("statements"),
      succeeded: sum("succeeded"),
      rows: sum("rows"),
      "its own": sum("its own"),
      notices: sum("notices"),
      seconds: sum("seconds"),
    };
    console.log(table([...figures, { caller: "all", ...all }]));
    const byCode = new Map<string, number>();
    for (const round of rounds) {
      for (const [code, times] of round.byCode) byCode.set(code, (byCode.get(code) ?? 0) + times);
    }
    const codes = [...byCode].sort(([, a], [, b]) => b - a);
    console.log(`    errors: ${codes.map(([code, times]) => `${times} x ${code}`).join(", ")}\n`);
    const platforms = rounds.flatMap((round) => round.platforms);
    if (platforms.length > 0) {
      console.log(`    PostgreSQL's own, in no function of ours: ${platforms.join("; ")}\n`);
    }
    const complaints = [
      ...crashes,
      ...rounds.flatMap((round) =>
        round.complaints.map((complaint) =>
          `${round.caller.name}, seed ${round.seed}: ${complaint}`
        )
      ),
    ];
    bad += complaints.length;
    for (const complaint of complaints) console.log(`${complaint}\n`);
  }
} finally {
  await stopAll();
}
console.log(`${bad === 0 ? "Nothing" : bad} to complain of. SEED=${seed}`);
Deno.exit(bad === 0 ? 0 : 1);
