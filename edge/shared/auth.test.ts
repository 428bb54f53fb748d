import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { authenticate, offersSignature } from "./auth.ts";

const SECRET = "3f9a1c5e7b2d4f608192a3b4c5d6e7f80f1e2d3c4b5a69788796a5b4c3d2e1f0";
const OTHER = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const BODY = '{"job_name":"scenario-evaluation"}';

type Given = Record<string, string>;
const given = (headers: Given, secrets: string[], body?: string) =>
  authenticate(new Headers(headers), body, secrets);
const hexBytes = (hex: string) =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

function sign(webhook: Webhook, { body = BODY, at = new Date(), id = "msg_1" } = {}): Given {
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": webhook.sign(id, at, body),
  };
}
const seconds = (count: number) => new Date(Date.now() + count * 1000);

Deno.test("who sends the secret is let in, in its own header or as a bearer", async () => {
  for (
    const headers of [
      { "x-scheduler-secret": SECRET } as Given,
      { authorization: `Bearer ${SECRET}` },
      { authorization: `bearer ${SECRET}` },
      // An empty or wrong one does not spoil the other.
      { "x-scheduler-secret": "", authorization: `Bearer ${SECRET}` },
      { "x-scheduler-secret": OTHER, authorization: `Bearer ${SECRET}` },
      { "x-scheduler-secret": SECRET, authorization: `Bearer ${OTHER}` },
    ]
  ) assert.deepEqual(await given(headers, [SECRET]), { kind: "secret" });
});

Deno.test("who sends another secret, part of it, more than it or nothing is not let in", async () => {
  for (
    const wrong of [
      OTHER,
      SECRET.slice(0, -1),
      SECRET + "0",
      SECRET.toUpperCase(),
      `${SECRET},${SECRET}`,
      "",
    ]
  ) {
    assert.equal(await given({ "x-scheduler-secret": wrong }, [SECRET]), undefined, wrong);
    assert.equal(await given({ authorization: `Bearer ${wrong}` }, [SECRET]), undefined, wrong);
  }
  assert.equal(await given({}, [SECRET]), undefined);
  assert.equal(await given({ authorization: `Basic ${SECRET}` }, [SECRET]), undefined);
  assert.equal(await given({ authorization: SECRET }, [SECRET]), undefined);
});

Deno.test("before, during and after a rotation the right ones are let in; without secrets nobody is", async () => {
  const admits = async (secrets: string[]) =>
    await Promise.all([OTHER, SECRET].map(async (secret) => {
      const bySecret = await given({ "x-scheduler-secret": secret }, secrets);
      const bySignature = await given(
        sign(new Webhook(secret, { format: "raw" })),
        secrets,
        BODY,
      );
      assert.equal(bySecret !== undefined, bySignature !== undefined);
      return bySecret !== undefined;
    }));
  const [previous, current] = [OTHER, SECRET];
  assert.deepEqual(await admits([previous]), [true, false]);
  assert.deepEqual(await admits([current, previous]), [true, true]);
  assert.deepEqual(await admits([current]), [false, true]);
  assert.deepEqual(await admits([]), [false, false]);
});

Deno.test("a secret is compared by its digest with each that is configured, whether one matched or not", async () => {
  const digest = crypto.subtle.digest;
  const digested: string[] = [];
  crypto.subtle.digest = (algorithm, data) => {
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer) : new Uint8Array(data);
    digested.push(new TextDecoder().decode(bytes));
    return digest.call(crypto.subtle, algorithm, data);
  };
  try {
    for (const sent of [SECRET, OTHER, "short"]) {
      digested.length = 0;
      await given({ "x-scheduler-secret": sent }, [SECRET, OTHER]);
      assert.ok(digested.includes(SECRET) && digested.includes(OTHER), sent);
      assert.ok(digested.includes(sent));
    }
  } finally {
    crypto.subtle.digest = digest;
  }
});

Deno.test("a signature is good whether its secret is read as it is, as hex or as base64", async () => {
  const base64 = btoa("a key of thirty-two bytes, or so.");
  for (
    const [secret, webhook] of [
      [SECRET, new Webhook(SECRET, { format: "raw" })],
      [SECRET, new Webhook(hexBytes(SECRET), { format: "raw" })],
      [SECRET, new Webhook(SECRET)],
      [base64, new Webhook(base64)],
      [`whsec_${base64}`, new Webhook(base64)],
      [`whsec_${base64}`, new Webhook(`whsec_${base64}`)],
      [
        "a secret, that is no base64!",
        new Webhook("a secret, that is no base64!", { format: "raw" }),
      ],
    ] as const
  ) {
    assert.deepEqual(await given(sign(webhook), [secret], BODY), {
      kind: "signature",
      webhookId: "msg_1",
    }, secret);
  }
});

Deno.test("one good signature of several is enough", async () => {
  const headers = sign(new Webhook(SECRET));
  const several = `v1,bm90IHRoaXM= v2,abc ${headers["webhook-signature"]}`;
  assert.ok(await given({ ...headers, "webhook-signature": several }, [SECRET], BODY));
});

Deno.test("a signature of another body, id, time or secret, or of another version, is refused", async () => {
  const headers = sign(new Webhook(SECRET));
  const signature = headers["webhook-signature"] ?? "";
  const refused = async (changes: Given, body = BODY) =>
    assert.equal(await given({ ...headers, ...changes }, [SECRET], body), undefined);
  assert.ok(await given(headers, [SECRET], BODY));
  await refused({}, BODY.replace("evaluation", "Evaluation"));
  await refused({}, BODY + " ");
  await refused({}, "");
  await refused({ "webhook-id": "msg_2" });
  await refused({ "webhook-timestamp": String(Math.floor(Date.now() / 1000) - 1) });
  await refused({ "webhook-timestamp": "now" });
  await refused({ "webhook-signature": signature.replace("v1,", "v2,") });
  await refused({ "webhook-signature": signature.replace("v1,", "") });
  await refused({ "webhook-signature": "v1," });
  await refused({ "webhook-signature": "v1" });
  await refused({ "webhook-signature": "" });
  await refused(sign(new Webhook(OTHER)));
});

Deno.test("a signature is good for five minutes, to either side", async () => {
  const webhook = new Webhook(SECRET);
  for (const at of [-295, 295]) {
    assert.ok(await given(sign(webhook, { at: seconds(at) }), [SECRET], BODY), String(at));
  }
  for (const at of [-310, 310, -86_400, 86_400]) {
    assert.equal(await given(sign(webhook, { at: seconds(at) }), [SECRET], BODY), undefined);
  }
});

Deno.test("a signature counts only when all of it is there", async () => {
  const headers = sign(new Webhook(SECRET));
  assert.ok(offersSignature(new Headers(headers)));
  for (const name of Object.keys(headers)) {
    const { [name]: _, ...rest } = headers;
    assert.ok(!offersSignature(new Headers(rest)));
    assert.equal(await given(rest, [SECRET], BODY), undefined);
  }
});

Deno.test("a signed empty body is good", async () => {
  assert.ok(await given(sign(new Webhook(SECRET), { body: "" }), [SECRET], ""));
});

Deno.test("text beyond ASCII is signed as UTF-8", async () => {
  const body = '{"triggered_by":"påminnelse 🙂"}';
  assert.ok(await given(sign(new Webhook(SECRET), { body }), [SECRET], body));
});

Deno.test("a bad secret does not spoil a good signature", async () => {
  const headers = { ...sign(new Webhook(SECRET)), authorization: "Bearer a.jwt.of.the.platform" };
  assert.equal((await given(headers, [SECRET], BODY))?.kind, "signature");
});
