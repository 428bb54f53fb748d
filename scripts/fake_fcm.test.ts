import assert from "node:assert/strict";
import { generateKeyPair, importPKCS8, SignJWT } from "jose";
import { type Answer, type FakeFcm, type FakeFcmOptions, startFakeFcm } from "./fake_fcm.ts";

interface GoogleBody {
  name?: string;
  error?: {
    code: number;
    message: string;
    status: string;
    details?: { errorCode?: string; reason?: string; fieldViolations?: { field?: string }[] }[];
  };
}

async function withFake(options: FakeFcmOptions, work: (fake: FakeFcm) => Promise<void>) {
  const fake = await startFakeFcm(options);
  try {
    await work(fake);
  } finally {
    await fake.stop();
  }
}

const pause = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
const now = () => Math.floor(Date.now() / 1000);
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";

async function assertionFor(
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
const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });

const askForToken = (fake: FakeFcm, assertion: string, grantType = "jwt-bearer") =>
  fetch(`${fake.endpoint}/token`, {
    client,
    method: "POST",
    body: new URLSearchParams({
      grant_type: `urn:ietf:params:oauth:grant-type:${grantType}`,
      assertion,
    }),
  });

async function accessToken(fake: FakeFcm): Promise<string> {
  const response = await askForToken(fake, await assertionFor(fake));
  assert.equal(response.status, 200);
  return (await response.json()).access_token;
}

const tokens = new WeakMap<FakeFcm, string>();

async function post(
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

const sendTo = (fake: FakeFcm, token: string, signal?: AbortSignal) =>
  post(fake, { message: { token } }, signal ? { signal } : {});

async function read(response: Response) {
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

Deno.test("a message is accepted with what a device would show of it", async () => {
  await withFake({}, async (fake) => {
    const response = await post(fake, {
      message: {
        token: "device-1",
        notification: { title: "Å møte nokon", body: "Ein likeperson treng deg 💚" },
        data: { notification_id: "7" },
        android: { collapse_key: "7", ttl: "3600s", priority: "high", notification: { tag: "t7" } },
        apns: {
          headers: { "apns-collapse-id": "c7", "apns-expiration": "0" },
          payload: { aps: { sound: "default" } },
        },
      },
    });
    assert.equal(response.status, 200);
    const { name } = await response.json();
    assert.match(name, /^projects\/fake-project\/messages\/.+/);
    const [accepted] = fake.accepted;
    assert.ok(accepted && Math.abs(accepted.at - Date.now()) < 5000);
    assert.deepEqual({ ...accepted, at: 0 }, {
      at: 0,
      token: "device-1",
      title: "Å møte nokon",
      body: "Ein likeperson treng deg 💚",
      collapseKey: "7",
      androidTag: "t7",
      apnsCollapseId: "c7",
      ttlSeconds: 3600,
      data: { notification_id: "7" },
      validateOnly: false,
      messageId: name.split("/").pop(),
    });
  });
});

Deno.test("a device token's text says what Google answers", async () => {
  const expected: [token: string, status: number, grpcStatus: string, errorCode: string][] = [
    ["d-unregistered", 404, "NOT_FOUND", "UNREGISTERED"],
    ["d-invalid-token", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"],
    ["d-invalid-message", 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"],
    ["d-mismatch", 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"],
    ["d-apns-auth", 401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"],
    ["d-quota", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"],
    ["d-quota-plain", 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"],
    ["d-unavailable", 503, "UNAVAILABLE", "UNAVAILABLE"],
    ["d-internal", 500, "INTERNAL", "INTERNAL"],
  ];
  await withFake({}, async (fake) => {
    for (const [token, status, grpcStatus, errorCode] of expected) {
      const answer = await read(await sendTo(fake, token));
      assert.deepEqual([token, answer.status, answer.grpcStatus, answer.errorCode], [
        token,
        status,
        grpcStatus,
        errorCode,
      ]);
    }
    assert.equal(fake.accepted.length, 0);
    assert.equal(fake.requests, expected.length);
  });
});

Deno.test("only a bad registration token is said to be one", async () => {
  await withFake({}, async (fake) => {
    const says = "The registration token is not a valid FCM registration token";
    assert.equal((await read(await sendTo(fake, "invalid-token"))).message, says);
    assert.notEqual((await read(await sendTo(fake, "invalid-message"))).message, says);
  });
});

Deno.test("Retry-After comes where the token asks for it", async () => {
  await withFake({}, async (fake) => {
    const after: (string | null)[] = [];
    for (const token of ["quota", "quota-plain", "unavailable", "unavailable-retry-after"]) {
      const response = await sendTo(fake, token);
      after.push(response.headers.get("retry-after"));
      await response.body?.cancel();
    }
    assert.deepEqual(after, ["120", null, null, "30"]);
  });
});

Deno.test("rubbish is HTML with status 200, and accepts nothing", async () => {
  await withFake({}, async (fake) => {
    const response = await sendTo(fake, "rubbish");
    assert.equal(response.status, 200);
    assert.match(await response.text(), /^<!DOCTYPE html>/);
    assert.equal(fake.accepted.length, 0);
  });
});

Deno.test("a closed connection fails the request without an answer, and accepts nothing", async () => {
  await withFake({}, async (fake) => {
    await assert.rejects(sendTo(fake, "close"), TypeError);
    assert.deepEqual([fake.requests, fake.accepted.length], [1, 0]);
  });
});

Deno.test("accepted and then closed, the answer's head arrives and its body breaks off", async () => {
  await withFake({}, async (fake) => {
    const response = await sendTo(fake, "accept-then-close");
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), TypeError);
    assert.equal(fake.accepted.length, 1);
  });
});

Deno.test("a request that hangs ends when its client gives up", async () => {
  await withFake({}, async (fake) => {
    await assert.rejects(sendTo(fake, "hang", AbortSignal.timeout(200)), { name: "TimeoutError" });
    for (let i = 0; i < 100 && fake.inFlight > 0; i++) await pause(10);
    assert.equal(fake.inFlight, 0);
    assert.equal(fake.accepted.length, 0);
  });
});

Deno.test("a request that hangs fails when the fake stops", async () => {
  const fake = await startFakeFcm();
  const hanging = assert.rejects(sendTo(fake, "hang"), TypeError);
  while (fake.inFlight === 0) await pause(5);
  await fake.stop();
  await hanging;
});

Deno.test("a message can be accepted and still answered with an error", async () => {
  const answer: Answer = { kind: "accept_then", answer: { kind: "error", status: 500 } };
  await withFake({ answer: () => answer }, async (fake) => {
    const { status, errorCode } = await read(await sendTo(fake, "device"));
    assert.deepEqual([status, errorCode], [500, undefined]);
    assert.equal(fake.accepted.length, 1);
  });
});

Deno.test("accepting within accept_then counts once", async () => {
  const answer: Answer = { kind: "accept_then", answer: { kind: "accept" } };
  await withFake({ answer: () => answer }, async (fake) => {
    assert.equal((await read(await sendTo(fake, "device"))).status, 200);
    assert.equal(fake.acceptedCount, 1);
  });
});

Deno.test("a dripping answer is whole, and takes its time", async () => {
  await withFake({ answer: () => ({ kind: "drip", milliseconds: 300 }) }, async (fake) => {
    const started = performance.now();
    const response = await sendTo(fake, "device");
    assert.match((await response.json()).name, /^projects\//);
    assert.ok(performance.now() - started >= 290);
  });
});

Deno.test("answers may depend on the attempt, the collapse key and the platform", async () => {
  const seen: unknown[] = [];
  const options: FakeFcmOptions = {
    answer: (message) => {
      seen.push(message);
      return message.attempt === 1 ? { kind: "error", status: 503 } : undefined;
    },
  };
  await withFake(options, async (fake) => {
    const body = { message: { token: "device", android: { collapse_key: "k" } } };
    assert.equal((await read(await post(fake, body))).status, 503);
    assert.equal((await read(await post(fake, body))).status, 200);
    const message = { token: "device", collapseKey: "k", platformHint: "android" };
    assert.deepEqual(seen, [{ ...message, attempt: 1 }, { ...message, attempt: 2 }]);
  });
});

Deno.test("onAccept runs after acceptance and before the answer", async () => {
  const order: string[] = [];
  const onAccept = async () => {
    order.push("accepted");
    await pause(30);
    order.push("answering");
  };
  await withFake({ onAccept }, async (fake) => {
    await read(await sendTo(fake, "device"));
    order.push("answered");
    assert.deepEqual(order, ["accepted", "answering", "answered"]);
  });
});

Deno.test("what fails in a test's own function fails the stop", async () => {
  const fake = await startFakeFcm({
    onAccept: () => {
      throw new Error("a test's mistake");
    },
  });
  await assert.rejects(sendTo(fake, "device"), TypeError);
  await assert.rejects(fake.stop(), /a test's mistake/);
});

Deno.test("validate_only accepts nothing for a device", async () => {
  await withFake({}, async (fake) => {
    const response = await post(fake, { validate_only: true, message: { token: "device" } });
    assert.deepEqual(await response.json(), {
      name: "projects/fake-project/messages/fake_message_id",
    });
    assert.deepEqual([fake.accepted.length, fake.validated.length], [0, 1]);
    const refused = await post(fake, { validate_only: true, message: { token: "unregistered" } });
    assert.equal((await read(refused)).errorCode, "UNREGISTERED");
  });
});

Deno.test("each rule of a message is kept", async () => {
  const notification = (bytes: number) => ({ notification: { body: "x".repeat(bytes) } });
  const refused: [rule: string, message: unknown, field: string | undefined, says: RegExp][] = [
    ["a recipient", {}, "message", /Recipient of the message is not set/],
    ["one recipient", { token: "a", topic: "b" }, "message", /oneof field 'target' is already set/],
    ["a token", { topic: "b" }, "message.topic", /tokens only/],
    [
      "data of texts",
      { token: "a", data: { ok: "1", count: 12 } },
      "message.data[1].value",
      /^Invalid value at 'message.data\[1\].value' \(TYPE_STRING\), 12$/,
    ],
    [
      "known fields",
      { token: "a", collapse_key: "k" },
      "message",
      /^Invalid JSON payload received. Unknown name "collapse_key" at 'message': Cannot find field.$/,
    ],
    [
      "known fields within",
      { token: "a", android: { notification: { subtitle: "s" } } },
      "message.android.notification",
      /Unknown name "subtitle"/,
    ],
    ["a text token", { token: 5 }, "message.token", /TYPE_STRING/],
    ["an object", { token: "a", android: "x" }, "message.android", /TYPE_MESSAGE/],
    ["a ttl of text", { token: "a", android: { ttl: 60 } }, "message.android.ttl", /TYPE_STRING/],
    ["a ttl in s", { token: "a", android: { ttl: "60" } }, "message.android.ttl", /end with 's'/],
    ["a short ttl", { token: "a", android: { ttl: "2419201s" } }, "message.android.ttl", /TTL/],
    [
      "headers of texts",
      { token: "a", apns: { headers: { "apns-priority": 10 } } },
      "message.apns.headers[0].value",
      /TYPE_STRING/,
    ],
    [
      "a short collapse id",
      { token: "a", apns: { headers: { "apns-collapse-id": "å".repeat(33) } } },
      undefined,
      /invalid argument/,
    ],
    ["4096 bytes", { token: "a", ...notification(4097) }, "message", /too big/],
    ["4096 bytes at scale", { token: "a", ...notification(40000) }, "message", /too big/],
    [
      "4096 bytes for APNs",
      { token: "a", apns: { payload: notification(4097) } },
      "message",
      /big/,
    ],
  ];
  const kept = [
    { token: "a", android: { ttl: "2419200s" } },
    { token: "a", android: { ttl: "0s" } },
    { token: "a", apns: { headers: { "apns-collapse-id": "å".repeat(32) } } },
    { token: "a", ...notification(4000) },
    { token: "a", notification: null },
  ];
  await withFake({}, async (fake) => {
    for (const [rule, message, field, says] of refused) {
      const answer = await read(await post(fake, { message }));
      assert.deepEqual([rule, answer.status, answer.grpcStatus, answer.field], [
        rule,
        400,
        "INVALID_ARGUMENT",
        field,
      ]);
      assert.match(answer.message, says, rule);
    }
    assert.equal(fake.accepted.length, 0);
    for (const message of kept) {
      assert.equal((await read(await post(fake, { message }))).status, 200);
    }
    assert.equal(fake.accepted.length, kept.length);
  });
});

Deno.test("a request must be a JSON object with known fields", async () => {
  await withFake({}, async (fake) => {
    const message = { token: "a" };
    for (const body of ["{", "[]", "null", "", JSON.stringify({ message, dry_run: true })]) {
      assert.match((await read(await post(fake, body))).message, /^Invalid JSON payload received/);
    }
    const plain = await post(fake, { message }, { contentType: "text/plain" });
    assert.match((await read(plain)).message, /content type/);
  });
});

Deno.test("another project is a 404 without FCM's error code", async () => {
  await withFake({}, async (fake) => {
    const answer = await read(await post(fake, { message: { token: "a" } }, { project: "other" }));
    assert.deepEqual([answer.status, answer.grpcStatus, answer.errorCode], [
      404,
      "NOT_FOUND",
      undefined,
    ]);
  });
});

Deno.test("another path or method is a 404 that isn't JSON", async () => {
  await withFake({}, async (fake) => {
    for (const path of ["/", "/v1/projects/fake-project/messages:send", "/token"]) {
      const response = await fetch(fake.endpoint + path);
      assert.deepEqual([response.status, response.headers.get("content-type")], [404, "text/html"]);
      await response.body?.cancel();
    }
  });
});

Deno.test("an access token must be one that was issued, and is neither expired nor revoked", async () => {
  await withFake({ expiresInSeconds: 0.5 }, async (fake) => {
    const message = { token: "a" };
    const reasonFor = async (authorization?: string) => {
      const answer = await read(
        await post(fake, { message }, authorization === undefined ? {} : { authorization }),
      );
      return answer.status === 200 ? "accepted" : `${answer.status} ${answer.reason}`;
    };
    assert.equal(await reasonFor(), "accepted");
    fake.revokeAccessTokens();
    assert.equal(await reasonFor(), "401 ACCESS_TOKEN_EXPIRED");
    const fresh = `Bearer ${await accessToken(fake)}`;
    assert.equal(await reasonFor(fresh), "accepted");
    await pause(550);
    assert.equal(await reasonFor(fresh), "401 ACCESS_TOKEN_EXPIRED");
    assert.equal(await reasonFor("Bearer made-up"), "401 ACCESS_TOKEN_TYPE_UNSUPPORTED");
    assert.equal(await reasonFor("Basic abc"), "401 CREDENTIALS_MISSING");
    assert.equal(fake.tokensIssued, 2);
  });
});

Deno.test("an assertion must be signed with the account's key, for this endpoint, short-lived and with the scope", async () => {
  await withFake({}, async (fake) => {
    const { privateKey: otherKey } = await generateKeyPair("RS256");
    const refusalOf = async (assertion: string, grantType?: string) => {
      const response = await askForToken(fake, assertion, grantType);
      assert.equal(response.status, 400);
      const { error, error_description: description } = await response.json();
      return `${error}: ${description}`;
    };
    const claimed = async (claims: Record<string, unknown>) =>
      await refusalOf(await assertionFor(fake, claims));
    const good = await assertionFor(fake);
    assert.match(await refusalOf(good, "saml2-bearer"), /^unsupported_grant_type/);
    assert.match(await refusalOf("rubbish"), /^invalid_grant: Invalid JWT Signature/);
    assert.match(
      await refusalOf(await assertionFor(fake, {}, otherKey)),
      /^invalid_grant: Invalid JWT Signature/,
    );
    assert.match(await claimed({ aud: "https://elsewhere" }), /^invalid_grant: .*audience/);
    assert.match(await claimed({ iss: "somebody@else" }), /^invalid_grant: .*account not found/);
    const expired = { iat: now() - 3000, exp: now() - 5 };
    assert.match(await claimed(expired), /^invalid_grant: .*short-lived/);
    assert.match(await claimed({ exp: now() + 7200 }), /^invalid_grant: .*short-lived/);
    assert.match(await claimed({ exp: undefined }), /^invalid_grant: .*short-lived/);
    const early = { iat: now() + 900, exp: now() + 1800 };
    assert.match(await claimed(early), /^invalid_grant: .*short-lived/);
    assert.match(await claimed({ scope: "https://elsewhere" }), /^invalid_scope/);
    assert.match(await claimed({ scope: undefined }), /^invalid_scope/);
    assert.equal(fake.tokensIssued, 0);
  });
});

Deno.test("the token endpoint can be broken", async () => {
  const answers: Answer[] = [
    { kind: "error", status: 400, errorCode: "invalid_grant", message: "Invalid JWT Signature." },
    { kind: "raw", status: 502, body: "Bad gateway", contentType: "text/html" },
    { kind: "close" },
  ];
  await withFake({ tokenAnswer: () => answers.shift() }, async (fake) => {
    const assertion = await assertionFor(fake);
    const refused = await askForToken(fake, assertion);
    assert.deepEqual([refused.status, await refused.json()], [400, {
      error: "invalid_grant",
      error_description: "Invalid JWT Signature.",
    }]);
    const broken = await askForToken(fake, assertion);
    assert.deepEqual([broken.status, await broken.text()], [502, "Bad gateway"]);
    await assert.rejects(askForToken(fake, assertion), TypeError);
    assert.equal(fake.tokensIssued, 0);
    assert.ok(await accessToken(fake));
  });
});

Deno.test("a service account is of Google's form, with a key of its own", async () => {
  const fakes = [await startFakeFcm(), await startFakeFcm()];
  const keys = new Set<string>();
  for (const fake of fakes) {
    const account = JSON.parse(fake.serviceAccount);
    assert.deepEqual([account.type, account.project_id, account.token_uri], [
      "service_account",
      fake.projectId,
      `${fake.endpoint}/token`,
    ]);
    assert.match(account.private_key, /^-----BEGIN PRIVATE KEY-----\n/);
    keys.add(account.private_key);
    await fake.stop();
  }
  assert.equal(keys.size, 2);
});

Deno.test("a connection carries one request after another, streamed or large ones too", async () => {
  await withFake({}, async (fake) => {
    const authorization = `Bearer ${await accessToken(fake)}`;
    const { hostname, port } = new URL(fake.endpoint);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const bytes = (text: string) => new TextEncoder().encode(text);
    const head = `POST /v1/projects/${fake.projectId}/messages:send HTTP/1.1\r\nHost: fake\r\n` +
      `Content-Type: application/json\r\nAuthorization: ${authorization}\r\n`;
    const small = JSON.stringify({ message: { token: "å-1" } });
    const large = JSON.stringify({ message: { token: "2" } }) + " ".repeat(50_000);
    const chunks = ['{"message":', ' {"token":\r\n"3"}}'].map((chunk) =>
      `${chunk.length.toString(16)}\r\n${chunk}\r\n`
    );
    const requests = [small, large].map((body) =>
      `${head}Content-Length: ${bytes(body).length}\r\n\r\n${body}`
    );
    requests.push(
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunks.join("")}0\r\n\r\n`,
      requests[0] ?? "",
    );
    const all = bytes(requests.join(""));
    const writing = (async () => {
      for (let i = 0; i < all.length; i += 999) {
        await connection.write(all.subarray(i, i + 999));
        if (i < 3000) await pause(2);
      }
    })();
    for (let i = 0; i < 500 && fake.acceptedCount < 4; i++) await pause(10);
    await writing;
    connection.close();
    assert.deepEqual(fake.accepted.map(({ token }) => token), ["å-1", "2", "3", "å-1"]);
  });
});

Deno.test("a body that is streamed is read whole", async () => {
  await withFake({}, async (fake) => {
    const response = await fetch(`${fake.endpoint}/v1/projects/${fake.projectId}/messages:send`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${await accessToken(fake)}`,
        "content-type": "application/json",
      },
      body: new Blob([JSON.stringify({ message: { token: "device" } })]).stream(),
    });
    assert.equal((await read(response)).status, 200);
  });
});

Deno.test("latency holds every answer, and requests overlap", async () => {
  await withFake({ latencyMilliseconds: 100 }, async (fake) => {
    await read(await sendTo(fake, "warm-up"));
    const started = performance.now();
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => await read(await sendTo(fake, `device-${i}`))),
    );
    const milliseconds = performance.now() - started;
    assert.ok(milliseconds >= 99 && milliseconds < 1000, `${milliseconds} ms`);
    assert.ok(fake.maxInFlight > 1 && fake.maxInFlight <= 20);
    assert.equal(fake.inFlight, 0);
  });
});

Deno.test("without keeping them, accepted messages are only counted", async () => {
  await withFake({ keepAccepted: false }, async (fake) => {
    await read(await sendTo(fake, "device"));
    assert.deepEqual([fake.accepted.length, fake.acceptedCount], [0, 1]);
  });
});

Deno.test("run by itself it prints one line, shows its log, and ends with its stdin", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", import.meta.resolve("./fake_fcm.ts"), "--latency=1"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  while (!printed.endsWith("\n")) printed += (await lines.read()).value ?? "\n";
  const { endpoint, serviceAccount } = JSON.parse(printed);
  const fake: FakeFcm = {
    ...{ endpoint, serviceAccount, projectId: JSON.parse(serviceAccount).project_id },
    ...{ accepted: [], validated: [], acceptedCount: 0, tokensIssued: 0, requests: 0 },
    ...{ inFlight: 0, maxInFlight: 0, revokeAccessTokens() {}, stop: () => Promise.resolve() },
  };
  assert.equal((await read(await sendTo(fake, "device"))).status, 200);
  const log = await (await fetch(`${endpoint}/fake/accepted`)).json();
  assert.deepEqual([log.length, log[0].token], [1, "device"]);
  assert.deepEqual(await (await fetch(`${endpoint}/fake/stats`)).json(), {
    accepted: 1,
    requests: 1,
    tokensIssued: 1,
    maxInFlight: 1,
  });
  await child.stdin.close();
  assert.equal((await child.status).code, 0);
  assert.deepEqual([(await lines.read()).done, printed.trim().includes("\n")], [true, false]);
});
