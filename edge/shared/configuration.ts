// The dispatcher's environment, read and checked once at the start.

import { type CryptoKey, importPKCS8 } from "jose";
import { type Environment, EnvironmentReader } from "./environment.ts";

export { ConfigurationError } from "./environment.ts";

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

const PROVIDERS = ["fcm", "log"];

export async function readConfiguration(environment: Environment): Promise<Configuration> {
  const reader = new EnvironmentReader(environment);

  const databaseUrl = reader.databaseUrl("SCHEDULER_DB_URL", "SUPABASE_DB_URL");

  const serviceAccount = async (text: string): Promise<ServiceAccount | undefined> => {
    const name = "FCM_SERVICE_ACCOUNT";
    let fields: Record<string, unknown>;
    try {
      fields = Object(JSON.parse(text));
    } catch {
      reader.problems.push(
        `${name} is not JSON: give the whole text of the service account's key file.`,
      );
      return undefined;
    }
    const field = (key: string): string => {
      const value = fields[key];
      if (typeof value === "string" && value !== "") return value;
      reader.problems.push(
        `${name} lacks "${key}": give the whole text of the service account's key file.`,
      );
      return "";
    };
    const projectId = field("project_id");
    const clientEmail = field("client_email");
    const pem = field("private_key");
    const tokenUri = field("token_uri") &&
      reader.endpoint(`token_uri in ${name}`, String(fields["token_uri"]));
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
      if (pem) reader.problems.push(`private_key in ${name} is no RSA key in PKCS #8 (PEM).`);
      return undefined;
    }
  };

  const accountText = reader.read("FCM_SERVICE_ACCOUNT");
  const account = accountText ? await serviceAccount(accountText) : undefined;
  const fcmEndpoint = reader.endpoint(
    "FCM_ENDPOINT",
    reader.read("FCM_ENDPOINT") ?? "https://fcm.googleapis.com",
  );

  const defaultProvider = reader.read("PUSH_PROVIDER") ?? "fcm";
  if (!PROVIDERS.includes(defaultProvider)) {
    reader.problems.push(`PUSH_PROVIDER must be one of ${PROVIDERS.join(", ")}.`);
  } else if (defaultProvider === "fcm" && !accountText) {
    reader.problems.push(
      "FCM_SERVICE_ACCOUNT is missing: the JSON of the service account that may send (or set PUSH_PROVIDER=log).",
    );
  }

  const configuration = {
    databaseUrl,
    secrets: [reader.read("SCHEDULER_SECRET"), reader.read("SCHEDULER_SECRET_PREVIOUS")].filter((
      secret,
    ) => secret !== undefined),
    defaultProvider,
    fcm: account && { account, endpoint: fcmEndpoint.replace(/\/+$/, "") },
    pageSize: reader.wholeNumber("PAGE_SIZE", 500, 1, 5000),
    concurrency: reader.wholeNumber("PUSH_CONCURRENCY", 50, 1, 500),
    timeoutThresholdMs: reader.wholeNumber("TIMEOUT_THRESHOLD_MS", 25_000, 0, 140_000),
  };
  reader.finish();
  return configuration;
}
