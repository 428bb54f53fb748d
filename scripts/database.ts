// Databases as a Supabase project has them: its roles and schemas, then the
// project's migrations through the Supabase CLI, as users apply them.

import { fileURLToPath } from "node:url";
import { connect, type Server, type Sql } from "./server.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(`../${path}`, import.meta.url));
}

interface PlatformExtension {
  extension: string;
  standIn: string;
  /** The setting that names the one database which the extension's worker serves. */
  serves?: string;
  /** What the platform grants where the extension itself does not. */
  grants: string;
}

const PLATFORM_EXTENSIONS: PlatformExtension[] = [
  {
    extension: "pg_net",
    standIn: "sql/local/net.sql",
    serves: "pg_net.database_name",
    grants: "grant usage on schema net to postgres, anon, authenticated, service_role",
  },
  {
    extension: "supabase_vault",
    standIn: "sql/local/vault.sql",
    grants: `
      grant usage on schema vault to postgres with grant option;
      grant select, delete, truncate, references on vault.secrets, vault.decrypted_secrets
        to postgres with grant option;
      grant execute on all functions in schema vault to postgres with grant option;
      grant usage on schema vault to service_role;
      grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
      grant execute on all functions in schema vault to service_role;
    `,
  },
  {
    extension: "pg_cron",
    standIn: "sql/local/cron.sql",
    serves: "cron.database_name",
    grants: `
      grant usage on schema cron to postgres with grant option;
      grant all on all tables in schema cron to postgres with grant option;
      grant all on all sequences in schema cron to postgres with grant option;
      grant all on all functions in schema cron to postgres with grant option;
      revoke all on cron.job from postgres;
      grant select on cron.job to postgres with grant option;
    `,
  },
];

/** The real extension where this database can have it, else its stand-in. */
async function provide(inside: Sql, wanted: PlatformExtension): Promise<void> {
  const [real] = await inside`
    select from pg_available_extensions
    where name = ${wanted.extension}
      and name = any (string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ','))
      and (
        ${wanted.serves ?? null}::text is null
        or current_setting(${wanted.serves ?? null}::text, true) = current_database()
      )
  `;
  if (real) await inside.unsafe(`create extension ${wanted.extension}; ${wanted.grants}`);
  else await inside.unsafe(await read(wanted.standIn));
}

/**
 * A database without the project in it. Old projects grant all that is new in
 * public to everybody; a bare one has neither pg_net, Vault nor pg_cron.
 */
export async function createDatabase(
  server: Server,
  name: string,
  options: { openDefaults?: boolean; bare?: boolean } = {},
): Promise<string> {
  const admin = connect(server.url("template1", "supabase_admin"));
  try {
    // The name is the caller's own constant.
    await admin.unsafe(`create database ${name} template template0`);
    const inside = connect(server.url(name, "supabase_admin"));
    try {
      await inside.unsafe(await read("sql/local/supabase.sql"));
      await inside.unsafe(`
        alter role postgres password '${server.password}';
        alter database ${name} owner to postgres;
        alter database ${name} set pgrst.db_schemas = 'public';
        alter database ${name} set search_path = public, extensions;
      `);
      if (!options.bare) {
        for (const wanted of PLATFORM_EXTENSIONS) await provide(inside, wanted);
      }
      if (options.openDefaults) await inside.unsafe(await read("sql/local/open_defaults.sql"));
    } finally {
      await inside.end();
    }
  } finally {
    await admin.end();
  }
  return server.url(name);
}

export async function copyDatabase(server: Server, from: string, to: string): Promise<string> {
  const admin = connect(server.url("template1", "supabase_admin"));
  try {
    await admin.unsafe(`create database ${to} template ${from} owner postgres`);
    await admin.unsafe(`alter database ${to} set search_path = public, extensions`);
  } finally {
    await admin.end();
  }
  const inside = connect(server.url(to, "supabase_admin"));
  try {
    const [cron] = await inside`select from pg_tables where schemaname = 'cron'`;
    // A job names its database, and the copied ones name the template.
    if (cron) await inside`update cron.job set database = current_database()`;
  } finally {
    await inside.end();
  }
  return server.url(to);
}

/** Runs the Supabase CLI in this project. */
export async function supabase(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ success: boolean; stdout: string; stderr: string; output: string }> {
  const decoder = new TextDecoder();
  const ended = await new Deno.Command(`${ROOT}node_modules/.bin/supabase`, {
    args: [...args, "--workdir", ROOT],
    env: { SUPABASE_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...environment },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const stdout = decoder.decode(ended.stdout);
  const stderr = decoder.decode(ended.stderr);
  return { success: ended.success, stdout, stderr, output: stdout + stderr };
}

/** Applies sql/migrations; returns what the CLI said. */
export async function applyMigrations(url: string): Promise<string> {
  const pushed = await supabase(["db", "push", `--remote=${url}`, "--yes"]);
  if (!pushed.success) {
    throw new Error(`The migrations could not be applied:\n${pushed.output}`);
  }
  return pushed.output;
}

/** The migrations in order, as they would be applied by hand. */
export async function migrationFiles(): Promise<{ name: string; text: string }[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(`${ROOT}sql/migrations`)) {
    if (entry.name.endsWith(".sql")) names.push(entry.name);
  }
  return await Promise.all(
    names.sort().map(async (name) => ({ name, text: await read(`sql/migrations/${name}`) })),
  );
}

export interface FunctionFile {
  name: string;
  text: string;
}

/** sql/functions: one function a file, the file named after it. */
export async function functionFiles(): Promise<FunctionFile[]> {
  const files: FunctionFile[] = [];
  for await (const entry of Deno.readDir(`${ROOT}sql/functions`)) {
    if (!entry.name.endsWith(".sql")) continue;
    files.push({
      name: entry.name.slice(0, -".sql".length),
      text: await read(`sql/functions/${entry.name}`),
    });
  }
  return files.sort((a, b) => a.name < b.name ? -1 : 1);
}
