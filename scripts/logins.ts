// The logins with which the Edge Functions enter the database: what each may do
// stands in the migrations, its password is made here.

import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { newSecret } from "./edge_function.ts";
import { projectOf, Trouble, withTls } from "./project.ts";
import { connect, type Sql } from "./server.ts";

export interface Login {
  role: string;
  /** Under which the function finds its way to the database. */
  variable: string;
  /** The role that it takes on in each transaction. */
  becomes?: string;
}

export const DISPATCHER_LOGIN: Login = {
  role: "scheduler_dispatcher",
  variable: "SCHEDULER_DB_URL",
};
export const API_LOGIN: Login = {
  role: "scheduler_api",
  variable: "SCHEDULER_API_DB_URL",
  becomes: "authenticated",
};
export const LOGINS = [DISPATCHER_LOGIN, API_LOGIN];

/** How the server keeps a password, so that the password itself is in no log of its statements. */
function scramVerifier(password: string): string {
  const iterations = 4096;
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
  const sign = (text: string) => createHmac("sha256", salted).update(text).digest();
  const storedKey = createHash("sha256").update(sign("Client Key")).digest("base64");
  const serverKey = sign("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}

/** The way to the same database for a login: over the shared pooler in transaction mode. */
export function loginUrl(databaseUrl: string, { role }: Login, password: string): string {
  const url = new URL(withTls(databaseUrl));
  const sslmode = url.searchParams.get("sslmode");
  url.search = sslmode ? `?sslmode=${sslmode}` : "";
  url.password = password;
  if (url.hostname.endsWith(".pooler.supabase.com")) {
    url.username = `${role}.${projectOf(databaseUrl) ?? ""}`;
    url.port = "6543";
  } else {
    url.username = role;
  }
  return url.href;
}

/** Gives the login a new password and returns the way in with it; the old one is no more. */
export async function newPassword(sql: Sql, databaseUrl: string, login: Login): Promise<string> {
  const password = newSecret();
  await sql.unsafe(`alter role ${login.role} password '${scramVerifier(password)}'`);
  return loginUrl(databaseUrl, login, password);
}

async function logsIn(url: string, { role }: Login): Promise<boolean> {
  const sql = connect(url, { prepare: false });
  try {
    const [session] = await sql<{ role: string }[]>`select session_user as role`;
    return session?.role === role;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Refuses a login that can't take on the role in which its function asks. */
export async function checkMembership(sql: Sql, { role, becomes }: Login): Promise<void> {
  if (!becomes) return;
  const [member] = await sql<{ may: boolean }[]>`
    select pg_has_role(${role}, ${becomes}, 'member') as may
  `;
  if (member?.may) return;
  throw new Trouble(
    `${role} is not a member of ${becomes}, so its function could ask nothing in a caller's name.`,
    `Run this as a role that may (dashboard, SQL Editor): grant ${becomes} to ${role}; then: make deploy`,
  );
}

/** A new password that is seen to let in. */
export async function makeLogin(
  sql: Sql,
  login: Login,
  { databaseUrl, waitSeconds }: { databaseUrl: string; waitSeconds: number },
): Promise<string> {
  const { role, variable } = login;
  const url = await newPassword(sql, databaseUrl, login);
  const started = performance.now();
  while (true) {
    try {
      if (await logsIn(url, login)) return url;
    } catch (error) {
      // The shared pooler remembers the old password for a while.
      if (
        performance.now() - started < waitSeconds * 1000 && /authentication/i.test(String(error))
      ) {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        continue;
      }
      throw new Trouble(
        `${role} has a new password, but can't log in at ${new URL(url).host}: ${
          error instanceof Error ? error.message : error
        }`,
        `Set a password yourself (alter role ${role} password '…') and say which way the ` +
          `function is to take: ${variable}='postgresql://…' make deploy`,
      );
    }
    throw new Trouble(`Who logs in as ${role} is somebody else.`, `Give ${variable} yourself.`);
  }
}
