// The API as a process of its own, with its own login: every operation once, and
// the OpenAPI document against what it really answers.

import assert from "node:assert/strict";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { createApp } from "../api/app.ts";
import { type Answer, type ApiWorld, inApiWorld, MENTORS, RUNS } from "./api_world.ts";

const BASE = "/api/v1";
const DOCUMENT = `${BASE}/openapi.json`;

Deno.test("without a token every operation is refused; but the document is for everybody", async () => {
  await inApiWorld(async (world) => {
    for (const { method, path } of await operations(world)) {
      const { status, headers } = await world.call(null, method, path);
      if (path === DOCUMENT) assert.equal(status, 200);
      else {
        assert.equal(status, 401, `${method} ${path}`);
        assert.equal(headers.get("www-authenticate"), "Bearer");
      }
    }
  });
});

Deno.test("who is no staff is refused by every operation, of a run that is there and of one that is not", async () => {
  await inApiWorld(async (world) => {
    const requests = [await world.addRun(), crypto.randomUUID()].flatMap((id) =>
      [
        ["GET", "", undefined],
        ["GET", "/active-peer-mentors", undefined],
        ["GET", `/${id}`, undefined],
        ["POST", "", {}],
        ["POST", "", { job_name: "housekeeping" }],
        ["PUT", `/${id}`, { note: "a note" }],
        ["PUT", `/${id}`, { stop: true }],
        ["DELETE", `/${id}`, undefined],
        ["POST", "/evaluation-batch", { user_ids: [MENTORS.assigned] }],
        ["POST", "/evaluation-batch", { user_ids: [id] }],
      ] as const
    );
    for (const [method, path, body] of requests) {
      for (const person of ["mentor", "nobody"] as const) {
        const { status, body: problem } = await world.call(person, method, path, body);
        assert.equal(status, 403, `${person} ${method} ${path}`);
        assert.equal(problem.type, "urn:scenario-scheduler:problem:forbidden");
      }
    }
    // What is no request of the document's is told to whoever has a token.
    const { status } = await world.call("nobody", "GET", "?cursor=abc");
    assert.equal(status, 400);
  });
});

Deno.test("an admin lists runs, newest first, page after page", async () => {
  await inApiWorld(async (world) => {
    const ids: string[] = [];
    for (const microsecond of ["000001", "000002", "000002", "000003"]) {
      ids.unshift(await world.addRun({ requested_at: `2026-03-01T06:00:00.${microsecond}Z` }));
    }
    const seen: string[] = [];
    let next: string | null = "";
    while (next !== null) {
      const { status, body } = await world.call(
        "admin",
        "GET",
        `?limit=3${next && `&cursor=${next}`}`,
      );
      assert.equal(status, 200);
      seen.push(...body.data.map(({ id }) => id));
      next = body.next_cursor;
    }
    assert.deepEqual([...seen].sort(), [...ids].sort());
    assert.deepEqual([seen[0], seen[3]], [ids[0], ids[3]]);

    const from = encodeURIComponent("2026-03-01T07:00:00.000002+01:00");
    const some = await world.call("admin", "GET", `?from=${from}&to=2026-03-01T06:00:00.000003Z`);
    assert.deepEqual(some.body.data.length, 2);
    assert.equal(some.body.data[0]?.requested_at, "2026-03-01T06:00:00.000002+00:00");
    const wrong = await world.call("admin", "GET", `?to=${from}&from=2026-03-02T00:00:00Z`);
    assert.equal(wrong.status, 422);
    assert.deepEqual(wrong.body.errors, [
      { in: "query", pointer: "#/to", detail: "from must be before to." },
    ]);
  });
});

Deno.test("a run that is asked for is found at its Location; the same key starts no second one", async () => {
  await inApiWorld(async (world) => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const started = await world.call("admin", "POST", "", { dry_run: true }, key);
    assert.equal(started.status, 202);
    assert.equal(started.headers.get("idempotency-replayed"), null);
    const location = new URL(
      started.headers.get("location") ?? "",
      `https://project.example.org/functions/v1${RUNS}`,
    );
    assert.equal(location.pathname, `/functions/v1${RUNS}/${started.body.id}`);
    const found = await world.call("admin", "GET", `/${started.body.id}`);
    assert.deepEqual([found.status, found.body.status], [200, "requested"]);
    assert.equal(found.body.triggered_by, "api");

    const again = await world.call("admin", "POST", "", { dry_run: true }, key);
    assert.deepEqual([again.status, again.body], [202, started.body]);
    assert.equal(again.headers.get("idempotency-replayed"), "true");
    const other = await world.call("admin", "POST", "", { dry_run: false }, key);
    assert.equal(other.status, 409);
  });
});

Deno.test("a run can be started without a body, and at a path with a slash at its end", async () => {
  await inApiWorld(async (world) => {
    const started = await world.call("admin", "POST", "/");
    assert.equal(started.status, 202);
    const location = new URL(
      started.headers.get("location") ?? "",
      `https://project.example.org${RUNS}/`,
    );
    assert.equal(location.pathname, `${RUNS}/${started.body.id}`);
    assert.equal(started.body.job_name, "scenario-evaluation");
  });
});

Deno.test("a note and a stop are both done, or neither is", async () => {
  await inApiWorld(async (world) => {
    const ended = await world.addRun();
    const refused = await world.call("admin", "PUT", `/${ended}`, { note: "stop it", stop: true });
    assert.equal(refused.status, 409);
    assert.equal((await world.call("admin", "GET", `/${ended}`)).body.note, null);

    await world
      .sql`update public.peer_mentors set status = 'inactive' where id = ${MENTORS.southern}`;
    const running = await world.addRun({ status: "running" });
    const done = await world.call("admin", "PUT", `/${running}`, {
      note: "Stopped 🙂",
      stop: true,
    });
    assert.equal(done.status, 200);
    assert.equal(done.body.note, "Stopped 🙂");
    assert.notEqual(done.body.stop_requested_at, null);
    const removed = await world.call("admin", "PUT", `/${running}`, { note: null });
    assert.equal(removed.body.note, null);
  });
});

Deno.test("a run that is deleted is gone; one of others was never there", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    const others = await world.call("otherAdmin", "DELETE", `/${id}`);
    const nobodys = await world.call("otherAdmin", "DELETE", `/${crypto.randomUUID()}`);
    assert.deepEqual([others.status, nobodys.status], [404, 404]);
    assert.equal(others.body.detail, nobodys.body.detail);
    const deleted = await world.call("admin", "DELETE", `/${id}`);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
    assert.equal((await world.call("admin", "GET", `/${id}`)).status, 404);
  });
});

Deno.test("a coordinator sees and evaluates the mentors in reach, and no other", async () => {
  await inApiWorld(async (world) => {
    const reached = [MENTORS.assigned, MENTORS.inChapter, MENTORS.assignedInChapter];
    const first = await world.call("coordinator", "GET", "/active-peer-mentors?limit=2");
    const second = await world.call(
      "coordinator",
      "GET",
      `/active-peer-mentors?limit=2&cursor=${first.body.next_cursor}`,
    );
    const seen = [...first.body.data, ...second.body.data].map(({ user_id }) => user_id);
    assert.deepEqual(seen, reached);
    assert.equal(second.body.next_cursor, null);

    const looked = await world.call("coordinator", "POST", "/evaluation-batch", {
      user_ids: reached,
    });
    assert.equal(looked.status, 200);
    assert.equal(looked.body.invocation_id, null);
    assert.equal(looked.body.candidates.length, 3);
    const outside = await world.call("coordinator", "POST", "/evaluation-batch", {
      user_ids: [MENTORS.assigned, MENTORS.outOfReach],
      dry_run: false,
    });
    assert.equal(outside.status, 422);
    assert.equal(outside.body.errors[0]?.pointer, "#/user_ids/1");
    const [{ count } = { count: -1 }] = await world.sql<{ count: number }[]>`
      select count(*)::integer as count from scheduler.notifications
    `;
    assert.equal(count, 0);
  });
});

Deno.test("a batch of a thousand fits; nothing stays of the caller on a connection", async () => {
  await inApiWorld(async (world) => {
    const user_ids = Array(1000).fill(MENTORS.assigned);
    const answered = await world.call("admin", "POST", "/evaluation-batch", { user_ids });
    assert.equal(answered.status, 200);
    // More requests at once than connections, of callers who see different runs.
    await world.addRun();
    const people = Array.from(
      { length: 40 },
      (_, i) => i % 2 ? "admin" as const : "otherAdmin" as const,
    );
    const answers = await Promise.all(people.map((person) => world.call(person, "GET")));
    assert.deepEqual(
      answers.map(({ body }) => body.data.length),
      people.map((person) => person === "admin" ? 1 : 0),
    );
  });
});

Deno.test("the scheduler that nobody connected is unavailable, and nothing is left of the attempt", async () => {
  await inApiWorld(async (world) => {
    await world.sql`delete from vault.secrets where name like 'scenario_scheduler_%'`;
    const { status, headers } = await world.call("admin", "POST", "", {});
    assert.equal(status, 503);
    assert.equal(headers.get("retry-after"), "60");
    assert.deepEqual((await world.call("admin", "GET")).body.data, []);
  });
});

type Json = Record<string, unknown>;

interface Operation {
  method: string;
  /** With an id where the document has {id}. */
  path: string;
  documented: Json;
  template: string;
}

async function readDocument(world: ApiWorld): Promise<Json> {
  const { status, body } = await world.call(null, "GET", DOCUMENT);
  assert.equal(status, 200);
  return body;
}

async function operations(
  world: ApiWorld,
  id: string = crypto.randomUUID(),
): Promise<Operation[]> {
  const { paths, servers } = await readDocument(world) as {
    paths: Json;
    servers: { url: string }[];
  };
  const base = new URL(servers[0]?.url ?? "", `https://project.example.org${DOCUMENT}`).pathname;
  assert.equal(base, BASE);
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods as Json).map(([method, documented]) => ({
      method: method.toUpperCase(),
      path: `${base}${template.replace("{id}", id)}`,
      documented: documented as Json,
      template,
    }))
  );
}

Deno.test("the document is good OpenAPI 3.1", async () => {
  await inApiWorld(async (world) => {
    const document = await readDocument(world);
    assert.equal(document["openapi"], "3.1.0");
    const { valid, errors } = await new Validator().validate(document);
    assert.ok(valid, JSON.stringify(errors));
  });
});

/** The schema of an answer as the document has it, for Ajv. */
function answerSchema(template: string, method: string, status: number, type: string): string {
  const steps = [
    "paths",
    template,
    method.toLowerCase(),
    "responses",
    String(status),
    "content",
    type,
  ];
  const pointer = [...steps, "schema"].map((step) =>
    encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))
  );
  return `document#/${pointer.join("/")}`;
}

/** Fails unless the answer is one that the document has for the operation. */
function checkAnswer(ajv: Ajv2020, operation: Operation, answer: Answer): void {
  const what = `${operation.method} ${operation.template}: ${answer.status}`;
  const { responses } = operation.documented as { responses: Record<string, Json> };
  const documented = responses[answer.status];
  assert.ok(documented, `${what} is not documented`);
  for (const name of Object.keys((documented["headers"] as Json | undefined) ?? {})) {
    if (name === "Idempotency-Replayed") continue; // only where it is so
    assert.ok(answer.headers.has(name), `${what} has no ${name}`);
  }
  if (!documented["content"]) return assert.equal(answer.text, "", what);
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  assert.ok(Object.hasOwn(documented["content"], type), `${what} is not ${type} in the document`);
  const isAsDocumented = ajv.getSchema(
    answerSchema(operation.template, operation.method, answer.status, type),
  );
  assert.ok(isAsDocumented, `${what} has no schema`);
  assert.ok(isAsDocumented(answer.body), `${what}: ${JSON.stringify(isAsDocumented.errors)}`);
}

/** All properties are documented, too: a document that says less than is answered is wrong. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const copy: Json = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, closed(inner)]),
  );
  const isObject = copy["type"] === "object" && "properties" in copy;
  return isObject && !("additionalProperties" in copy)
    ? { ...copy, additionalProperties: false }
    : copy;
}

Deno.test("every operation is called, and whatever it answers is as the document says", async () => {
  await inApiWorld(async (world) => {
    await world
      .sql`update public.peer_mentors set status = 'inactive' where id = ${MENTORS.southern}`;
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema(closed(await readDocument(world)) as Json, "document");

    const running = await world.addRun({ status: "running", job_name: "dispatch-backlog" });
    const evaluated = await world.call("admin", "POST", "/evaluation-batch", {
      user_ids: [MENTORS.inChapter],
      dry_run: false,
      scenarios: ["inactivity"],
    });
    const id = evaluated.body.invocation_id ?? "";
    const all = await operations(world, id);
    const called = new Set<string>();
    const statuses = new Set<number>();
    const check = async (
      person: Parameters<ApiWorld["call"]>[0],
      method: string,
      path: string,
      body?: unknown,
      headers?: Record<string, string>,
    ): Promise<Answer> => {
      const answer = await world.call(person, method, path, body, headers);
      const [plain = ""] = path.split("?");
      const asked = plain.replace(/\/[^/]*-[^/]*-4[^/]*$|\/no-id$/, `/${id}`);
      const operation = all.find((one) =>
        one.method === method &&
        one.path === (plain.startsWith("/api/") ? plain : `${RUNS}${asked}`)
      );
      assert.ok(operation, `${method} ${path} is not documented`);
      checkAnswer(ajv, operation, answer);
      if (answer.status < 300) called.add(String(operation.documented["operationId"]));
      statuses.add(answer.status);
      return answer;
    };

    await check(null, "GET", DOCUMENT);
    await check(null, "GET", `${DOCUMENT}?x=1`);
    await check("admin", "GET", "");
    await check("coordinator", "GET", "");
    await check("admin", "GET", "?limit=x&colour=red");
    await check("admin", "GET", "?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z");
    await check("admin", "GET", "/active-peer-mentors");
    await check("nobody", "GET", "/active-peer-mentors");
    await check(null, "GET", "/active-peer-mentors");
    await check("admin", "GET", `/${id}`);
    await check("coordinator", "GET", `/${id}`);
    await check("otherAdmin", "GET", `/${id}`);
    await check("admin", "GET", "/no-id");
    const key = { "idempotency-key": "one" };
    const body = { job_name: "scenario-evaluation", scenarios: ["expiry"], dry_run: true };
    await check("admin", "POST", "", body, key);
    await check("admin", "POST", "", body, key);
    await check("admin", "POST", "", {}, key);
    await check("admin", "POST", "", { job_name: "housekeeping" });
    await check("admin", "POST", "", { job_name: 7 });
    await check("admin", "POST", "", {}, { "content-type": "text/plain" });
    await check("admin", "POST", "/evaluation-batch", {
      user_ids: Object.values(MENTORS).slice(0, 4),
    });
    await check("admin", "POST", "/evaluation-batch", {
      user_ids: [MENTORS.inChapter],
      dry_run: false,
    });
    await world.sql`select scheduler.pause(job_name => 'scenario-evaluation')`;
    const paused = await check("admin", "POST", "/evaluation-batch", {
      user_ids: [MENTORS.inChapter],
      dry_run: false,
    });
    assert.equal(paused.status, 409);
    await world.sql`select scheduler.resume(job_name => 'scenario-evaluation')`;
    await check("admin", "POST", "/evaluation-batch", { user_ids: [MENTORS.southern] });
    await check("admin", "POST", "/evaluation-batch", {
      user_ids: Array(2000).fill(MENTORS.southern),
    });
    await check("admin", "PUT", `/${running}`, { note: "A note", stop: true });
    await check("admin", "PUT", `/${id}`, { stop: true });
    await check("admin", "PUT", `/${id}`, { note: "\0" });
    await check("admin", "DELETE", `/${running}`);
    await check("coordinator", "DELETE", `/${id}`);
    await check("admin", "DELETE", `/${id}`);
    await check("admin", "DELETE", `/${id}`);
    await world.sql`delete from vault.secrets where name like 'scenario_scheduler_%'`;
    await check("admin", "POST", "", {});

    assert.deepEqual(
      [...called].sort(),
      all.map(({ documented }) => String(documented["operationId"])).sort(),
    );
    assert.deepEqual(
      [...statuses].sort(),
      [200, 202, 204, 400, 401, 403, 404, 409, 413, 415, 422, 503],
    );
  });
});

Deno.test("nothing is served that is not documented", async () => {
  await inApiWorld(async (world) => {
    const app = createApp({
      verify: () => Promise.reject(new Error("not asked")),
      asCaller: () => Promise.reject(new Error("not asked")),
    });
    const served = app.routes.map(({ method, path }) =>
      `${method} ${BASE}${path.replaceAll(/:(\w+)/g, "{$1}")}`
    );
    const documented = (await operations(world)).map(({ method, template }) =>
      `${method} ${BASE}${template}`
    );
    assert.deepEqual([...new Set(served)].sort(), documented.sort());
  });
});
