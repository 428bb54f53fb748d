import assert from "node:assert/strict";
import { Limiter } from "./limiter.ts";
import type { Claimed, PushResult } from "./outbox.ts";
import { RunState, sendPage } from "./page.ts";
import type { PushOutcome, PushProvider } from "./providers/provider.ts";
import { claimed, memoryProvider } from "./testing.ts";

interface Sending {
  state?: RunState;
  concurrency?: number;
  mayStillSend?: () => boolean;
  providers?: PushProvider[];
}

/** The results of a page, in the order of its devices. */
async function send(
  page: readonly Claimed[],
  provider: PushProvider,
  { state = new RunState(), concurrency = 50, mayStillSend = () => true, providers = [] }: Sending =
    {},
): Promise<PushResult[]> {
  const results = await sendPage(page, state, new Limiter(concurrency), mayStillSend, {
    providers: new Map([provider, ...providers].map((one) => [one.name, one])),
    defaultProvider: provider.name,
  });
  const order = page.flatMap(({ devices }) => devices.map(({ token }) => token));
  return results.sort((a, b) => order.indexOf(a.token) - order.indexOf(b.token));
}

const pageOf = (size: number) => Array.from({ length: size }, (_, i) => claimed(i + 1));
const device = (token: string, platform: string | null = null, provider: string | null = null) => ({
  token,
  platform,
  provider,
});
const outcomes = (results: PushResult[]) => results.map(({ outcome }) => outcome);
const codes = (results: PushResult[]) => results.map(({ error_code }) => error_code);

const SENT: PushOutcome = { outcome: "sent", message_id: "m" };
const STOP: PushOutcome = {
  outcome: "held",
  reach: "run",
  error_type: "authentication_error",
  error_code: "UNAUTHENTICATED",
};
const MISMATCH: PushOutcome = {
  outcome: "invalid_token",
  reach: "run_if_many",
  error_type: "invalid_token",
  error_code: "SENDER_ID_MISMATCH",
};

Deno.test("an empty page sends nothing", async () => {
  assert.deepEqual(await send([], memoryProvider(() => assert.fail("nobody is there"))), []);
});

Deno.test("every device of a notification gets it, and each has a result with its lease", async () => {
  const provider = memoryProvider();
  const [first, second] = await send([
    claimed(7, [device("phone", "android"), device("tablet", "ios")]),
  ], provider);
  assert.deepEqual(first, {
    notification_id: 7,
    lease_token: "11111111-1111-4111-8111-111111111111",
    token: "phone",
    provider: "memory",
    platform: "android",
    outcome: "sent",
    message_id: "m",
  });
  assert.equal(second?.token, "tablet");
  assert.equal(provider.messages.length, 2);
});

Deno.test("the message says what the notification says", async () => {
  const provider = memoryProvider();
  await send([claimed(7, [device("phone")], {
    title: "Hei",
    body: "Takk",
    collapse_key: "scenario-7",
    ttl_seconds: 120,
    data: { scenario_type: "milestone", notification_id: "7" },
  })], provider);
  const [message] = provider.messages;
  assert.equal(message?.title, "Hei");
  assert.equal(message?.body, "Takk");
  assert.equal(message?.collapseKey, "scenario-7");
  assert.equal(message?.ttlSeconds, 120);
  assert.deepEqual(message?.data, { scenario_type: "milestone", notification_id: "7" });
});

Deno.test("the bound on what runs at once holds for a page", async () => {
  let running = 0;
  let most = 0;
  const provider = memoryProvider(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve));
    running--;
    return SENT;
  });
  await send(pageOf(60), provider, { concurrency: 7 });
  assert.equal(most, 7);
});

Deno.test("one bound holds for pages that are sent together", async () => {
  let running = 0;
  let most = 0;
  const provider = memoryProvider(async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve));
    running--;
    return SENT;
  });
  const limiter = new Limiter(5);
  const options = { providers: new Map([["memory", provider]]), defaultProvider: "memory" };
  await Promise.all(
    [1, 2].map(() => sendPage(pageOf(30), new RunState(), limiter, () => true, options)),
  );
  assert.equal(most, 5);
});

Deno.test("a push that fails does not keep the others from being sent", async () => {
  const provider = memoryProvider(({ notificationId }) =>
    notificationId === 2
      ? { outcome: "failed", error_type: "provider_error", error_code: "INVALID_ARGUMENT" }
      : SENT
  );
  assert.deepEqual(outcomes(await send(pageOf(3), provider)), ["sent", "failed", "sent"]);
});

Deno.test("a device that names a provider goes there, the others to the default one", async () => {
  const [usual, other] = [memoryProvider(), memoryProvider(() => SENT, { name: "other" })];
  const page = [claimed(1, [device("a"), device("b", null, "other"), device("c", null, "memory")])];
  const results = await send(page, usual, { providers: [other] });
  assert.deepEqual(usual.messages.map(({ token }) => token), ["a", "c"]);
  assert.deepEqual(other.messages.map(({ token }) => token), ["b"]);
  assert.deepEqual(results.map(({ provider }) => provider), ["memory", "other", "memory"]);
});

Deno.test("a provider that nobody configured holds its devices, and the others go on", async () => {
  const page = [claimed(1, [device("a", null, "unheard of"), device("b")])];
  const results = await send(page, memoryProvider());
  assert.deepEqual(outcomes(results), ["held", "sent"]);
  assert.equal(results[0]?.error_code, "UNKNOWN_PROVIDER");
});

Deno.test("a provider that takes a hundred at once gets batches of a hundred at most, and its outcomes come back in order", async () => {
  const provider = memoryProvider(
    ({ notificationId }) =>
      notificationId % 3 === 0
        ? { outcome: "retry", error_type: "provider_error", error_code: "UNAVAILABLE" }
        : { outcome: "sent", message_id: `id ${notificationId}` },
    { batchSize: 100 },
  );
  const results = await send(pageOf(250), provider);
  assert.deepEqual(provider.batches.map(({ length }) => length), [100, 100, 50]);
  for (const { notification_id, outcome, message_id } of results) {
    assert.equal(outcome, notification_id % 3 === 0 ? "retry" : "sent");
    if (outcome === "sent") assert.equal(message_id, `id ${notification_id}`);
  }
  assert.equal(results.length, 250);
});

Deno.test("a batch counts as one against the bound", async () => {
  let running = 0;
  let most = 0;
  const provider: PushProvider = {
    name: "memory",
    batchSize: 10,
    send: async (messages) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve));
      running--;
      return messages.map(() => SENT);
    },
  };
  await send(pageOf(100), provider, { concurrency: 3 });
  assert.equal(most, 3);
});

Deno.test("nobody knows what a provider that throws has sent; the other batches are sent", async () => {
  const provider: PushProvider = {
    name: "memory",
    batchSize: 2,
    send: (messages) => {
      if (messages[0]?.notificationId === 1) throw new Error("it broke");
      if (messages[0]?.notificationId === 3) return Promise.reject(new Error("it broke"));
      return Promise.resolve(messages.map(() => SENT));
    },
  };
  const results = await send(pageOf(6), provider);
  assert.deepEqual(outcomes(results), ["unknown", "unknown", "unknown", "unknown", "sent", "sent"]);
  assert.equal(results[0]?.error_code, "PROVIDER_FAILED");
});

Deno.test("nobody knows what became of messages that a provider gives no outcome for", async () => {
  const provider: PushProvider = {
    name: "memory",
    batchSize: 3,
    send: () => Promise.resolve([SENT]),
  };
  const results = await send(pageOf(3), provider);
  assert.deepEqual(outcomes(results), ["sent", "unknown", "unknown"]);
  assert.deepEqual(codes(results), [undefined, "NO_OUTCOME", "NO_OUTCOME"]);
});

Deno.test("a platform that is held is not tried again in this run; other platforms and providers are", async () => {
  const held: PushOutcome = {
    outcome: "held",
    reach: "platform",
    error_type: "provider_error",
    error_code: "THIRD_PARTY_AUTH_ERROR",
  };
  const provider = memoryProvider(({ platform }) => platform === "ios" ? held : SENT);
  const other = memoryProvider(() => SENT, { name: "other" });
  const page = [
    device("i1", "ios"),
    device("a1", "android"),
    device("i2", "ios"),
    device("i3", "ios", "other"),
    device("x", null),
  ].map((one, i) => claimed(i + 1, [one]));
  const state = new RunState();
  const results = await send(page, provider, { state, concurrency: 1, providers: [other] });
  assert.deepEqual(outcomes(results), ["held", "sent", "held", "sent", "sent"]);
  assert.equal(results[2]?.error_code, "PLATFORM_HELD");

  await send(page, provider, { state, providers: [other] });
  assert.equal(provider.messages.filter(({ platform }) => platform === "ios").length, 1);
});

Deno.test("when the provider takes nothing from us, what is not yet sent is not tried", async () => {
  const provider = memoryProvider(({ notificationId }) => notificationId === 3 ? STOP : SENT);
  const state = new RunState();
  const results = await send(pageOf(6), provider, { state, concurrency: 1 });
  assert.deepEqual(outcomes(results), ["sent", "sent", "held", "held", "held", "held"]);
  assert.deepEqual(codes(results).slice(3), ["NOT_TRIED", "NOT_TRIED", "NOT_TRIED"]);
  assert.equal(provider.messages.length, 3);
  assert.equal(state.stopped?.error_code, "UNAUTHENTICATED");
});

Deno.test("a few devices of another account are put away, and the run goes on", async () => {
  const provider = memoryProvider(({ notificationId }) => notificationId <= 2 ? MISMATCH : SENT);
  const state = new RunState();
  const results = await send(pageOf(12), provider, { state, concurrency: 1 });
  assert.equal(outcomes(results).filter((one) => one === "invalid_token").length, 2);
  assert.equal(outcomes(results).filter((one) => one === "sent").length, 10);
  assert.equal(state.stopped, undefined);
});

Deno.test("many devices of another account stop the run, and none of them is put away", async () => {
  const provider = memoryProvider(() => MISMATCH);
  const state = new RunState();
  const results = await send(pageOf(40), provider, { state, concurrency: 4 });
  assert.ok(outcomes(results).every((one) => one === "held"));
  assert.ok(provider.messages.length < 15);
  assert.equal(state.stopped?.error_code, "SENDER_ID_MISMATCH");
});

Deno.test("pages of three are enough to tell that the account is another one", async () => {
  const provider = memoryProvider(() => MISMATCH);
  const state = new RunState();
  const first = await send(pageOf(3), provider, { state, concurrency: 1 });
  assert.deepEqual(outcomes(first), ["held", "held", "held"]);
  assert.deepEqual(codes(first), Array(3).fill("SENDER_ID_MISMATCH"));
  const second = await send(pageOf(3), provider, { state, concurrency: 1 });
  assert.deepEqual(codes(second), Array(3).fill("NOT_TRIED"));
  assert.equal(provider.messages.length, 3);
});

Deno.test("what another provider sends does not hide that one takes us for somebody else", async () => {
  const [usual, other] = [
    memoryProvider(() => MISMATCH),
    memoryProvider(() => SENT, { name: "other" }),
  ];
  const page = [
    ...Array.from({ length: 20 }, (_, i) => device(`other ${i}`, null, "other")),
    ...Array.from({ length: 10 }, (_, i) => device(`usual ${i}`)),
  ].map((one, i) => claimed(i + 1, [one]));
  const state = new RunState();
  const results = await send(page, usual, { state, concurrency: 1, providers: [other] });
  assert.deepEqual(outcomes(results), [...Array(20).fill("sent"), ...Array(10).fill("held")]);
  assert.equal(usual.messages.length, 3);
  assert.equal(state.stopped?.error_code, "SENDER_ID_MISMATCH");
});

Deno.test("many devices of another account among more that were sent don't stop the run", async () => {
  const provider = memoryProvider(({ notificationId }) => notificationId % 3 ? SENT : MISMATCH);
  const state = new RunState();
  const results = await send(pageOf(60), provider, { state });
  assert.equal(outcomes(results).filter((one) => one === "sent").length, 40);
  assert.equal(state.stopped, undefined);
});

Deno.test("once the lease of the page may be over, nothing more is sent", async () => {
  let sent = 0;
  const provider = memoryProvider(() => {
    sent++;
    return SENT;
  });
  const results = await send(pageOf(10), provider, {
    concurrency: 1,
    mayStillSend: () => sent < 4,
  });
  assert.equal(sent, 4);
  assert.deepEqual(codes(results).slice(4), Array(6).fill("NOT_TRIED"));
});

Deno.test("what a result says of a provider's refusal is kept, but not how far it reaches", async () => {
  const refusal: PushOutcome = {
    outcome: "retry",
    error_type: "provider_error",
    error_code: "QUOTA_EXCEEDED",
    retry_after_seconds: 90,
  };
  const [result] = await send(pageOf(1), memoryProvider(() => ({ ...refusal, reach: "platform" })));
  assert.deepEqual({ ...result, ...refusal }, result);
  assert.ok(result && !("reach" in result));
});
