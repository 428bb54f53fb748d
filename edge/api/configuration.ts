// The API's environment, read and checked once at the start.

import { type Environment, EnvironmentReader, isSafe } from "../shared/environment.ts";

export interface Configuration {
  databaseUrl: string;
  supabaseUrl: string;
  anonKey: string;
  /** Who signs the tokens: another address only where Auth has a domain of its own. */
  issuer: string;
  /** The origins whose pages may read the answers. Empty: none. */
  allowedOrigins: string[];
}

function isOrigin(text: string): boolean {
  try {
    const url = new URL(text);
    return url.origin === text && isSafe(url) && !text.includes("*");
  } catch {
    return false;
  }
}

export function readConfiguration(environment: Environment): Configuration {
  const reader = new EnvironmentReader(environment);

  const platforms = (name: string): string => {
    const text = reader.read(name);
    if (!text) reader.problems.push(`${name} is missing: the platform sets it itself.`);
    return text ?? "";
  };
  const supabaseUrl = platforms("SUPABASE_URL");
  if (supabaseUrl) reader.endpoint("SUPABASE_URL", supabaseUrl);
  const issuer = reader.read("API_TOKEN_ISSUER");
  if (issuer) reader.endpoint("API_TOKEN_ISSUER", issuer);

  const allowedOrigins = (reader.read("API_ALLOWED_ORIGINS") ?? "").split(",")
    .map((origin) => origin.trim()).filter((origin) => origin !== "");
  const wrong = allowedOrigins.findIndex((origin) => !isOrigin(origin));
  if (wrong >= 0) {
    reader.problems.push(
      `Number ${
        wrong + 1
      } of API_ALLOWED_ORIGINS is no origin: give them like https://app.example.org ` +
        "(http only on loopback), without a path or a slash at the end, with commas between them.",
    );
  }

  const configuration = {
    databaseUrl: reader.databaseUrl("SCHEDULER_API_DB_URL", "SUPABASE_DB_URL"),
    supabaseUrl: supabaseUrl.replace(/\/+$/, ""),
    anonKey: platforms("SUPABASE_ANON_KEY"),
    issuer: issuer ?? `${supabaseUrl.replace(/\/+$/, "")}/auth/v1`,
    allowedOrigins,
  };
  reader.finish();
  return configuration;
}
