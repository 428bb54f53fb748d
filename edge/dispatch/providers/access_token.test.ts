import assert from "node:assert/strict";
import { readConfiguration } from "../../shared/configuration.ts";
import { TypedError } from "../../shared/errors.ts";
import { type Answer, type FakeFcmOptions, startFakeFcm } from "../../../scripts/fake_fcm.ts";
import { AccessToken } from "./access_token.ts";

const MINUTE = 60_000;

async function withEndpoint(options: FakeFcmOptions & { timeoutMs?: number; now?: () => number }) {
  const fake = await startFakeFcm(options);
  const environment: Record<string, string> = {
    SCHEDULER_DB_URL: "postgresql://nobody@127.0.0.1/none",
    FCM_SERVICE_ACCOUNT: fake.serviceAccount,
    FCM_ENDPOINT: fake.endpoint,
  };
  const { fcm } = await readConfiguration((name) => environment[name]);
  assert.ok(fcm);
  return {
    fake,
    accessToken: new AccessToken(fcm.account, options.timeoutMs ?? 2000, options.now),
    [Symbol.asyncDispose]: () => fake.stop(),
  };
}

/** How asking for a token fails with these answers, one after the other. */
async function failures(answers: readonly Answer[], timeoutMs = 2000): Promise<TypedError[]> {
  const errors: TypedError[] = [];
  let now: Answer | undefined;
  await using world = await withEndpoint({ tokenAnswer: () => now, timeoutMs });
  for (now of answers) {
    const error = await world.accessToken.get().then(() => undefined, (reason: unknown) => reason);
    assert.ok(error instanceof TypedError, String(error));
    errors.push(error);
  }
  return errors;
}

Deno.test("a token is fetched once for all who ask at the same time, and kept", async () => {
  await using world = await withEndpoint({});
  const tokens = await Promise.all(Array.from({ length: 200 }, () => world.accessToken.get()));
  assert.equal(new Set([...tokens, await world.accessToken.get()]).size, 1);
  assert.equal(world.fake.tokensIssued, 1);
});

Deno.test("a token that is about to expire is renewed", async () => {
  let now = Date.now() - 59 * MINUTE;
  await using world = await withEndpoint({ now: () => now });
  const first = await world.accessToken.get();
  now += 50 * MINUTE;
  assert.equal(await world.accessToken.get(), first);
  now += 9 * MINUTE;
  const second = await Promise.all([world.accessToken.get(), world.accessToken.get()]);
  assert.notEqual(second[0], first);
  assert.equal(second[0], second[1]);
  assert.equal(world.fake.tokensIssued, 2);
});

Deno.test("a token that was refused is fetched anew, once for all who were refused", async () => {
  await using world = await withEndpoint({});
  const refused = await world.accessToken.get();
  const renewed = await Promise.all(Array.from({ length: 50 }, async () => {
    await world.accessToken.discard(refused);
    return await world.accessToken.get();
  }));
  assert.equal(new Set(renewed).size, 1);
  await world.accessToken.discard(refused);
  assert.equal(await world.accessToken.get(), renewed[0]);
  assert.equal(world.fake.tokensIssued, 2);
});

Deno.test("an endpoint that refuses the account is an authentication_error, with the status", async () => {
  const statuses = [400, 401, 403];
  const errors = await failures(
    statuses.map((status) => ({ kind: "error", status, errorCode: "invalid_grant" })),
  );
  errors.forEach(({ type, message }, i) => {
    assert.equal(type, "authentication_error");
    assert.match(message, new RegExp(String(statuses[i])));
  });
});

Deno.test("an endpoint that is in trouble, or answers rubbish, is a provider_error", async () => {
  const troubles = [429, 500, 503].map((status) => ({ kind: "raw", status, body: "" }) as const);
  const rubbish = [
    "",
    "null",
    "[]",
    "<html>",
    "{}",
    '{"access_token":5}',
    '{"access_token":""}',
    '{"access_token":null}',
    // No header can carry these.
    '{"access_token":"å"}',
    '{"access_token":"日本"}',
    '{"access_token":"two\\nlines"}',
    '{"access_token":"two words"}',
  ].map((body) => ({ kind: "raw", status: 200, body }) as const);
  for (const { type } of await failures([...troubles, ...rubbish])) {
    assert.equal(type, "provider_error");
  }
});

Deno.test("nothing of an endpoint's answer is repeated", async () => {
  const body = JSON.stringify({ error: "kanari", error_description: "kanari@example.org" });
  const answers = [200, 400, 500].map((status) => ({ kind: "raw", status, body }) as const);
  for (const { message } of await failures(answers)) assert.ok(!message.includes("kanari"));
});

Deno.test("an endpoint that breaks the connection is a network_error", async () => {
  const [error] = await failures([{ kind: "close" }]);
  assert.equal(error?.type, "network_error");
});

Deno.test("an endpoint that hangs is not waited for longer than a push, and is a timeout_error", async () => {
  const began = performance.now();
  const [error] = await failures([{ kind: "hang" }], 150);
  assert.equal(error?.type, "timeout_error");
  assert.ok(performance.now() - began < 2000);
});

Deno.test("a failure is not kept: who asks next has another try", async () => {
  let down = true;
  await using world = await withEndpoint({
    tokenAnswer: () => down ? { kind: "raw", status: 503, body: "" } : undefined,
  });
  const tries = await Promise.allSettled([world.accessToken.get(), world.accessToken.get()]);
  assert.ok(tries.every(({ status }) => status === "rejected"));
  down = false;
  assert.ok(await world.accessToken.get());
});
