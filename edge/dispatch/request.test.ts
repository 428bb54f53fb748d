// What a request may say, looked at from outside: by its answer.

import assert from "node:assert/strict";
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { handleScheduledInvocation } from "./handler.ts";
import { parseOrder } from "./request.ts";
import { listenForConnections, post, prepare, SECRET, watchedBody } from "./testing.ts";

const LIMIT = 64 * 1024;
const UUID = "8d7f6a52-3c0e-4a8e-9a51-0b7c1d2e3f40";

interface Refusal {
  status: number;
  type: string;
  message: string;
  headers: Headers;
}

/** The refusal of a request that must not get as far as the database. */
async function refusal(request: Request, secrets = [SECRET]): Promise<Refusal> {
  await using database = listenForConnections();
  const { dependencies, log } = prepare({ outbox: database.outbox, secrets });
  const response = await handleScheduledInvocation(request, dependencies);
  const answer = await response.json();
  assert.equal(database.count, 0, "the database was asked");
  assert.deepEqual(log.lines, []);
  assert.deepEqual(Object.keys(answer), ["error"]);
  assert.deepEqual(Object.keys(answer.error).sort(), ["message", "type"]);
  assert.equal(response.headers.get("content-type"), "application/json");
  const { type, message } = answer.error;
  assert.match(type, /^[a-z_]+$/);
  assert.ok(message.length > 10);
  return { status: response.status, type, message, headers: response.headers };
}

function signed(body: string, { at = new Date(), secret = SECRET } = {}): Record<string, string> {
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret, { format: "raw" }).sign("msg_1", at, body),
  };
}

Deno.test("without the right secret the answer is 401, and nothing is read, neither body nor database", async () => {
  for (
    const headers of [
      { "x-scheduler-secret": undefined },
      { "x-scheduler-secret": "" },
      { "x-scheduler-secret": "wrong" },
      { "x-scheduler-secret": undefined, authorization: "Bearer wrong" },
      { "x-scheduler-secret": undefined, "webhook-id": "msg_1" },
      // Asks for more than the right one would be given.
      { "x-scheduler-secret": "wrong", "content-length": "999999999" },
      { "x-scheduler-secret": "wrong", "content-type": "text/plain" },
    ]
  ) {
    const body = watchedBody("{}");
    const { status, type, headers: answered } = await refusal(post(body.stream, headers));
    assert.equal(status, 401);
    assert.equal(type, "unauthorized");
    assert.ok(answered.get("www-authenticate"));
    assert.equal(body.read, 0, JSON.stringify(headers));
  }
});

Deno.test("where no secret is configured every request is refused unread, signed ones too", async () => {
  for (const headers of [{}, signed("{}"), { "x-scheduler-secret": "" }]) {
    const body = watchedBody("{}");
    assert.equal((await refusal(post(body.stream, headers), [])).status, 401);
    assert.equal(body.read, 0);
  }
});

Deno.test("a signature that is old, from the future, of another secret or of another body is 401", async () => {
  const seconds = (count: number) => new Date(Date.now() + count * 1000);
  for (
    const headers of [
      signed("{}", { at: seconds(-400) }),
      signed("{}", { at: seconds(400) }),
      signed("{}", { secret: "another" }),
      signed('{"dry_run":true}'),
    ]
  ) {
    const request = post("{}", { "x-scheduler-secret": undefined, ...headers });
    assert.equal((await refusal(request)).status, 401);
  }
});

Deno.test("only POST starts a run", async () => {
  for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const request = new Request("https://example.org/", {
      method,
      headers: { "x-scheduler-secret": SECRET },
    });
    const { status, headers } = await refusal(request);
    assert.equal(status, 405);
    assert.equal(headers.get("allow"), "POST");
  }
});

Deno.test("another type than JSON is refused", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
    assert.equal((await refusal(post("{}", { "content-type": type }))).status, 415, type);
  }
  const untyped = post(new TextEncoder().encode("{}"), { "content-type": undefined });
  assert.equal((await refusal(untyped)).status, 415);
});

Deno.test("a body over 64 KiB is refused by its length, before it is read", async () => {
  const body = watchedBody("x".repeat(10));
  const request = post(body.stream, { "content-length": String(LIMIT + 1) });
  assert.equal((await refusal(request)).status, 413);
  assert.equal(body.read, 0);
});

Deno.test("a body over 64 KiB in chunks is refused as soon as it is seen", async () => {
  const body = watchedBody("x".repeat(10 * LIMIT), 1024);
  const { status, type } = await refusal(post(body.stream));
  assert.equal(status, 413);
  assert.equal(type, "body_too_large");
  assert.ok(body.read <= LIMIT + 2048);
});

Deno.test("a body that lies about its length is refused all the same", async () => {
  const body = watchedBody(" ".repeat(LIMIT) + "{}", 1000);
  assert.equal((await refusal(post(body.stream, { "content-length": "2" }))).status, 413);
});

Deno.test("a body of 64 KiB is read", async () => {
  const body = `{"a":1${" ".repeat(LIMIT - 7)}}`;
  assert.equal((await refusal(post(body))).type, "unknown_field");
});

Deno.test("what is not JSON is refused", async () => {
  for (const body of ["{", "nonsense", "{'a':1}", '{"a":1}}', "undefined", "\u0000"]) {
    const { status, type } = await refusal(post(body));
    assert.deepEqual([status, type], [400, "invalid_json"], body);
  }
});

Deno.test("JSON that is no object is refused", async () => {
  for (const body of ["null", "5", '"text"', "[]", "true", '[{"dry_run":true}]']) {
    assert.equal((await refusal(post(body))).status, 400, body);
  }
});

Deno.test("what is no UTF-8 is refused", async () => {
  const bytes = new Uint8Array([...new TextEncoder().encode('{"job_name":"'), 0xc3, 0x28, 0x22]);
  const { status, message } = await refusal(post(bytes));
  assert.equal(status, 400);
  assert.match(message, /UTF-8/);
});

Deno.test("a character that two chunks share is read as one", async () => {
  const body = watchedBody('{"triggered_by":"æ"}', 1);
  assert.match((await refusal(post(body.stream))).message, /triggered_by/);
});

Deno.test("a field of the wrong type is named", async () => {
  const wrong: Record<string, unknown[]> = {
    job_name: [5, true, [], {}],
    invocation_id: [5, true, "", "not a uuid", UUID.slice(1), `${UUID} `, [UUID]],
    scheduled_for: [
      ...[5, true, "", "tomorrow", "2026-03-01", "2026-03-01T06:00:00", {}],
      ...["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-02-29T00:00:00Z"],
      ...["0000-01-01T00:00:00Z", "2026-03-01T25:00:00Z", "2026-03-01T06:00:00+25"],
    ],
    triggered_by: [5, true, "", "two words", "x".repeat(64), "\n", []],
    scenarios: ["inactivity", 5, {}, [], [5], [null], [""], ["Robert'); drop"], [["inactivity"]]],
    organisation_ids: [UUID, 5, {}, [], [5], [null], ["no uuid"], Array(1001).fill(UUID)],
    dry_run: ["true", 1, 0, "", [], {}],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const { status, message } = await refusal(post({ [field]: value }));
      assert.equal(status, 400, `${field} ${JSON.stringify(value)}`);
      assert.ok(message.includes(field), message);
    }
  }
});

Deno.test("a label that could be a device's token, somebody's id or number is refused", async () => {
  for (
    const triggered_by of [
      "dKanariTokenOfADevice:APA91bHkanariKANARI",
      "ca9a41f0-9d1e-4c0a-8b1d-ca9a41f0ca9a",
      "tel:98765432",
    ]
  ) {
    const { status, message } = await refusal(post({ triggered_by }));
    assert.equal(status, 400, triggered_by);
    assert.match(message, /triggered_by must be a short label/);
  }
});

Deno.test("a bad one in a list is named by its place", async () => {
  const { message } = await refusal(post({ organisation_ids: [UUID, UUID, "x"] }));
  assert.match(message, /organisation_ids\[2\]/);
});

Deno.test("an unknown field is refused, with the known ones", async () => {
  for (const field of ["dryrun", "job", "__proto__", "constructor", "JOB_NAME", "", "user_ids"]) {
    const { status, type, message } = await refusal(post(`{"${field}": null}`));
    assert.deepEqual([status, type], [400, "unknown_field"]);
    assert.match(message, /job_name.*dry_run/);
  }
});

Deno.test("an empty body, an empty object and nulls all ask for the daily run", () => {
  const nothing = {
    job_name: null,
    invocation_id: null,
    scheduled_for: null,
    triggered_by: null,
    scenarios: null,
    organisation_ids: null,
    dry_run: null,
  };
  for (const body of ["", " \n", "{}", JSON.stringify(nothing)]) {
    const { invocation_id, triggered_by, ...rest } = parseOrder(body, null);
    assert.match(invocation_id, /^[0-9a-f-]{36}$/);
    assert.ok(triggered_by);
    assert.deepEqual(rest, {
      job_name: "scenario-evaluation",
      scheduled_for: null,
      webhook_id: null,
      scenarios: null,
      organisation_ids: null,
      dry_run: false,
    });
  }
});

Deno.test("every field is taken as it is said", () => {
  const fields = {
    job_name: "dispatch-backlog",
    invocation_id: UUID,
    scheduled_for: "2026-03-01T06:00:00Z",
    triggered_by: "pg_cron",
    scenarios: ["inactivity", "expiry"],
    organisation_ids: [UUID],
    dry_run: true,
  };
  assert.deepEqual(parseOrder(JSON.stringify(fields), "msg_1"), {
    ...fields,
    scheduled_for: "2026-03-01T06:00:00.000Z",
    webhook_id: "msg_1",
  });
});

Deno.test("a moment is taken as ISO and PostgreSQL write it, as the moment that it is", () => {
  const moments = {
    "2026-03-01T06:00:00Z": "2026-03-01T06:00:00.000Z",
    "2026-03-01T06:00:00+01:00": "2026-03-01T05:00:00.000Z",
    "2026-03-01T06:00:00+01": "2026-03-01T05:00:00.000Z",
    "2026-03-01 06:00:00.123456+00": "2026-03-01T06:00:00.123Z",
    "2026-03-01 06:00:00-0330": "2026-03-01T09:30:00.000Z",
    "2026-01-01T00:00:00+23:00": "2025-12-31T01:00:00.000Z",
    "2028-02-29T00:00:00Z": "2028-02-29T00:00:00.000Z",
  };
  for (const [scheduled_for, moment] of Object.entries(moments)) {
    const order = parseOrder(JSON.stringify({ scheduled_for }), null);
    assert.equal(order.scheduled_for, moment, scheduled_for);
  }
});

Deno.test("whatever JSON is sent, the answer is an order or the caller's mistake", () => {
  const field = fc.constantFrom(
    "job_name",
    "invocation_id",
    "scheduled_for",
    "triggered_by",
    "scenarios",
    "organisation_ids",
    "dry_run",
    "other",
  );
  fc.assert(fc.property(fc.dictionary(field, fc.jsonValue()), (body) => {
    try {
      assert.ok(parseOrder(JSON.stringify(body), null).job_name);
    } catch (error) {
      assert.ok(error instanceof Error && "status" in error, String(error));
    }
  }));
});
