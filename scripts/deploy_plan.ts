// What make deploy is asked for, and all that is wrong with it. Looks at nothing but
// what is given.

import { readConfiguration as readApiConfiguration } from "../edge/api/configuration.ts";
import { PORTAL_VARIABLES, readPortal } from "../edge/dispatch/portal/configuration.ts";
import { readConfiguration } from "../edge/shared/configuration.ts";
import { ConfigurationError, type Environment } from "../edge/shared/environment.ts";
import { LOGINS } from "./logins.ts";
import {
  apiUrlOf,
  apiUrlProblem,
  databaseProblem,
  projectOf,
  SCHEDULER,
  secretProblem,
  urlProblem,
  waitProblem,
} from "./project.ts";

/** Of the functions' environment, what goes there as it is given here. */
const PASSED_ON = [
  "FCM_SERVICE_ACCOUNT",
  "PUSH_PROVIDER",
  "FCM_ENDPOINT",
  "PAGE_SIZE",
  "PUSH_CONCURRENCY",
  "TIMEOUT_THRESHOLD_MS",
  "API_ALLOWED_ORIGINS",
  "API_TOKEN_ISSUER",
  ...PORTAL_VARIABLES,
];

export interface Plan {
  projectRef: string;
  databaseUrl: string;
  url: string;
  apiUrl: string;
  secret: string | undefined;
  /** Ways to the database that were given, by the names of the logins' variables. */
  loginUrls: Map<string, string>;
  rotate: boolean;
  newLogin: boolean;
  /** How long to wait for the functions, and for the pooler to know the logins. */
  waitSeconds: number;
  passedOn: Map<string, string>;
}

function isSwitch(text: string | undefined): boolean {
  return text === undefined || text === "1";
}

function given(
  names: readonly string[],
  read: (name: string) => string | undefined,
): Map<string, string> {
  return new Map(
    names.flatMap((name) => {
      const value = read(name);
      return value ? [[name, value] as const] : [];
    }),
  );
}

export async function readPlan(
  environment: Environment,
): Promise<{ plan: Plan; problems: string[] }> {
  const read = (name: string) => environment(name)?.trim() || undefined;
  const projectRef = read("PROJECT_REF") ?? "";
  const databaseUrl = read("DATABASE_URL") ?? "";
  const url = read("URL") ?? `https://${projectRef}.supabase.co/functions/v1/${SCHEDULER}`;
  const token = read("SUPABASE_ACCESS_TOKEN");
  const loginUrls = given(LOGINS.map(({ variable }) => variable), read);
  const passedOn = given(PASSED_ON, read);

  const problems: (string | undefined)[] = [];
  const refIsFine = /^[a-z]{20}$/.test(projectRef);
  if (!refIsFine) {
    problems.push(
      `PROJECT_REF ${projectRef ? "must be" : "is missing:"} the 20 small letters of the project ` +
        "(dashboard, Project Settings, General).",
    );
  }
  problems.push(databaseProblem(databaseUrl));
  const named = databaseProblem(databaseUrl) ? undefined : projectOf(databaseUrl);
  if (named && refIsFine && named !== projectRef) {
    problems.push(
      `DATABASE_URL is that of the project ${named}, and PROJECT_REF says ${projectRef}.`,
    );
  }
  if (read("URL")) problems.push(urlProblem(url));
  problems.push(apiUrlProblem(url, read("API_URL")));
  if (!token) {
    problems.push(
      "SUPABASE_ACCESS_TOKEN is missing: one of yours, from supabase.com/dashboard/account/tokens.",
    );
  } else if (!/^sbp_(oauth_|v0_)?[a-f0-9]{40}$/.test(token)) {
    problems.push("SUPABASE_ACCESS_TOKEN is none: it begins with sbp_ and 40 hex digits follow.");
  }
  problems.push(secretProblem(read("SCHEDULER_SECRET")), waitProblem(read("WAIT")));
  for (const name of ["ROTATE", "NEW_LOGIN"]) {
    if (!isSwitch(read(name))) problems.push(`${name} must be 1, or not be given.`);
  }
  if (read("NEW_LOGIN")) {
    for (const name of loginUrls.keys()) {
      problems.push(`${name} and NEW_LOGIN exclude each other: the one or the other.`);
    }
  }
  problems.push(...await problemsOfTheFunctions(passedOn, loginUrls));
  return {
    plan: {
      projectRef,
      databaseUrl,
      url,
      apiUrl: apiUrlOf(url, read("API_URL")) ?? "",
      secret: read("SCHEDULER_SECRET"),
      loginUrls,
      rotate: read("ROTATE") === "1",
      newLogin: read("NEW_LOGIN") === "1",
      waitSeconds: Number(read("WAIT") ?? 60),
      passedOn,
    },
    problems: problems.filter((problem) => problem !== undefined),
  };
}

/** What a function has already, or gets from this program or the platform, if it is not given. */
const STAND_INS = new Map([
  ["SCHEDULER_DB_URL", "postgresql://none"],
  ["SCHEDULER_API_DB_URL", "postgresql://none"],
  ["PUSH_PROVIDER", "log"],
  ["SUPABASE_URL", "https://none"],
  ["SUPABASE_ANON_KEY", "none"],
  // What is given of the portal is looked at, whether or not it is switched on here.
  ["HLF_SYNC_ENABLED", "true"],
  ["HLF_TOKEN_URL", "https://none"],
  ["HLF_CLIENT_ID", "none"],
  ["HLF_CLIENT_SECRET", "none"],
  ["HLF_API_URL", "https://none"],
]);

/** What the functions themselves would refuse at their start, but for an account that they may have already. */
async function problemsOfTheFunctions(
  passedOn: ReadonlyMap<string, string>,
  loginUrls: ReadonlyMap<string, string>,
): Promise<string[]> {
  const hasNoAccount = passedOn.get("PUSH_PROVIDER") === "fcm" &&
    !passedOn.has("FCM_SERVICE_ACCOUNT");
  const environment: Environment = (name) =>
    name === "PUSH_PROVIDER" && hasNoAccount
      ? "log"
      : passedOn.get(name) ?? loginUrls.get(name) ?? STAND_INS.get(name);
  const problems: string[] = [];
  for (const readOne of [readConfiguration, readApiConfiguration, readPortal]) {
    problems.push(...await problemsOf(readOne, environment));
  }
  return problems;
}

async function problemsOf(
  readOne: (environment: Environment) => unknown,
  environment: Environment,
): Promise<readonly string[]> {
  try {
    await readOne(environment);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems;
  }
}

export function missingProvider(
  plan: Plan,
  present: ReadonlyMap<string, string>,
): string | undefined {
  const has = (name: string) => plan.passedOn.has(name) || present.has(name);
  if (has("FCM_SERVICE_ACCOUNT")) return undefined;
  if (has("PUSH_PROVIDER") && plan.passedOn.get("PUSH_PROVIDER") !== "fcm") return undefined;
  return "FCM_SERVICE_ACCOUNT is missing: the JSON of the service account that may send " +
    "(or PUSH_PROVIDER=log, which only logs).";
}

/** What a portal lacks that is switched on now: neither given, nor there already. */
export async function missingPortal(
  plan: Plan,
  present: ReadonlyMap<string, string>,
): Promise<string[]> {
  if (!plan.passedOn.has("HLF_SYNC_ENABLED")) return [];
  const problems = await problemsOf(
    readPortal,
    (name) => plan.passedOn.get(name) ?? (present.has(name) ? STAND_INS.get(name) : undefined),
  );
  return problems.filter((problem) => problem.includes(" is missing: "));
}
