// The stand-in of Supabase Auth that make serve runs: its key, and where it is, are kept,
// so that the tokens of make token are good before and after a restart.

import type { JWK } from "jose";
import { ROOT } from "./database.ts";
import { newKey, signToken } from "./fake_auth.ts";
import { Trouble } from "./project.ts";

const FOLDER = ".local";
const NOTE = `${FOLDER}/auth.json`;

export const DEFAULT_PORTS = { scheduler: 8787, api: 8788, auth: 8789 };

export interface KeptAuth {
  key: JWK;
  port: number;
}

async function read(): Promise<KeptAuth | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${ROOT}${NOTE}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const kept: KeptAuth = JSON.parse(text);
    if (kept.key.kid && kept.key.d && Number.isInteger(kept.port)) return kept;
  } catch {
    // Said below.
  }
  throw new Trouble(`${NOTE} holds no key.`, `Remove it: rm ${NOTE}; the next start makes one.`);
}

async function write(kept: KeptAuth): Promise<void> {
  await Deno.mkdir(`${ROOT}${FOLDER}`, { recursive: true });
  const path = `${ROOT}${NOTE}`;
  const half = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(half, JSON.stringify(kept), { mode: 0o600 });
  await Deno.rename(half, path);
}

/** The key, made when it is first needed; with a port, the stand-in is there from now on. */
export async function keptAuth(port?: number): Promise<KeptAuth> {
  const noted = await read();
  if (noted && (port === undefined || port === noted.port)) return noted;
  const kept = {
    key: noted?.key ?? await newKey(),
    port: port ?? DEFAULT_PORTS.auth,
  };
  await write(kept);
  return kept;
}

/** A token for a person, as the stand-in would give it. */
export async function tokenFor(userId: string, hours: number): Promise<string> {
  const { key, port } = await keptAuth();
  const exp = Math.floor(Date.now() / 1000) + 3600 * hours;
  return await signToken(`http://127.0.0.1:${port}/auth/v1`, key, { sub: userId, exp });
}
