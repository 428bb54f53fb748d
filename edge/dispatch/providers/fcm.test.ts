// The provider against a fake FCM that keeps the protocol's rules, over HTTP.

import assert from "node:assert/strict";
import { readConfiguration } from "../../shared/configuration.ts";
import {
  type Answer,
  type FakeFcm,
  type FakeFcmOptions,
  startFakeFcm,
} from "../../../scripts/fake_fcm.ts";
import { Limiter } from "../limiter.ts";
import { RunState, sendPage } from "../page.ts";
import { claimed } from "../testing.ts";
import { fcmProvider } from "./fcm.ts";
import type { PushMessage, PushOutcome, PushProvider } from "./provider.ts";

interface World {
  fake: FakeFcm;
  provider: PushProvider;
  send(changes?: Partial<PushMessage>): Promise<PushOutcome>;
}

const MESSAGE: PushMessage = {
  notificationId: 7,
  token: "a token",
  platform: "android",
  title: "Hei",
  body: "Takk",
  data: { notification_id: "7", milestone: "25" },
  collapseKey: "scenario-7",
  ttlSeconds: 7200,
  expiresAt: "2030-01-01 00:00:00+00",
};

async function withFcm(
  options: FakeFcmOptions,
  act: (world: World) => Promise<void>,
  timeoutMs = 2000,
  endpoint?: string,
): Promise<void> {
  const fake = await startFakeFcm(options);
  try {
    const environment: Record<string, string> = {
      SCHEDULER_DB_URL: "postgresql://nobody@127.0.0.1/none",
      FCM_SERVICE_ACCOUNT: fake.serviceAccount,
      FCM_ENDPOINT: endpoint ?? fake.endpoint,
    };
    const { fcm } = await readConfiguration((name) => environment[name]);
    assert.ok(fcm);
    const provider = fcmProvider(fcm, timeoutMs);
    const send = async (changes: Partial<PushMessage> = {}) => {
      const [outcome, ...more] = await provider.send([{ ...MESSAGE, ...changes }]);
      assert.ok(outcome && more.length === 0);
      return outcome;
    };
    await act({ fake, provider, send });
  } finally {
    await fake.stop();
  }
}

const error = (status: number, more: Partial<Extract<Answer, { kind: "error" }>> = {}): Answer => ({
  kind: "error",
  status,
  ...more,
});

/** What messages get with these answers, one after the other. */
async function outcomesOf(answers: readonly Answer[], timeoutMs?: number): Promise<PushOutcome[]> {
  const outcomes: PushOutcome[] = [];
  let now: Answer | undefined;
  await withFcm({ answer: () => now }, async ({ send }) => {
    for (now of answers) outcomes.push(await send());
  }, timeoutMs);
  assert.equal(outcomes.length, answers.length);
  return outcomes;
}

async function outcomeOf(answer: Answer): Promise<PushOutcome> {
  const [outcome] = await outcomesOf([answer]);
  assert.ok(outcome);
  return outcome;
}

/** The message that is posted, as it stands in the request. */
async function posted(changes: Partial<PushMessage>) {
  let message: Record<string, Record<string, unknown>> = {};
  const silent = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  await using server = Deno.serve(silent, async (request) => {
    ({ message } = await request.json());
    return Response.json({ name: "taken" });
  });
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  await withFcm({}, async ({ send }) => void await send(changes), undefined, endpoint);
  return message;
}

function includes(outcome: PushOutcome, expected: Partial<PushOutcome>): void {
  assert.deepEqual({ ...outcome, ...expected }, outcome);
}

Deno.test("what FCM takes is sent, with the id that it gave", async () => {
  await withFcm({}, async ({ fake, send }) => {
    const outcome = await send();
    assert.equal(outcome.outcome, "sent");
    assert.match(outcome.message_id ?? "", /^projects\/fake-project\/messages\//);
    assert.equal(fake.accepted.length, 1);
  });
});

Deno.test("a message carries one key for every way of collapsing, its time to live, and data of texts", async () => {
  await withFcm({}, async ({ fake, send }) => {
    await send();
    const [accepted] = fake.accepted;
    assert.equal(accepted?.token, "a token");
    assert.equal(accepted?.title, "Hei");
    assert.equal(accepted?.body, "Takk");
    assert.equal(accepted?.collapseKey, "scenario-7");
    assert.equal(accepted?.androidTag, "scenario-7");
    assert.equal(accepted?.apnsCollapseId, "scenario-7");
    assert.equal(accepted?.ttlSeconds, 7200);
    assert.deepEqual(accepted?.data, { notification_id: "7", milestone: "25" });
    assert.equal(accepted?.validateOnly, false);
  });
});

Deno.test("browsers get the same key and the same time to live", async () => {
  const { webpush } = await posted({});
  assert.deepEqual(webpush, { headers: { TTL: "7200" }, notification: { tag: "scenario-7" } });
});

Deno.test("a time to live over the four weeks that FCM takes is cut to them", async () => {
  for (const [given, sent] of [[2419199, 2419199], [2419201, 2419200], [31536000, 2419200]]) {
    const { android, webpush } = await posted({ ttlSeconds: given });
    assert.equal(android?.["ttl"], `${sent}s`);
    assert.deepEqual(webpush?.["headers"], { TTL: String(sent) });
  }
  await withFcm({}, async ({ send }) => {
    includes(await send({ ttlSeconds: 31536000 }), { outcome: "sent" });
  });
});

Deno.test("a message that is only to be checked reaches no device", async () => {
  await withFcm({}, async ({ fake, provider }) => {
    const [outcome] = await provider.send([MESSAGE], { validateOnly: true });
    assert.equal(outcome?.outcome, "sent");
    assert.equal(fake.acceptedCount, 0);
    assert.equal(fake.validated.length, 1);
  });
});

Deno.test("404 UNREGISTERED: the device is put away", async () => {
  includes(await outcomeOf(error(404, { errorCode: "UNREGISTERED" })), {
    outcome: "invalid_token",
    error_type: "invalid_token",
    error_code: "UNREGISTERED",
  });
});

Deno.test("a bare 404 is a wrong project: the device is kept and the run stops", async () => {
  includes(await outcomeOf(error(404)), { outcome: "held", reach: "run", error_code: "NOT_FOUND" });
});

Deno.test("400 INVALID_ARGUMENT puts the device away only where the token is said to be invalid", async () => {
  const errorCode = "INVALID_ARGUMENT";
  const message = "The registration token is not a valid FCM registration token";
  includes(await outcomeOf(error(400, { errorCode, message })), {
    outcome: "invalid_token",
    error_code: errorCode,
  });
  const others = [
    "Request contains an invalid argument.",
    "Android message is too big",
    "Invalid data payload key: from",
  ];
  for (
    const outcome of await outcomesOf(
      others.map((said) => error(400, { errorCode, message: said })),
    )
  ) {
    includes(outcome, { outcome: "failed", error_code: errorCode });
  }
});

Deno.test("a violation of the field message.token puts the device away, that of another field does not", async () => {
  const violation = (field: string, description: string): Answer => {
    const details = [{ fieldViolations: [{ field, description }] }];
    const said = { message: "Request contains an invalid argument.", status: "INVALID_ARGUMENT" };
    return { kind: "raw", status: 400, body: JSON.stringify({ error: { ...said, details } }) };
  };
  const [token, data] = await outcomesOf([
    violation("message.token", "Invalid registration token"),
    violation("message.data[0].value", "Invalid value at 'message.data[0].value'"),
  ]);
  assert.deepEqual([token?.outcome, data?.outcome], ["invalid_token", "failed"]);
});

Deno.test("403 SENDER_ID_MISMATCH: the device is put away, and the run stops if there are many", async () => {
  includes(await outcomeOf(error(403, { errorCode: "SENDER_ID_MISMATCH" })), {
    outcome: "invalid_token",
    reach: "run_if_many",
    error_code: "SENDER_ID_MISMATCH",
  });
});

Deno.test("401 THIRD_PARTY_AUTH_ERROR: the device is kept and its platform is held, without a new access token", async () => {
  await withFcm({
    answer: () => error(401, { errorCode: "THIRD_PARTY_AUTH_ERROR" }),
  }, async ({ fake, send }) => {
    includes(await send({ platform: "ios" }), { outcome: "held", reach: "platform" });
    assert.equal(fake.tokensIssued, 1);
  });
});

Deno.test("another 401 or 403: one new access token, then the run stops", async () => {
  for (
    const [error_code, status] of Object.entries({ UNAUTHENTICATED: 401, PERMISSION_DENIED: 403 })
  ) {
    await withFcm({ answer: () => error(status) }, async ({ fake, send }) => {
      const error_type = "authentication_error";
      includes(await send(), { outcome: "held", reach: "run", error_type, error_code });
      assert.equal(fake.tokensIssued, 2);
      assert.equal(fake.requests, 2);
    });
  }
});

Deno.test("429: later, when FCM says so, else after a minute at least", async () => {
  const errorCode = "QUOTA_EXCEEDED";
  const soon = error(429, { errorCode, retryAfter: "17" });
  includes(await outcomeOf(soon), {
    outcome: "retry",
    error_code: errorCode,
    retry_after_seconds: 17,
  });
  const silent = await outcomeOf(error(429, { errorCode }));
  assert.equal(silent.outcome, "retry");
  assert.ok((silent.retry_after_seconds ?? 0) >= 60);
});

Deno.test("Retry-After may be a date", async () => {
  const retryAfter = new Date(Date.now() + 120_000).toUTCString();
  const { retry_after_seconds } = await outcomeOf(error(503, { retryAfter }));
  assert.ok(retry_after_seconds && retry_after_seconds > 110 && retry_after_seconds <= 121);
});

Deno.test("a Retry-After that says nothing counts as none", async () => {
  const answers = ["soon", "-5", "1e9"].map((retryAfter) => error(503, { retryAfter }));
  for (const { outcome, retry_after_seconds } of await outcomesOf(answers)) {
    assert.equal(outcome, "retry");
    assert.ok(!retry_after_seconds);
  }
});

Deno.test("503: not sent, and tried again; 500: nobody knows", async () => {
  includes(await outcomeOf(error(503, { errorCode: "UNAVAILABLE", retryAfter: "30" })), {
    outcome: "retry",
    error_code: "UNAVAILABLE",
    retry_after_seconds: 30,
  });
  const { retry_after_seconds, ...internal } = await outcomeOf(
    error(500, { errorCode: "INTERNAL" }),
  );
  includes(internal, { outcome: "unknown", error_code: "INTERNAL" });
  assert.equal(retry_after_seconds, undefined);
});

Deno.test("no answer in time: nobody knows whether it was sent", async () => {
  for (
    const outcome of await outcomesOf([{ kind: "hang" }, { kind: "drip", milliseconds: 5000 }], 200)
  ) {
    includes(outcome, {
      outcome: "unknown",
      error_type: "timeout_error",
      error_code: "TIMEOUT",
    });
  }
});

Deno.test("a connection that breaks in the middle: nobody knows whether it was sent", async () => {
  for (const outcome of await outcomesOf([{ kind: "close" }, { kind: "accept_then_close" }])) {
    includes(outcome, { outcome: "unknown", error_type: "network_error" });
  }
});

Deno.test("a push on a connection that was used before is not repeated when it closes without an answer", async () => {
  let isClosing = false;
  await withFcm({
    answer: () => isClosing ? { kind: "accept_then", answer: { kind: "close" } } : undefined,
  }, async ({ fake, provider, send }) => {
    for (let round = 0; round < 5; round++) {
      isClosing = false;
      await Promise.all(Array.from({ length: 8 }, () => provider.send([MESSAGE])));
      isClosing = true;
      const before = fake.acceptedCount;
      includes(await send(), { outcome: "unknown", error_code: "CONNECTION_LOST" });
      assert.equal(fake.acceptedCount, before + 1);
    }
  });
});

Deno.test("an answer that can't be read: nobody knows whether it was sent", async () => {
  const bodies = ["", "null", "[]", "{}", "<html>", '{"name":5}', '{"name":""}'];
  for (
    const outcome of await outcomesOf(bodies.map((body) => ({ kind: "raw", status: 200, body })))
  ) {
    includes(outcome, { outcome: "unknown", error_code: "UNREADABLE_ANSWER" });
  }
});

Deno.test("a refusal that can't be read goes by its status, and nothing of its text is repeated", async () => {
  const invalid = "The registration token is not a valid FCM registration token";
  const bodies = [
    ...["", "null", "[]", "<html>kanari", '{"error":{"status":"KANARI"}}'],
    JSON.stringify({ error: { message: invalid } }),
  ];
  const expected = { retry: [400, 408, 413, 418, 429, 503], held: [404], unknown: [500, 502, 504] };
  for (const [outcome, statuses] of Object.entries(expected)) {
    const answers = statuses.flatMap((status) =>
      bodies.map((body) => ({ kind: "raw", status, body }) as const)
    );
    (await outcomesOf(answers)).forEach((result, i) => {
      const status = answers[i]?.status;
      assert.equal(result.outcome, outcome, String(status));
      assert.equal(result.error_code, `HTTP_${status}`);
      assert.ok(!/kanari/i.test(JSON.stringify(result)));
    });
  }
});

Deno.test("another place than FCM stops the run, and is not followed", async () => {
  const headers = { location: "http://127.0.0.1:9/" };
  const answers = [301, 302, 307].map((status) =>
    ({ kind: "raw", status, body: "", headers }) as const
  );
  for (const outcome of await outcomesOf(answers)) {
    includes(outcome, { outcome: "held", reach: "run" });
  }
});

Deno.test("where no connection comes about nothing was sent", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nowhere = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  await withFcm(
    {},
    async ({ send }) => {
      includes(await send(), { outcome: "retry", error_type: "network_error" });
    },
    undefined,
    nowhere,
  );
});

Deno.test("two hundred pushes at once need one access token", async () => {
  await withFcm({}, async ({ fake, provider }) => {
    const all = Array.from({ length: 200 }, (_, i) => ({ ...MESSAGE, token: `token ${i}` }));
    const outcomes = (await Promise.all(all.map((one) => provider.send([one])))).flat();
    assert.ok(outcomes.every(({ outcome }) => outcome === "sent"));
    assert.equal(fake.tokensIssued, 1);
    assert.equal(fake.acceptedCount, 200);

    fake.revokeAccessTokens();
    const again = (await Promise.all(all.map((one) => provider.send([one])))).flat();
    assert.ok(again.every(({ outcome }) => outcome === "sent"));
    assert.equal(fake.tokensIssued, 2);
    assert.equal(fake.acceptedCount, 400);
  });
});

Deno.test("outcomes come back in the order of the messages", async () => {
  await withFcm({
    answer: ({ token }) =>
      token === "bad" ? error(404, { errorCode: "UNREGISTERED" }) : { kind: "accept" },
  }, async ({ provider }) => {
    const outcomes = await provider.send(
      ["good", "bad", "good"].map((token) => ({ ...MESSAGE, token })),
    );
    assert.deepEqual(outcomes.map(({ outcome }) => outcome), ["sent", "invalid_token", "sent"]);
  });
});

Deno.test("without an access token nothing is sent, the device is kept and the run stops", async () => {
  const cases: [Answer, string][] = [
    [error(400, { errorCode: "invalid_grant" }), "authentication_error"],
    [{ kind: "raw", status: 503, body: "" }, "provider_error"],
    [{ kind: "raw", status: 200, body: '{"access_token":"日本"}' }, "provider_error"],
    [{ kind: "close" }, "network_error"],
    [{ kind: "hang" }, "timeout_error"],
  ];
  for (const [answer, error_type] of cases) {
    await withFcm({ tokenAnswer: () => answer }, async ({ fake, send }) => {
      includes(await send(), { outcome: "held", reach: "run", error_code: "NO_ACCESS_TOKEN" });
      assert.equal((await send()).error_type, error_type);
      assert.equal(fake.requests, 0);
    }, answer.kind === "hang" ? 200 : undefined);
  }
});

Deno.test("where the wait for a new access token took the time, nothing was sent, and it is tried again", async () => {
  const options: FakeFcmOptions = {};
  await withFcm(options, async ({ fake, send }) => {
    await send();
    options.latencyMilliseconds = 700;
    options.answer = () => {
      options.latencyMilliseconds = 400; // of the token that is fetched then
      return error(401);
    };
    includes(await send(), {
      outcome: "retry",
      error_type: "timeout_error",
      error_code: "TIMEOUT",
    });
    assert.equal(fake.requests, 2);
    assert.equal(fake.acceptedCount, 1);
  }, 1000);
});

Deno.test("a page to a platform whose key is bad tries it once, and sends to the others", async () => {
  await withFcm({
    answer: ({ token }) =>
      token.startsWith("ios")
        ? error(401, { errorCode: "THIRD_PARTY_AUTH_ERROR" })
        : { kind: "accept" },
  }, async ({ fake, provider }) => {
    const page = ["ios 1", "android 1", "ios 2", "android 2"].map((token, i) =>
      claimed(i + 1, [{ token, platform: token.split(" ")[0] ?? null, provider: null }])
    );
    const options = { providers: new Map([["fcm", provider]]), defaultProvider: "fcm" };
    const results = await sendPage(page, new RunState(), new Limiter(1), () => true, options);
    assert.deepEqual(results.map(({ outcome }) => outcome), ["held", "sent", "held", "sent"]);
    assert.equal(fake.requests, 3);
  });
});

Deno.test("a page to another project's devices stops, and puts none of them away", async () => {
  await withFcm({
    answer: () => error(403, { errorCode: "SENDER_ID_MISMATCH" }),
  }, async ({ fake, provider }) => {
    const page = Array.from({ length: 60 }, (_, i) => claimed(i + 1));
    const state = new RunState();
    const options = { providers: new Map([["fcm", provider]]), defaultProvider: "fcm" };
    const results = await sendPage(page, state, new Limiter(5), () => true, options);
    assert.ok(results.every(({ outcome }) => outcome === "held"));
    assert.ok(state.stopped);
    assert.ok(fake.requests < 20);
  });
});
