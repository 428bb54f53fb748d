import assert from "node:assert/strict";
import { generateKeyPair } from "jose";
import { type Answer, startFakeFcm } from "./fake_fcm.ts";
import {
  accessToken,
  askForToken,
  assertionFor,
  now,
  pause,
  post,
  read,
  withFake,
} from "./fake_fcm_client.ts";

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
