// The environment, read and checked once at the start.

import { type CryptoKey, importPKCS8 } from "jose";

export interface ServiceAccount {
  projectId: string;
  clientEmail: string;
  privateKeyId: string | undefined;
  privateKey: CryptoKey;
  tokenUri: string;
}

export interface FcmConfiguration {
  account: ServiceAccount;
  endpoint: string;
}

export interface Configuration {
  databaseUrl: string;
  /** Empty: every request is refused. */
  secrets: string[];
  defaultProvider: string;
  fcm: FcmConfiguration | undefined;
  pageSize: number;
  concurrency: number;
  timeoutThresholdMs: number;
}

export class ConfigurationError extends Error {
  constructor(problems: readonly string[]) {
    super(`The configuration can't be used:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
  }
}

type Environment = (name: string) => string | undefined;

const PROVIDERS = ["fcm", "log"];

function isSafe(url: URL): boolean {
  return url.protocol === "https:" ||
    (url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname));
}

function isDatabaseUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return ["postgres:", "postgresql:"].includes(protocol);
  } catch {
    return false;
  }
}

export async function readConfiguration(environment: Environment): Promise<Configuration> {
  const problems: string[] = [];
  const read = (name: string) => environment(name)?.trim() || undefined;

  const wholeNumber = (name: string, fallback: number, least: number, most: number): number => {
    const text = read(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const shown = /^-?\d{1,6}$/.test(text) ? `, not ${text}` : "";
    problems.push(`${name} must be a whole number from ${least} to ${most}${shown}.`);
    return fallback;
  };

  const endpoint = (name: string, text: string): string => {
    try {
      const url = new URL(text);
      if (isSafe(url) && !url.username && !url.password && !/[?#]/.test(text)) return text;
    } catch {
      // Said below.
    }
    problems.push(
      `${name} must be an https address (http only on loopback) without credentials, ? or #.`,
    );
    return text;
  };

  const databaseUrl = read("SCHEDULER_DB_URL") ?? read("SUPABASE_DB_URL") ?? "";
  if (!databaseUrl) {
    problems.push("SCHEDULER_DB_URL (or SUPABASE_DB_URL) is missing: the address of the database.");
  } else if (!isDatabaseUrl(databaseUrl)) {
    problems.push(
      "SCHEDULER_DB_URL (or SUPABASE_DB_URL) must be of the form postgresql://user:password@host:port/database, " +
        "with special characters in the password escaped (%2F for /).",
    );
  }

  const serviceAccount = async (text: string): Promise<ServiceAccount | undefined> => {
    const name = "FCM_SERVICE_ACCOUNT";
    let fields: Record<string, unknown>;
    try {
      fields = Object(JSON.parse(text));
    } catch {
      problems.push(`${name} is not JSON: give the whole text of the service account's key file.`);
      return undefined;
    }
    const field = (key: string): string => {
      const value = fields[key];
      if (typeof value === "string" && value !== "") return value;
      problems.push(
        `${name} lacks "${key}": give the whole text of the service account's key file.`,
      );
      return "";
    };
    const projectId = field("project_id");
    const clientEmail = field("client_email");
    const pem = field("private_key");
    const tokenUri = field("token_uri") &&
      endpoint(`token_uri in ${name}`, String(fields["token_uri"]));
    try {
      const keyId = fields["private_key_id"];
      return {
        projectId,
        clientEmail,
        privateKeyId: typeof keyId === "string" ? keyId : undefined,
        privateKey: await importPKCS8(pem, "RS256"),
        tokenUri,
      };
    } catch {
      if (pem) problems.push(`private_key in ${name} is no RSA key in PKCS #8 (PEM).`);
      return undefined;
    }
  };

  const accountText = read("FCM_SERVICE_ACCOUNT");
  const account = accountText ? await serviceAccount(accountText) : undefined;
  const fcmEndpoint = endpoint(
    "FCM_ENDPOINT",
    read("FCM_ENDPOINT") ?? "https://fcm.googleapis.com",
  );

  const defaultProvider = read("PUSH_PROVIDER") ?? "fcm";
  if (!PROVIDERS.includes(defaultProvider)) {
    problems.push(`PUSH_PROVIDER must be one of ${PROVIDERS.join(", ")}.`);
  } else if (defaultProvider === "fcm" && !accountText) {
    problems.push(
      "FCM_SERVICE_ACCOUNT is missing: the JSON of the service account that may send (or set PUSH_PROVIDER=log).",
    );
  }

  const configuration = {
    databaseUrl,
    secrets: [read("SCHEDULER_SECRET"), read("SCHEDULER_SECRET_PREVIOUS")].filter((secret) =>
      secret !== undefined
    ),
    defaultProvider,
    fcm: account && { account, endpoint: fcmEndpoint.replace(/\/+$/, "") },
    pageSize: wholeNumber("PAGE_SIZE", 500, 1, 5000),
    concurrency: wholeNumber("PUSH_CONCURRENCY", 50, 1, 500),
    timeoutThresholdMs: wholeNumber("TIMEOUT_THRESHOLD_MS", 25_000, 0, 140_000),
  };
  if (problems.length > 0) throw new ConfigurationError(problems);
  return configuration;
}
