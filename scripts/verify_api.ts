// The lines of make verify that the function api and the project's Auth answer.

import { type Answer, ask } from "./ask.ts";
import { API } from "./project.ts";
import type { Deployment, Finding } from "./verify.ts";

/** What the api says to whoever brings no good token. */
function isRefused({ status, contentType, json }: Answer): boolean {
  return status === 401 && contentType === "application/problem+json" && json?.["status"] === 401;
}

function checkAnswers(name: string, answer: Answer): Finding {
  if (isRefused(answer)) {
    return { name, passed: true, detail: "answers 401 without a token, as problem+json" };
  }
  const failed = (detail: string, next: string) => ({ name, passed: false, detail, next });
  if (answer.status === 0) {
    return failed(
      answer.said,
      `Is the function ${API} deployed? npx supabase functions list --remote=<project ref>; if it is elsewhere: API_URL=…`,
    );
  }
  if (answer.status === 404) {
    return failed(
      `${answer.said}: no function is at this address`,
      "Deploy it: make deploy; if it is elsewhere: API_URL=…",
    );
  }
  if (answer.status === 401) {
    return failed(
      `${answer.said}: not the function but the platform refuses`,
      "It was deployed without this project's supabase/config.toml (verify_jwt = false): make deploy",
    );
  }
  if (answer.status >= 500) {
    return failed(
      `${answer.said}: the function does not start`,
      `Its log (dashboard, Edge Functions, ${API}, Logs) says what is wrong in its environment; set that, and: make deploy`,
    );
  }
  return failed(
    `${answer.said}: not how the api answers, which lets nobody in without a token`,
    "Is the address right? API_URL=https://<project ref>.supabase.co/functions/v1/api",
  );
}

function checkDocument(name: string, { status, json, said }: Answer): Finding {
  const version = json?.["openapi"];
  return status === 200 && typeof version === "string" && version.startsWith("3.1.")
    ? { name, passed: true, detail: `OpenAPI ${version} at /v1/openapi.json` }
    : {
      name,
      passed: false,
      detail: said,
      next:
        "It must be an OpenAPI document 3.1. Is what is deployed this project's function? make deploy",
    };
}

function encode(part: unknown): string {
  return new TextEncoder().encode(JSON.stringify(part))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What a forger would try: a token that says that it needs no signature. */
function unsignedToken(): string {
  const claims = {
    sub: crypto.randomUUID(),
    role: "authenticated",
    aud: "authenticated",
    exp: Math.floor(Date.now() / 1000) + 600,
  };
  return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`;
}

function checkForged(name: string, answer: Answer): Finding {
  return isRefused(answer)
    ? { name, passed: true, detail: "a token without a signature is refused, 401" }
    : {
      name,
      passed: false,
      detail: `a token without a signature: ${answer.said}`,
      next:
        "It must be 401. Take the function away (npx supabase functions delete api), then: make deploy",
    };
}

/** Kinds of keys whose tokens the api takes. */
const ASYMMETRIC = ["EC", "RSA"];

function checkKeys(name: string, { status, json, said }: Answer): Finding {
  const keys = Array.isArray(json?.["keys"]) ? json["keys"] : [];
  const algorithms = keys.flatMap((key: unknown) => {
    const { kty, alg } = Object(key) as { kty?: unknown; alg?: unknown };
    return ASYMMETRIC.includes(String(kty)) ? [String(alg ?? kty)] : [];
  });
  if (status === 200 && algorithms.length > 0) {
    const detail = `the project signs with asymmetric keys: ${[...new Set(algorithms)].join(", ")}`;
    return { name, passed: true, detail };
  }
  return {
    name,
    passed: false,
    detail: status === 200 ? "the project has no asymmetric key to sign tokens with" : said,
    next: status === 200
      ? "Until it has one, the api refuses every token. Dashboard, Project Settings, JWT Keys: migrate, then rotate to the new key"
      : "Is SUPABASE_URL the address of the project? https://<project ref>.supabase.co",
  };
}

export async function* checkApi({ apiUrl, supabaseUrl }: Deployment): AsyncGenerator<Finding> {
  const runs = `${apiUrl}/v1/scheduler-invocations`;
  const answers = checkAnswers("api", await ask(runs));
  yield answers;
  if (!answers.passed) {
    for (const name of ["api document", "api forged token"]) {
      yield { name, passed: false, detail: "could not be looked at", next: "First: api." };
    }
  } else {
    yield checkDocument("api document", await ask(`${apiUrl}/v1/openapi.json`));
    const headers = { authorization: `Bearer ${unsignedToken()}` };
    yield checkForged("api forged token", await ask(runs, { headers }));
  }
  yield checkKeys("jwt keys", await ask(`${supabaseUrl}/auth/v1/.well-known/jwks.json`));
}
