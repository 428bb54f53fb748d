// What make deploy and make verify share: what they are given, and the Supabase
// CLI that they talk to a project with.

import { migrationFiles, supabase } from "./database.ts";
import type { Sql } from "./server.ts";

/** The Edge Functions, by the names under which they are deployed. */
export const SCHEDULER = "scenario-scheduler";
export const API = "api";

/** Something that can be said what to do about. */
export class Trouble extends Error {
  constructor(message: string, readonly next: string) {
    super(message);
  }
}

// What is given ----------------------------------------------------------------

function isLoopback(host: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(host);
}

/** What is wrong with an address that was given. */
function addressProblem(name: string, text: string): string | undefined {
  if (!URL.canParse(text)) return `${name} is none: it must be of the form https://host/path.`;
  const { protocol, hostname, username, password } = new URL(text);
  if (username || password || /[?#]/.test(text)) {
    return `${name} must hold no credentials, ? or #: give the address alone.`;
  }
  if (protocol === "https:" || (protocol === "http:" && isLoopback(hostname))) return undefined;
  return `${name} must begin with https:// (http only on loopback): secrets would travel in the open.`;
}

export function urlProblem(text: string | undefined): string | undefined {
  return text
    ? addressProblem("URL", text)
    : `URL is missing: where the function is, https://<project ref>.supabase.co/functions/v1/${SCHEDULER}.`;
}

/** Where the function api is: beside the other one, unless it is said. */
export function apiUrlOf(url: string, given: string | undefined): string | undefined {
  if (given) return given.replace(/\/+$/, "");
  const base = url.match(/^(.*\/functions\/v1\/)[^/]+\/?$/)?.[1];
  return base && `${base}${API}`;
}

export function apiUrlProblem(
  url: string | undefined,
  given: string | undefined,
): string | undefined {
  if (given) return addressProblem("API_URL", given);
  if (!url || urlProblem(url) || apiUrlOf(url, given)) return undefined;
  return `API_URL is missing: where the function ${API} is. URL, which does not end in /functions/v1/${SCHEDULER}, does not say it.`;
}

/** The address of the project itself, under which its Auth is. */
export function supabaseUrlOf(url: string, given: string | undefined): string {
  return given?.replace(/\/+$/, "") ?? new URL(url).origin;
}

export function supabaseUrlProblem(text: string | undefined): string | undefined {
  return text && addressProblem("SUPABASE_URL", text);
}

export function databaseProblem(text: string | undefined): string | undefined {
  const form = "postgresql://postgres:password@host:5432/postgres (dashboard, Connect)";
  if (!text) return `DATABASE_URL is missing: the database of the project, ${form}.`;
  try {
    const { protocol, hostname, username, password, port } = new URL(text);
    decodeURIComponent(username + password);
    if (["postgres:", "postgresql:"].includes(protocol) && hostname && username && password) {
      return port === "6543"
        ? "DATABASE_URL leads through the transaction pooler (port 6543), where migrations can't be applied: give the direct connection or the session pooler, port 5432."
        : undefined;
    }
  } catch {
    // Said below.
  }
  return `DATABASE_URL must be of the form ${form}, with special characters in the password escaped (%23 for #, %2F for /).`;
}

export function secretProblem(text: string | undefined): string | undefined {
  return !text || /^([0-9a-f]{2}){32,128}$/i.test(text)
    ? undefined
    : "SCHEDULER_SECRET must be 256 bits or more in hex: openssl rand -hex 32 makes one.";
}

export function waitProblem(text: string | undefined): string | undefined {
  return !text || (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= 600)
    ? undefined
    : "WAIT must be a number of seconds from 1 to 600.";
}

/** The project that a connection string names, if it names one. */
export function projectOf(databaseUrl: string): string | undefined {
  const { hostname, username } = new URL(databaseUrl);
  return hostname.match(/^db\.([a-z]{20})\.supabase\.co$/)?.[1] ??
    username.match(/\.([a-z]{20})$/)?.[1];
}

/** Nothing goes to another machine in the open. */
export function withTls(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  if (!isLoopback(url.hostname) && !url.searchParams.has("sslmode")) {
    url.searchParams.set("sslmode", "require");
  }
  return url.href;
}

// The Supabase CLI -------------------------------------------------------------

export interface CliAnswer {
  success: boolean;
  /** What it answers in JSON, if it does. */
  answer: Record<string, unknown>;
  /** What it says went wrong. */
  problem: string;
}

/** Runs the Supabase CLI in this project, for an answer in JSON. */
export async function cli(
  args: string[],
  environment: Record<string, string> = {},
): Promise<CliAnswer> {
  const { success, stdout, stderr } = await supabase(
    [...args, "--yes", "--output-format", "json"],
    environment,
  );
  const said = stdout.trim();
  let answer: Record<string, unknown> = {};
  try {
    answer = Object(JSON.parse(said.split("\n").at(-1) ?? ""));
  } catch {
    // It has said it in words.
  }
  const { message } = Object(answer["error"]) as { message?: unknown };
  return {
    success,
    answer,
    problem: typeof message === "string" ? message : stderr.trim() || said || "it said nothing",
  };
}

/** supabase db push; the password is not for the list of processes. */
export async function push(databaseUrl: string, ...flags: string[]): Promise<CliAnswer> {
  const url = new URL(withTls(databaseUrl));
  const PGPASSWORD = decodeURIComponent(url.password);
  url.password = "";
  return await cli(["db", "push", `--remote=${url.href}`, ...flags], { PGPASSWORD });
}

/** The project has migrations of its own, which the CLI misses in this folder. */
export function isAmongOthers(pushed: CliAnswer): boolean {
  return /remote migration versions not found/i.test(pushed.problem);
}

/** The migrations of this folder that the database's history lacks. */
export async function missingMigrations(sql: Sql): Promise<string[]> {
  const names = (await migrationFiles()).map(({ name }) => name);
  const [history] = await sql<{ kept: boolean }[]>`
    select to_regclass('supabase_migrations.schema_migrations') is not null as kept
  `;
  if (!history?.kept) return names;
  const applied = await sql<{ version: string }[]>`
    select version from supabase_migrations.schema_migrations
  `;
  const versions = new Set(applied.map(({ version }) => version));
  return names.filter((name) => !versions.has(name.split("_")[0] ?? ""));
}
