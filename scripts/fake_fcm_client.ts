// Talks to the fake FCM as a sender would, for its tests.

import assert from "node:assert/strict";
import { importPKCS8, SignJWT } from "jose";
import { type FakeFcm, type FakeFcmOptions, startFakeFcm } from "./fake_fcm.ts";

export interface GoogleBody {
  name?: string;
  error?: {
    code: number;
    message: string;
    status: string;
    details?: { errorCode?: string; reason?: string; fieldViolations?: { field?: string }[] }[];
  };
}

export async function withFake(options: FakeFcmOptions, work: (fake: FakeFcm) => Promise<void>) {
  const fake = await startFakeFcm(options);
  try {
    await work(fake);
  } finally {
    await fake.stop();
  }
}

export const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
export const now = () => Math.floor(Date.now() / 1000);
export const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";

export async function assertionFor(
  fake: FakeFcm,
  claims: Record<string, unknown> = {},
  key?: Awaited<ReturnType<typeof importPKCS8>>,
): Promise<string> {
  const account = JSON.parse(fake.serviceAccount);
  const payload = {
    iss: account.client_email,
    aud: account.token_uri,
    scope: SCOPE,
    iat: now(),
    exp: now() + 3600,
    ...claims,
  };
  return await new SignJWT(payload).setProtectedHeader({ alg: "RS256" })
    .sign(key ?? await importPKCS8(account.private_key, "RS256"));
}

// Deno's fetch sends again what got no answer on a connection that it had used before.
export const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

export const askForToken = (fake: FakeFcm, assertion: string, grantType = "jwt-bearer") =>
  fetch(`${fake.endpoint}/token`, {
    client,
    method: "POST",
    body: new URLSearchParams({
      grant_type: `urn:ietf:params:oauth:grant-type:${grantType}`,
      assertion,
    }),
  });

export async function accessToken(fake: FakeFcm): Promise<string> {
  const response = await askForToken(fake, await assertionFor(fake));
  assert.equal(response.status, 200);
  return (await response.json()).access_token;
}

export const tokens = new WeakMap<FakeFcm, string>();

export async function post(
  fake: FakeFcm,
  body: unknown,
  { signal, ...changes }: {
    project?: string;
    authorization?: string;
    contentType?: string;
    signal?: AbortSignal;
  } = {},
): Promise<Response> {
  if (!tokens.has(fake)) tokens.set(fake, await accessToken(fake));
  const project = changes.project ?? fake.projectId;
  return await fetch(`${fake.endpoint}/v1/projects/${project}/messages:send`, {
    client,
    method: "POST",
    headers: {
      authorization: changes.authorization ?? `Bearer ${tokens.get(fake)}`,
      "content-type": changes.contentType ?? "application/json; charset=utf-8",
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

export const sendTo = (fake: FakeFcm, token: string, signal?: AbortSignal) =>
  post(fake, { message: { token } }, signal ? { signal } : {});

export async function read(response: Response) {
  const body: GoogleBody = await response.json();
  const details = body.error?.details ?? [];
  return {
    status: response.status,
    grpcStatus: body.error?.status,
    message: body.error?.message ?? "",
    errorCode: details.find((detail) => detail.errorCode)?.errorCode,
    reason: details.find((detail) => detail.reason)?.reason,
    field: details.find((detail) => detail.fieldViolations)?.fieldViolations?.[0]?.field,
  };
}
