import assert from "node:assert/strict";
import { TypedError } from "../shared/errors.ts";
import { StructuredLogger } from "../shared/logger.ts";
import { createHandler, type Dependencies } from "./handler.ts";
import { unauthenticated } from "./problems.ts";

const RUNS = "https://project.example.org/api/v1/scheduler-invocations";
const ID = "8455ed99-e5b1-424d-8657-df3a9e84c4bb";
const CALLER = { sub: "a0000000-0000-4000-8000-000000000001", role: "authenticated" } as const;

function api(changes: Partial<Dependencies> = {}) {
  const log: Record<string, unknown>[] = [];
  let asked = 0;
  const handle = createHandler({
    verify: () => Promise.resolve(CALLER),
    asCaller: () => {
      asked++;
      return Promise.reject(new Error("no database here"));
    },
    logger: new StructuredLogger((line) => log.push(JSON.parse(line))),
    allowedOrigins: [],
    clock: () => 0,
    ...changes,
  });
  const call = async (method: string, path: string, init: RequestInit = {}) => {
    const url = path.startsWith("http") ? path : `${RUNS}${path}`;
    const response = await handle(new Request(url, { method, ...init }));
    return { response, problem: await response.clone().json().catch(() => undefined) };
  };
  return { call, log, asked: () => asked };
}

const json = (body: string, type = "application/json") => ({
  headers: { "content-type": type },
  body,
});

Deno.test("what is not there is not found, and a method that is not there is answered with those that are", async () => {
  const { call } = api();
  for (
    const url of [
      "https://project.example.org/",
      "https://project.example.org/api",
      "https://project.example.org/api/v1",
      "https://project.example.org/api/v2/scheduler-invocations",
      `${RUNS}/a/b`,
      `${RUNS}//`,
      `${RUNS}%00`,
    ]
  ) assert.equal((await call("GET", url)).response.status, 404, url);
  for (
    const [method, path, allow] of [
      ["PATCH", "", "GET, HEAD, POST, OPTIONS"],
      ["DELETE", "", "GET, HEAD, POST, OPTIONS"],
      ["POST", `/${ID}`, "GET, HEAD, PUT, DELETE, OPTIONS"],
      ["PUT", "/active-peer-mentors", "GET, HEAD, OPTIONS"],
      ["GET", "/evaluation-batch", "POST, OPTIONS"],
      ["BREW", `/${ID}`, "GET, HEAD, PUT, DELETE, OPTIONS"],
    ] as const
  ) {
    const { response, problem } = await call(method, path);
    assert.equal(response.status, 405, `${method} ${path}`);
    assert.equal(problem.type, "urn:scenario-scheduler:problem:method-not-allowed");
    assert.equal(response.headers.get("allow"), allow);
  }
  const options = await call("OPTIONS", `/${ID}`);
  assert.equal(options.response.status, 204);
  assert.equal(options.response.headers.get("allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
});

Deno.test("without a good token nothing is read, and no query made", async () => {
  const { call, asked } = api({ verify: () => Promise.reject(unauthenticated()) });
  let read = false;
  const body = new ReadableStream({
    pull() {
      read = true;
    },
  }, { highWaterMark: 0 });
  const { response } = await call("POST", "?nonsense", { body });
  assert.equal(response.status, 401);
  assert.equal(response.headers.get("www-authenticate"), "Bearer");
  assert.equal(read, false);
  assert.equal(asked(), 0);
});

Deno.test("what is not as the document says is pointed at, and no query made", async () => {
  const { call, asked } = api();
  const batch = (value: unknown) => JSON.stringify(value);
  for (
    const [method, path, init, pointers] of [
      ["GET", "?limit=0", {}, ["query #/limit"]],
      ["GET", "?limit=201", {}, ["query #/limit"]],
      ["GET", "?limit=1e2", {}, ["query #/limit"]],
      ["GET", "?limit=", {}, ["query #/limit"]],
      ["GET", "?limit=1&limit=2", {}, ["query #/limit"]],
      ["GET", "?status=on", {}, ["query #/status"]],
      ["GET", "?job_name=%00", {}, ["query #/job_name"]],
      ["GET", "?from=yesterday&to=2026-02-30T00:00:00Z", {}, ["query #/from", "query #/to"]],
      ["GET", "?from=2026-03-01T00:00:00%2B23:00", {}, ["query #/from"]],
      ["GET", "?colour=red", {}, ["query #/colour"]],
      ["GET", "?%F0%9F%99%82=1", {}, ["query #"]],
      ["GET", "?cursor=abc", {}, ["query #/cursor"]],
      ["GET", "/active-peer-mentors?chapter_id=1", {}, ["query #/chapter_id"]],
      ["GET", "/not-an-id", {}, ["path #/id"]],
      ["GET", `/${ID}?limit=1`, {}, ["query #/limit"]],
      ["DELETE", `/${ID}%00`, {}, ["path #/id"]],
      ["POST", "", { headers: { "idempotency-key": "two words" } }, ["header #/idempotency-key"]],
      ["POST", "", json('{"scenarios":[]}'), ["body #/scenarios"]],
      ["POST", "", json('{"scenarios":["ok",7]}'), ["body #/scenarios/1"]],
      ["POST", "", json('{"dry_run":"yes","job_name":null}'), [
        "body #/job_name",
        "body #/dry_run",
      ]],
      ["POST", "", json('{"__proto__":{},"force":1}'), ["body #", "body #/force"]],
      ["POST", "", json("[]"), ["body #"]],
      ["POST", "", json("null"), ["body #"]],
      ["POST", "", json("1e999"), ["body #"]],
      ["PUT", `/${ID}`, json("{}"), ["body #"]],
      ["PUT", `/${ID}`, {}, ["body #"]],
      ["PUT", `/${ID}`, json('{"stop":false}'), ["body #/stop"]],
      ["PUT", `/${ID}`, json('{"note":"\\u0000"}'), ["body #/note"]],
      ["PUT", `/${ID}`, json('{"note":"\\ud800"}'), ["body #/note"]],
      ["PUT", `/${ID}`, json(`{"note":"${"🙂".repeat(1001)}"}`), ["body #/note"]],
      ["POST", "/evaluation-batch", json(batch({ user_ids: [] })), ["body #/user_ids"]],
      ["POST", "/evaluation-batch", json(batch({ user_ids: [ID, "x"] })), ["body #/user_ids/1"]],
      [
        "POST",
        "/evaluation-batch",
        json(batch({ user_ids: Array(1001).fill(ID) })),
        ["body #/user_ids"],
      ],
    ] as const
  ) {
    const { response, problem } = await call(method, path, init);
    const what = `${method} ${path} ${"body" in init ? init.body : ""}`.slice(0, 80);
    assert.equal(response.status, 400, what);
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    const found = problem.errors.map((one: { in: string; pointer: string }) =>
      `${one.in} ${one.pointer}`
    );
    assert.deepEqual(found.sort(), [...pointers].sort(), what);
  }
  assert.equal(asked(), 0);
});

Deno.test("a thousand faults are told by the first twenty", async () => {
  const body = JSON.stringify({ user_ids: Array(1000).fill("x") });
  const { problem } = await api().call("POST", "/evaluation-batch", json(body));
  assert.equal(problem.errors.length, 20);
});

Deno.test("a body that is too large, of another type, no JSON or no UTF-8 is refused", async () => {
  const { call, asked } = api();
  for (
    const [init, status] of [
      [json(JSON.stringify({ note: "x".repeat(64 * 1024) })), 413],
      [json("{}", "text/plain"), 415],
      [json("{}", "application/x-www-form-urlencoded"), 415],
      [json("{}", "application/problem+json"), 415],
      [json("{"), 400],
      [json("["), 400],
      [json("[".repeat(60_000)), 400],
      [
        { headers: { "content-type": "application/json" }, body: new Uint8Array([0x22, 0xff]) },
        400,
      ],
    ] as const
  ) assert.equal((await call("PUT", `/${ID}`, init)).response.status, status);
  assert.equal(asked(), 0);
});

Deno.test("what fails inside is told with the id under which the log has it, and nothing else", async () => {
  const { call, log } = api({
    asCaller: () => Promise.reject(new Error(`kanari ${ID}`)),
  });
  const { response, problem } = await call("GET", "");
  assert.equal(response.status, 500);
  assert.ok(!JSON.stringify(problem).includes("kanari"));
  const [entry] = log;
  assert.equal(problem.instance, `urn:uuid:${entry?.["request_id"]}`);
  assert.equal(entry?.["level"], "error");
  assert.equal(entry?.["error_type"], "evaluation_logic_error");
  assert.ok(!JSON.stringify(entry).includes("kanari"));
});

Deno.test("a database that doesn't answer, or keys that can't be fetched, are worth another try", async () => {
  for (const type of ["timeout_error", "network_error"] as const) {
    const { call, log } = api({ verify: () => Promise.reject(new TypedError(type, "no answer")) });
    const { response } = await call("GET", "");
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "5");
    assert.equal(log[0]?.["error_type"], type);
  }
});

Deno.test("a request is one line in the log, with its route and no more of its address", async () => {
  const { call, log } = api();
  await call("GET", `/${ID}?secret=kanari`);
  await call("KANARI", "/kanari");
  await call("GET", "https://project.example.org/kanari");
  assert.deepEqual(log.map(({ method, route, status }) => [method, route, status]), [
    ["GET", "/api/v1/scheduler-invocations/{id}", 400],
    ["other", "/api/v1/scheduler-invocations/{id}", 405],
    ["GET", "none", 404],
  ]);
  const said = JSON.stringify(log);
  assert.ok(!said.includes("kanari") && !said.includes(ID) && !said.includes(CALLER.sub));
});

Deno.test("an allowed origin reads every answer, a problem too, and may ask before", async () => {
  const origin = "https://app.example.org";
  const { call } = api({ allowedOrigins: [origin] });
  const headers = { origin };
  for (const path of ["", "?limit=0", "/a/b"]) {
    const { response } = await call("GET", path, { headers });
    assert.equal(response.headers.get("access-control-allow-origin"), origin, path);
    assert.equal(response.headers.get("vary"), "Origin");
  }
  const preflight = await call("OPTIONS", `/${ID}`, {
    headers: { ...headers, "access-control-request-method": "PUT" },
  });
  assert.equal(preflight.response.status, 204);
  assert.match(preflight.response.headers.get("access-control-allow-methods") ?? "", /\bPUT\b/);
});

Deno.test("no answer is kept by a cache or taken for a page", async () => {
  const { call } = api();
  for (const path of ["", "/a/b", "https://project.example.org/api/v1/openapi.json"]) {
    const { headers } = (await call("GET", path)).response;
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
});
