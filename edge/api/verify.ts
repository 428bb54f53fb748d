// Who calls: verifies an access token of Supabase Auth with the project's public keys.

import { createClient, isAuthRetryableFetchError } from "@supabase/supabase-js";
import { TypedError } from "../shared/errors.ts";
import { unauthenticated } from "./problems.ts";

export interface Caller {
  sub: string;
  role: "authenticated";
}

export interface VerifierOptions {
  supabaseUrl: string;
  anonKey: string;
  issuer: string;
  fetch?: typeof fetch;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** The algorithms that getClaims verifies with a public key. */
const ASYMMETRIC: unknown[] = ["ES256", "RS256"];
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const KEYS_PATH = "/auth/v1/.well-known/jwks.json";
const KEYS_LIMIT_MS = 5000;
/** A token that names a key which nobody knows makes getClaims ask anew; not more often than that. */
const KEYS_KEPT_MS = 10_000;
const FAILURE_KEPT_MS = 1000;

/** A fetch that gets the public keys, and nothing else: no token is ever sent anywhere. */
function keysOnly(keysUrl: string, get: typeof fetch, now: () => number): typeof fetch {
  let kept: { until: number; keys: Promise<string | undefined> } | undefined;
  const getKeys = async (init: RequestInit | undefined): Promise<string | undefined> => {
    try {
      const response = await get(keysUrl, { ...init, signal: AbortSignal.timeout(KEYS_LIMIT_MS) });
      const text = await response.text();
      if (response.ok) return text;
    } catch {
      // As good as no answer.
    }
    kept = { until: now() + FAILURE_KEPT_MS, keys: Promise.resolve(undefined) };
    return undefined;
  };
  return async (input, init) => {
    if (input !== keysUrl) return Response.json({}, { status: 401 });
    if (!kept || now() >= kept.until) kept = { until: now() + KEYS_KEPT_MS, keys: getKeys(init) };
    const keys = await kept.keys;
    return keys === undefined ? Response.json({}, { status: 503 }) : new Response(keys);
  };
}

function headerOf(token: string): Record<string, unknown> {
  const [header = ""] = token.split(".", 1);
  return Object(JSON.parse(atob(header.replaceAll("-", "+").replaceAll("_", "/"))));
}

/** Says who calls, from the Authorization header; or why nobody does. */
export type Verify = (headers: Headers) => Promise<Caller>;

export function tokenVerifier(
  { supabaseUrl, anonKey, issuer, fetch: get = fetch, now = Date.now }: VerifierOptions,
): Verify {
  const { auth } = createClient(supabaseUrl, anonKey, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    global: { fetch: keysOnly(`${supabaseUrl}${KEYS_PATH}`, get, now) },
  });

  const claimsOf = async (token: string): Promise<Record<string, unknown> | undefined> => {
    try {
      const { alg, kid } = headerOf(token);
      if (!ASYMMETRIC.includes(alg) || typeof kid !== "string" || kid === "") return undefined;
      const { data, error } = await auth.getClaims(token);
      if (isAuthRetryableFetchError(error)) {
        throw new TypedError("network_error", "the project's public keys could not be fetched");
      }
      return data?.claims;
    } catch (error) {
      // Besides its own errors, getClaims throws whatever a token makes the parser throw.
      if (error instanceof TypedError) throw error;
      return undefined;
    }
  };

  return async (headers) => {
    const token = headers.get("authorization")?.match(/^Bearer +(\S+)$/i)?.[1];
    const claims = token === undefined ? undefined : await claimsOf(token);
    if (!claims) throw unauthenticated();
    const { sub, role, iss, aud, exp, nbf } = claims;
    const seconds = now() / 1000;
    const isGood = role === "authenticated" &&
      iss === issuer &&
      [aud].flat().includes("authenticated") &&
      typeof exp === "number" && exp > seconds &&
      (nbf === undefined || (typeof nbf === "number" && nbf <= seconds));
    if (!isGood || typeof sub !== "string" || !UUID.test(sub)) throw unauthenticated();
    return { sub, role };
  };
}
