// Pages of other origins, and the methods that only ask: OPTIONS and HEAD.

import assert from "node:assert/strict";
import { type ApiWorld, inApiWorld, type Person, RUNS } from "./api_world.ts";

const APP = "https://app.example.org";
const OTHER_APP = "http://127.0.0.1:5173";
const ALLOWING = { environment: { API_ALLOWED_ORIGINS: `${APP}, ${OTHER_APP}` } };

const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

const preflight = (world: ApiWorld, path: string, origin: string, method: string) =>
  world.call(null, "OPTIONS", path, undefined, {
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": "authorization,content-type,idempotency-key",
  });

Deno.test("a page of an allowed origin is told what it may send, without a token", async () => {
  await inApiWorld(async (world) => {
    for (const origin of [APP, OTHER_APP]) {
      for (
        const [path, methods] of [
          ["", "GET, HEAD, POST, OPTIONS"],
          [`/${crypto.randomUUID()}`, "GET, HEAD, PUT, DELETE, OPTIONS"],
          ["/active-peer-mentors", "GET, HEAD, OPTIONS"],
          ["/evaluation-batch", "POST, OPTIONS"],
          ["/api/v1/openapi.json", "GET, HEAD, OPTIONS"],
        ] as const
      ) {
        const { status, headers, text } = await preflight(world, path, origin, "POST");
        assert.deepEqual([status, text, headers.get("vary")], [204, "", "Origin"], path);
        assert.deepEqual(corsOf(headers), {
          "access-control-allow-origin": origin,
          "access-control-allow-methods": methods,
          "access-control-allow-headers":
            "authorization, content-type, idempotency-key, apikey, x-client-info",
          "access-control-max-age": "600",
        }, path);
      }
    }
    assert.equal((await world.sql`select from scheduler.invocations`).length, 0);
  }, ALLOWING);
});

Deno.test("a page of an allowed origin may read every answer, a refusal too", async () => {
  await inApiWorld(async (world) => {
    const statuses = new Set<number>();
    for (
      const [person, method, path, body] of [
        ["admin", "GET", "", undefined],
        ["admin", "POST", "", {}],
        [null, "GET", "", undefined],
        ["nobody", "GET", "", undefined],
        ["admin", "GET", "?limit=0", undefined],
        ["admin", "GET", `/${crypto.randomUUID()}`, undefined],
        ["admin", "PATCH", "", undefined],
        ["admin", "POST", "", {}],
        ["admin", "POST", "", { job_name: "housekeeping" }],
        ["admin", "GET", "/api/v1/nowhere", undefined],
      ] as [Person | null, string, string, unknown][]
    ) {
      const { status, headers } = await world.call(person, method, path, body, { origin: APP });
      statuses.add(status);
      assert.deepEqual(corsOf(headers), {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "location, idempotency-replayed, retry-after",
      }, `${method} ${path}`);
      assert.equal(headers.get("vary"), "Origin");
    }
    assert.deepEqual([...statuses].sort(), [200, 202, 400, 401, 403, 404, 405, 409, 422]);
  }, ALLOWING);
});

Deno.test("a page of another origin is told nothing, and a cache keeps them apart", async () => {
  await inApiWorld(async (world) => {
    for (
      const origin of [
        "https://evil.example.org",
        `${APP}.evil.example.org`,
        `${APP}:8443`,
        "http://app.example.org",
        APP.toUpperCase(),
        "null",
        "*",
        `${APP}, ${OTHER_APP}`,
      ]
    ) {
      const asked = await preflight(world, "", origin, "GET");
      const got = await world.call("admin", "GET", "", undefined, { origin });
      for (const { headers } of [asked, got]) {
        assert.deepEqual(corsOf(headers), {}, origin);
        assert.equal(headers.get("vary"), "Origin");
      }
    }
    const without = await world.call("admin", "GET");
    assert.deepEqual([corsOf(without.headers), without.headers.get("vary")], [{}, "Origin"]);
  }, ALLOWING);
});

Deno.test("where no origin is allowed none is, and no answer speaks of it", async () => {
  await inApiWorld(async (world) => {
    const asked = await preflight(world, "", APP, "GET");
    const got = await world.call("admin", "GET", "", undefined, { origin: APP });
    for (const { headers } of [asked, got]) {
      assert.deepEqual(corsOf(headers), {});
      assert.equal(headers.get("vary"), null);
    }
    assert.deepEqual([asked.status, got.status], [204, 200]);
  });
});

Deno.test("OPTIONS says what there is, and HEAD what GET would say, without its body", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    const options = await world.call(null, "OPTIONS", `/${id}`);
    assert.deepEqual(
      [options.status, options.headers.get("allow"), options.text],
      [204, "GET, HEAD, PUT, DELETE, OPTIONS", ""],
    );
    for (
      const [person, path] of [
        ["admin", ""],
        ["admin", `/${id}`],
        ["admin", "/active-peer-mentors"],
        ["admin", "/api/v1/openapi.json"],
        ["admin", "?limit=0"],
        ["otherAdmin", `/${id}`],
        ["nobody", ""],
        [null, ""],
      ] as const
    ) {
      const head = await world.call(person, "HEAD", path);
      const get = await world.call(person, "GET", path);
      assert.deepEqual([head.status, head.text], [get.status, ""], `${person} ${path}`);
      const same = (headers: Headers) =>
        [...headers].filter(([name]) => !["date", "content-length", "vary"].includes(name));
      assert.deepEqual(same(head.headers), same(get.headers), `${person} ${path}`);
    }
  });
});

Deno.test("no answer is kept, sniffed or framed", async () => {
  await inApiWorld(async (world) => {
    const id = await world.addRun();
    for (
      const [method, path] of [["GET", ""], ["GET", "/x"], ["DELETE", `/${id}`], [
        "GET",
        RUNS + "x",
      ]] as const
    ) {
      const { headers } = await world.call("admin", method, path);
      assert.equal(headers.get("cache-control"), "no-store", path);
      assert.equal(headers.get("x-content-type-options"), "nosniff", path);
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/, path);
    }
  });
});
