// make test: pgTAP on PostgreSQL 15 and 17, then the tests in TypeScript.
// Ends with a line "N passed, N failed".

import { ROOT } from "./database.ts";
import { pgtapScript } from "./pgtap.ts";
import {
  type Binaries,
  embeddedBinaries,
  type Server,
  startServer,
  systemBinaries,
} from "./server.ts";
import { onInterrupt, step } from "./terminal.ts";
import {
  type Address,
  ADDRESS_VARIABLE,
  FIGURES_VARIABLE,
  makeTemplate,
  TEMPLATE,
} from "./testing.ts";

interface Count {
  passed: number;
  failed: number;
}

async function testFiles(folder: string, ending: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await testFiles(path, ending));
    else if (entry.name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

async function runPgtap(server: Server): Promise<Count> {
  const files = await testFiles("sql/tests", ".test.sql");
  const { success, stdout, stderr } = await new Deno.Command("pg_prove", {
    args: ["--verbose", "--norc", ...files],
    cwd: ROOT,
    env: {
      PGHOST: "127.0.0.1",
      PGPORT: String(server.port),
      PGUSER: "postgres",
      PGPASSWORD: server.password,
      PGDATABASE: TEMPLATE,
      PGOPTIONS: "-c search_path=public,extensions -c client_min_messages=error",
    },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const passed = (output.match(/^ok \d+/gm) ?? []).length;
  const notOk = (output.match(/^not ok \d+/gm) ?? []).length;
  // A file that dies or runs another number of tests than it planned fails without a "not ok".
  const failed = success ? notOk : Math.max(notOk, 1);
  if (failed > 0 || passed === 0) {
    console.log(output.split("\n").filter((line) => !/^ok \d+/.test(line)).join("\n"));
  }
  console.log(`    pgTAP on ${server.name}: ${passed} passed, ${failed} failed`);
  return { passed, failed: passed === 0 ? Math.max(failed, 1) : failed };
}

async function runDeno(address: Address, files: string[]): Promise<Count> {
  const figures = await Deno.makeTempFile();
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--allow-all", "--parallel", ...files],
    cwd: ROOT,
    env: {
      [ADDRESS_VARIABLE]: JSON.stringify(address),
      [FIGURES_VARIABLE]: figures,
      DENO_JOBS: "2",
      NO_COLOR: "1",
    },
    stdout: "piped",
    stderr: "inherit",
  }).output();
  const output = new TextDecoder().decode(stdout);
  console.log(output);
  console.log((await Deno.readTextFile(figures)).replaceAll(/^/gm, "    ").trimEnd());
  await Deno.remove(figures);
  const summary = output.match(/(\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/);
  const passed = Number(summary?.[1] ?? 0);
  const failed = Number(summary?.[2] ?? 0);
  return { passed, failed: code === 0 && passed > 0 ? failed : Math.max(failed, 1) };
}

const servers: Server[] = [];
const stopAll = async () => {
  await Promise.all(servers.map((server) => server.stop()));
};
onInterrupt(stopAll);

async function start(binaries: Binaries, settings: Record<string, string>): Promise<Server> {
  return await step(`${binaries.name}, with the migrations applied`, async () => {
    const server = await startServer(binaries, { settings });
    servers.push(server);
    await makeTemplate(server, await pgtapScript());
    return server;
  });
}

const total: Count = { passed: 0, failed: 0 };
const add = ({ passed, failed }: Count) => {
  total.passed += passed;
  total.failed += failed;
};

try {
  const system = await start(systemBinaries(), {
    shared_preload_libraries: "pg_cron,plpgsql_check",
    "cron.database_name": "scheduled",
    // Jobs in workers of the server, which need no password to connect.
    "cron.use_background_workers": "on",
  });
  const embedded = await start(embeddedBinaries(), {});

  // Files of one server run one after the other: they share its default settings.
  for (const count of await Promise.all([runPgtap(system), runPgtap(embedded)])) add(count);
  add(
    await runDeno(system, [
      ...await testFiles("sql/tests", ".test.ts"),
      ...await testFiles("scripts", ".test.ts"),
      ...await testFiles("edge", ".test.ts"),
    ]),
  );
} finally {
  await stopAll();
}

console.log(`\n${total.passed} passed, ${total.failed} failed`);
Deno.exit(total.failed > 0 ? 1 : 0);
