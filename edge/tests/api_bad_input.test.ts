// Requests that are not as they should be: a whole problem that points at each fault,
// and nothing done.

import assert from "node:assert/strict";
import {
  type ApiWorld,
  assertIsProblem,
  assertProblem,
  inApiWorld,
  MENTORS,
  pointers,
  RUNS,
} from "./api_world.ts";

const MENTORS_PATH = "/active-peer-mentors";
const BATCH = "/evaluation-batch";

/** Fails if what the test asked for left anything behind. */
async function changingNothing(
  test: (world: ApiWorld, run: string) => Promise<void>,
): Promise<void> {
  await inApiWorld(async (world) => {
    const run = await world.addRun();
    const before = await world.written();
    await test(world, run);
    assert.equal(await world.written(), before);
    assert.deepEqual(world.api.complaints, []);
  });
}

Deno.test("an id that is no UUID is pointed at, whatever is to be done with it", async () => {
  await changingNothing(async (world, run) => {
    for (
      const id of [
        "1",
        "null",
        run.slice(1),
        `${run}0`,
        run.replaceAll("-", ""),
        `%7B${run}%7D`,
        `${run}%00`,
        `${run}%0A`,
        `${run}'--`,
        `${run};select%201`,
        "%F0%9F%99%82",
        "%E0%A4%A",
        "%",
        "%ff",
        "a".repeat(4000),
      ]
    ) {
      for (
        const [method, body] of [
          ["GET", undefined],
          ["PUT", { note: "A note" }],
          ["PUT", { stop: true }],
          ["DELETE", undefined],
        ] as const
      ) {
        const answer = await world.call("admin", method, `/${id}`, body);
        assertProblem(
          answer,
          400,
          "invalid-request",
          ["path #/id"],
          `${method} ${id.slice(0, 50)}`,
        );
      }
    }
    assert.equal((await world.call("admin", "GET", `/${run.toUpperCase()}`)).body.id, run);
  });
});

Deno.test("a limit that is none is pointed at, in both lists", async () => {
  await changingNothing(async (world) => {
    for (const path of ["", MENTORS_PATH]) {
      for (
        const query of [
          ...["0", "201", "-1", "1e9", "1e2", "1000000000", "9".repeat(400), "1.5", "+5", "%2B5"],
          ...[
            "",
            "ten",
            "0x10",
            "%20" + "5",
            "5%20",
            "5%00",
            "NaN",
            "Infinity",
            "null",
            "٣",
            "5;6",
          ],
          "5&limit=6",
          "5&limit=5",
        ]
      ) {
        const answer = await world.call("admin", "GET", `${path}?limit=${query}`);
        assertProblem(answer, 400, "invalid-request", ["query #/limit"], `${path} ${query}`);
      }
      for (const limit of ["1", "200", "007"]) {
        const answer = await world.call("admin", "GET", `${path}?limit=${limit}`);
        assert.equal(answer.status, 200, limit);
      }
    }
  });
});

Deno.test("parameters that are wrong, unknown or given twice are pointed at, all at once", async () => {
  await changingNothing(async (world, run) => {
    const moment = "2026-03-01T06:00:00Z";
    for (
      const [path, where] of [
        ["?status=finished", ["query #/status"]],
        ["?status=", ["query #/status"]],
        ["?status=failed&status=failed", ["query #/status"]],
        ["?job_name=A%20job", ["query #/job_name"]],
        ["?job_name=%00", ["query #/job_name"]],
        [`?job_name=${"a".repeat(64)}`, ["query #/job_name"]],
        ["?from=yesterday", ["query #/from"]],
        ["?from=2026-02-30T00:00:00Z", ["query #/from"]],
        ["?from=2026-03-01", ["query #/from"]],
        ["?from=2026-03-01T06:00:00+01:00", ["query #/from"]],
        ["?from=2026-03-01T25:00:00Z", ["query #/from"]],
        ["?from=infinity&to=-infinity", ["query #/from", "query #/to"]],
        ["?from=0000-01-01T00:00:00Z", ["query #/from"]],
        [`?from=${moment}&from=${moment}`, ["query #/from"]],
        ["?colour=red&shape=round", ["query #/colour", "query #/shape"]],
        ["?__proto__=1&constructor=2", ["query #", "query #/constructor"]],
        ["?%F0%9F%99%82=1", ["query #"]],
        ["?limit=0&status=on&colour=red", ["query #/status", "query #/limit", "query #/colour"]],
        [`/${run}?limit=1`, ["query #/limit"]],
        [`${MENTORS_PATH}?status=paused`, ["query #/status"]],
        [`${MENTORS_PATH}?chapter_id=x`, ["query #/chapter_id"]],
      ] as const
    ) {
      const answer = await world.call("admin", "GET", path);
      assert.equal(answer.status, 400, path);
      assertIsProblem(answer, path);
      assert.deepEqual(pointers(answer).sort(), [...where].sort(), path);
    }
    for (const [method, path] of [["POST", "?force=1"], ["DELETE", `/${run}?force=1`]] as const) {
      const answer = await world.call("admin", method, path);
      assertProblem(answer, 400, "invalid-request", ["query #/force"], method);
    }
  });
});

Deno.test("a time span that holds nothing is refused where it ends", async () => {
  await changingNothing(async (world) => {
    for (
      const to of ["2026-03-01T06:00:00Z", "2026-03-01T05:59:59.999999Z", "2025-01-01T00:00:00Z"]
    ) {
      const answer = await world.call("admin", "GET", `?from=2026-03-01T06:00:00Z&to=${to}`);
      assertProblem(answer, 422, "refused-argument", ["query #/to"], to);
    }
  });
});

Deno.test("fields that are wrong, unknown or missing are pointed at, all at once", async () => {
  await changingNothing(async (world, run) => {
    const user_ids = [MENTORS.inChapter];
    for (
      const [method, path, body, where] of [
        ["POST", "", [], ["#"]],
        ["POST", "", null, ["#"]],
        ["POST", "", 7, ["#"]],
        ["POST", "", "{}", ["#"]],
        ["POST", "", { scenarios: [] }, ["#/scenarios"]],
        ["POST", "", { scenarios: "inactivity" }, ["#/scenarios"]],
        ["POST", "", { scenarios: ["inactivity", 7, null] }, ["#/scenarios/1", "#/scenarios/2"]],
        ["POST", "", { scenarios: Array(101).fill("inactivity") }, ["#/scenarios"]],
        ["POST", "", { dry_run: "true", job_name: null }, ["#/dry_run", "#/job_name"]],
        ["POST", "", { dry_run: 1 }, ["#/dry_run"]],
        ["POST", "", { organisation_ids: [] }, ["#/organisation_ids"]],
        ["POST", "", { "a field": 1, "": 2 }, ["#", "#"]],
        ["PUT", `/${run}`, {}, ["#"]],
        ["PUT", `/${run}`, { stop: false }, ["#/stop"]],
        ["PUT", `/${run}`, { note: "A note", status: "completed" }, ["#/status"]],
        ["PUT", `/${run}`, { note: 7, stop: "yes" }, ["#/note", "#/stop"]],
        ["POST", BATCH, {}, ["#/user_ids"]],
        ["POST", BATCH, { user_ids: [] }, ["#/user_ids"]],
        ["POST", BATCH, { user_ids: MENTORS.inChapter }, ["#/user_ids"]],
        ["POST", BATCH, { user_ids: [...user_ids, "x", null] }, ["#/user_ids/1", "#/user_ids/2"]],
        ["POST", BATCH, { user_ids: Array(1001).fill(MENTORS.inChapter) }, ["#/user_ids"]],
        ["POST", BATCH, { user_ids: { length: 1 } }, ["#/user_ids"]],
        ["POST", BATCH, { user_ids, dry_run: null }, ["#/dry_run"]],
        ["POST", BATCH, { user_ids, as_of: "2030-01-01T00:00:00Z" }, ["#/as_of"]],
      ] as const
    ) {
      const what = `${method} ${path} ${JSON.stringify(body).slice(0, 80)}`;
      const answer = await world.call("admin", method, path, body);
      assert.equal(answer.status, 400, `${what}: ${answer.text}`);
      assertIsProblem(answer, what);
      assert.deepEqual(pointers(answer).sort(), where.map((one) => `body ${one}`).sort(), what);
    }
    for (const key of ["", "two words", "k".repeat(256), "nøkkel", "tab\there"]) {
      const answer = await world.call("admin", "POST", "", { dry_run: true }, {
        "idempotency-key": key,
      });
      assertProblem(answer, 400, "invalid-request", ["header #/idempotency-key"], key);
    }
  });
});

Deno.test("of many faults twenty are pointed at", async () => {
  await changingNothing(async (world) => {
    const answer = await world.call("admin", "POST", BATCH, { user_ids: Array(1000).fill("x") });
    assert.equal(answer.status, 400);
    assertIsProblem(answer, "a thousand faults");
    assert.equal(pointers(answer).length, 20);
  });
});

Deno.test("a body that can't be read is refused: its type, its size, its bytes, its JSON", async () => {
  await changingNothing(async (world, run) => {
    const authorization = `Bearer ${await world.token("admin")}`;
    const send = (body: BodyInit | null, type: string | null, path = BATCH, method = "POST") =>
      world.send(`${RUNS}${path}`, {
        method,
        headers: { authorization, ...(type === null ? {} : { "content-type": type }) },
        body,
      });
    const good = JSON.stringify({ user_ids: [MENTORS.inChapter] });
    for (
      const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-seq",
        "application/problem+json",
        "application/json; charset=iso-8859-1",
        "json",
        "",
      ]
    ) assertProblem(await send(good, type), 415, "unsupported-media-type", [], type);
    for (const type of ['application/json; charset="UTF-8"', "APPLICATION/JSON"]) {
      assert.equal((await send(good, type)).status, 200, type);
    }

    const large = `{"user_ids":["${"x".repeat(64 * 1024)}"]}`;
    assertProblem(await send(large, "application/json"), 413, "body-too-large");
    assertProblem(await send(large, "text/plain"), 413, "body-too-large");
    const chunks = new Blob([large]).stream();
    assertProblem(await send(chunks, "application/json"), 413, "body-too-large");
    const padded = good + " ".repeat(64 * 1024 - good.length);
    assert.equal((await send(padded, "application/json")).status, 200);
    assertProblem(await send(`${padded} `, "application/json"), 413, "body-too-large");

    for (
      const body of [
        "{",
        "{}}",
        "{'user_ids':[]}",
        "[1,]",
        "NaN",
        "undefined",
        "\0",
        "\ufeff{]",
        `{"user_ids":["\n"]}`,
        "[".repeat(60_000),
        "nul",
        "<x/>",
      ]
    ) {
      assertProblem(
        await send(body, "application/json"),
        400,
        "malformed-request",
        [],
        body.slice(0, 20),
      );
    }
    for (const bytes of [[0xff], [0xc0, 0x80], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xe2, 0x82]]) {
      const answer = await send(new Uint8Array(bytes), "application/json");
      assertProblem(answer, 400, "malformed-request", [], String(bytes));
    }
    for (const empty of ["", "  \n"]) {
      assertProblem(await send(empty, "application/json"), 400, "invalid-request", [
        "body #/user_ids",
      ]);
      assertProblem(
        await send(empty, "application/json", `/${run}`, "PUT"),
        400,
        "invalid-request",
        ["body #"],
      );
    }
    assertProblem(await send(null, null), 400, "invalid-request", ["body #/user_ids"]);
    const nested = `{"user_ids":${"[".repeat(30_000)}${"]".repeat(30_000)}}`;
    assertProblem(await send(nested, "application/json"), 400, "invalid-request", [
      "body #/user_ids/0",
    ]);
  });
});

Deno.test("what is sent is not said again", async () => {
  await changingNothing(async (world) => {
    const telling = "Xtelling4711";
    const answers = await Promise.all([
      world.call("admin", "GET", `/${telling}`),
      world.call(
        "admin",
        "GET",
        `?cursor=${telling}&status=${telling}&from=${telling}&limit=${telling}`,
      ),
      world.call("admin", "GET", `?${telling}=1`),
      world.call("admin", "GET", `/${telling}/${telling}`),
      world.call("admin", "POST", "", { job_name: telling, scenarios: [telling], [telling]: 1 }),
      world.call("admin", "POST", BATCH, { user_ids: [telling] }),
      world.call("admin", telling, ""),
      world.call("admin", "POST", "", {}, { "content-type": `text/${telling}` }),
      world.call("admin", "POST", "", {}, { "idempotency-key": `${telling} ` + "é" }),
      world.call(null, "GET", "", undefined, { authorization: `Bearer ${telling}` }),
    ]);
    for (const answer of answers) {
      assert.ok(answer.status >= 400, answer.text);
      assertIsProblem(answer, "telling");
      assert.ok(
        !(answer.text + JSON.stringify([...answer.headers])).includes(telling),
        answer.text,
      );
    }
    assert.ok(!world.api.log.join("\n").includes(telling));
  });
});

Deno.test("what is not served is not found; a method that is not there is answered with those that are", async () => {
  await changingNothing(async (world, run) => {
    const authorization = `Bearer ${await world.token("admin")}`;
    for (
      const path of [
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/scheduler-invocations",
        "/scheduler-invocations",
        "/API/v1/scheduler-invocations",
        "/api/v1/openapi.yaml",
        `${RUNS}//`,
        `${RUNS}/${run}//`,
        `${RUNS}/${run}/notes`,
        `${RUNS}%2F${run}`,
        `/api%2Fv1${RUNS.slice("/api/v1".length)}`,
      ]
    ) {
      for (const headers of [new Headers(), new Headers({ authorization })]) {
        assertProblem(await world.send(path, { headers }), 404, "not-found", [], path);
      }
    }
    for (
      const [method, path, allow] of [
        ["PATCH", "", "GET, HEAD, POST, OPTIONS"],
        ["DELETE", "", "GET, HEAD, POST, OPTIONS"],
        ["POST", `/${run}`, "GET, HEAD, PUT, DELETE, OPTIONS"],
        ["POST", MENTORS_PATH, "GET, HEAD, OPTIONS"],
        ["GET", BATCH, "POST, OPTIONS"],
        ["HEAD", BATCH, "POST, OPTIONS"],
        ["BREW", `/${run}`, "GET, HEAD, PUT, DELETE, OPTIONS"],
        ["POST", "/api/v1/openapi.json", "GET, HEAD, OPTIONS"],
      ] as const
    ) {
      const answer = await world.call("admin", method, path);
      assert.equal(answer.headers.get("allow"), allow, `${method} ${path}`);
      if (method === "HEAD") assert.deepEqual([answer.status, answer.text], [405, ""]);
      else assertProblem(answer, 405, "method-not-allowed", [], `${method} ${path}`);
    }
    // No header turns one method into another.
    const override = { "x-http-method-override": "DELETE" };
    const disguised = await world.call("admin", "POST", `/${run}`, {}, override);
    assertProblem(disguised, 405, "method-not-allowed");
  });
});
