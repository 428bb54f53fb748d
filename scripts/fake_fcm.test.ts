import assert from "node:assert/strict";
import { type Answer, type FakeFcm, type FakeFcmOptions, startFakeFcm } from "./fake_fcm.ts";
import { accessToken, pause, post, read, sendTo, withFake } from "./fake_fcm_client.ts";

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
