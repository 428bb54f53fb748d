// make check: everything that can be said of the code without a test.

import {
  applyMigrations,
  createDatabase,
  functionFiles,
  migrationFiles,
  ROOT,
  supabase,
} from "./database.ts";
import { findDrift } from "./functions.ts";
import { connect, type Server, startServer, systemBinaries } from "./server.ts";
import { onInterrupt } from "./terminal.ts";
import { renderTypes, TYPES } from "./types.ts";

let server: Server | undefined;
onInterrupt(async () => await server?.stop());

/** Resolves to what is wrong; an empty text means nothing. */
type Check = () => Promise<string>;

async function command(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return success ? "" : decoder.decode(stdout) + decoder.decode(stderr);
}

const deno = (...args: string[]): Check => () => command(Deno.execPath(), args);

const squawk: Check = async () => {
  const files = (await migrationFiles()).map(({ name }) => `sql/migrations/${name}`);
  return await command("node_modules/.bin/squawk", files);
};

const drift: Check = async () => {
  const sql = connect(url());
  const { changed, dropped, misnamed } = await findDrift(sql, await functionFiles());
  await sql.end();
  return [
    ...changed.map((f) => `sql/functions/${f.name}.sql is not what the migrations make.`),
    ...dropped.map((signature) =>
      `${signature} is not what its file in sql/functions makes, or has none.`
    ),
    ...misnamed.map((name) =>
      `sql/functions/${name}.sql must hold one function, named like the file.`
    ),
    ...(changed.length + dropped.length > 0 ? ["Run: make migration NAME=what_changed"] : []),
  ].join("\n");
};

/** Folders of the Edge Functions, each with its own deno.json. */
const DEPLOYED = ["edge/dispatch", "edge/api"];

/** An Edge Function is deployed with its own files and npm packages, and nothing else. */
const imports = (folder: string): Check => async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", `${folder}/deno.json`, `${folder}/index.ts`],
    cwd: ROOT,
  }).output();
  const graph: { modules: { specifier: string; error?: string }[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  return graph.modules
    .filter(({ specifier, error }) =>
      error || !(specifier.startsWith(`file://${ROOT}edge/`) || specifier.startsWith("npm:"))
    )
    .map(({ specifier, error }) => error ?? specifier)
    .join("\n");
};

const types: Check = async () =>
  await renderTypes(url()) === await Deno.readTextFile(`${ROOT}${TYPES}`)
    ? ""
    : `${TYPES} is not what the migrations make. Run: make types`;

/** PostgreSQL's own look at the bodies of SQL functions, which the migrations put off. */
const sqlBodies: Check = async () => {
  const sql = connect(url());
  await sql`set check_function_bodies = on`;
  const functions = await sql<{ name: string; definition: string }[]>`
    select p.oid::regprocedure::text as name, pg_get_functiondef(p.oid) as definition
    from pg_proc as p
    join pg_language as l on l.oid = p.prolang and l.lanname = 'sql'
    where p.pronamespace in ('scheduler'::regnamespace, 'public'::regnamespace)
  `;
  const wrong: string[] = [];
  for (const { name, definition } of functions) {
    await sql.unsafe(definition).catch((error) => wrong.push(`${name}: ${error.message}`));
  }
  await sql.end();
  return functions.length === 0 ? "There is no SQL function to look at." : wrong.join("\n");
};

// Conditions are SQL by design, given by the owner of the database; only the
// owner may call these, so plpgsql_check's warning of injection is no finding.
const TAKES_SQL = "check_condition fold_roster create_source_fold";

const plpgsqlCheck: Check = async () => {
  const admin = connect(server?.url(DATABASE, "supabase_admin") ?? "");
  const findings = await admin<{ finding: string }[]>`
    select p.oid::regprocedure || ': ' || found.message || coalesce(' (' || found.detail || ')', '') as finding
    from pg_proc as p
    join pg_language as language on language.oid = p.prolang and language.lanname = 'plpgsql'
    left join lateral (
      select t.tgrelid, t.tgoldtable, t.tgnewtable
      from pg_trigger as t
      where t.tgfoid = p.oid
      order by (t.tgoldtable is not null)::int + (t.tgnewtable is not null)::int desc
      limit 1
    ) as fired on true
    cross join lateral extensions.plpgsql_check_function_tb(
      p.oid,
      relid => coalesce(fired.tgrelid, 0),
      fatal_errors => false,
      other_warnings => true,
      extra_warnings => true,
      performance_warnings => false,
      security_warnings => p.proname <> all (string_to_array(${TAKES_SQL}, ' ')),
      oldtable => case when fired.tgrelid is not null then 'old_rows' end,
      newtable => case when fired.tgrelid is not null then 'new_rows' end
    ) as found
    where p.pronamespace in ('scheduler'::regnamespace, 'public'::regnamespace)
  `;
  const [checked] = await admin<{ count: number }[]>`
    select count(*)::int from pg_proc as p join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
    where p.pronamespace = 'scheduler'::regnamespace
  `;
  await admin.end();
  if (!checked?.count) return "plpgsql_check found no function to look at.";
  return findings.map(({ finding }) => finding).join("\n");
};

const lint: Check = async () => {
  const { success, output } = await supabase([
    "db",
    "lint",
    `--remote=${url()}`,
    "--schema=public,scheduler",
    "--level=warning",
    "--fail-on=warning",
  ]);
  return success ? "" : output;
};

const advisors: Check = async () => {
  const { success, output } = await supabase([
    "db",
    "advisors",
    `--remote=${url()}`,
    "--level=info",
  ]);
  if (success && output.includes("No issues found")) return "";
  const json = output.slice(output.indexOf("[\n"), output.lastIndexOf("]") + 1);
  const findings: { name: string; detail: string }[] = JSON.parse(json);
  return findings
    // In a database that nobody has used yet, no index was.
    .filter(({ name }) => name !== "unused_index")
    .map(({ name, detail }) => `${name}: ${detail}`)
    .join("\n");
};

const DATABASE = "checked";
const url = () => server?.url(DATABASE) ?? "";

const CHECKS: [string, Check][] = [
  ["deno fmt", deno("fmt", "--check", "--quiet")],
  ["deno lint", deno("lint", "--quiet")],
  ["deno check", deno("check", "--quiet", "bench/", "edge/", "scripts/", "sql/")],
  ...DEPLOYED.flatMap((folder): [string, Check][] => [
    [
      `deno check of ${folder} as it is deployed`,
      deno("check", "--quiet", "--config", `${folder}/deno.json`, `${folder}/index.ts`),
    ],
    [`${folder} imports nothing but npm packages`, imports(folder)],
  ]),
  ["squawk on the migrations", squawk],
  ["migrations and sql/functions agree", drift],
  ["types of the database are current", types],
  ["bodies of SQL functions", sqlBodies],
  ["plpgsql_check on every PL/pgSQL function", plpgsqlCheck],
  ["supabase db lint", lint],
  ["supabase db advisors", advisors],
];

let failed = 0;
try {
  server = await startServer(systemBinaries(), {
    settings: { shared_preload_libraries: "plpgsql_check" },
  });
  await createDatabase(server, DATABASE);
  await applyMigrations(url());
  const admin = connect(server.url(DATABASE, "supabase_admin"));
  await admin`create extension plpgsql_check with schema extensions`;
  await admin.end();

  for (const [name, check] of CHECKS) {
    const wrong = await check().catch((error) => String(error));
    console.log(`  ${wrong ? "✗" : "✓"} ${name}`);
    if (wrong) {
      failed++;
      console.log(wrong.trimEnd().replaceAll(/^/gm, "      "));
    }
  }
} finally {
  await server?.stop();
}
if (failed > 0) {
  console.log(`\n${failed} of ${CHECKS.length} checks failed.`);
  Deno.exit(1);
}
