// 10,000 requests that nobody would make: none is too much for the API, and none gets
// anything of another organisation. SEED=… repeats them.

import assert from "node:assert/strict";
import { choicesBy, givenSeed, randomFrom, report } from "../../scripts/testing.ts";
import { type ApiWorld, inApiWorld, MENTORS, RUNS } from "./api_world.ts";

const REQUESTS = 10_000;
const AT_ONCE = 16;
const SEED = givenSeed();

/** Written by the other organisation; nobody here may ever read it. */
const SECRET_NOTE = "canary-of-the-south";

const PEOPLE = ["admin", "coordinator", "idleCoordinator", "mentor", "nobody"] as const;
const METHODS = [
  "GET",
  "GET",
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PATCH",
];
const TEXTS = [
  "",
  " ",
  "null",
  "0",
  "-1",
  "201",
  "1e309",
  "99999999999999999999",
  "true",
  "[]",
  "{}",
  "' or 1=1 --",
  "'; drop table public.staff; --",
  "%00",
  "%ff%fe",
  "%",
  "..%2f..%2f",
  "\u0000",
  "\ud800",
  "\u202e",
  "æøå",
  "a".repeat(3000),
  "2026-13-45T99:99:99Z",
  "2026-01-01T00:00:00Z",
  "+292278994-08-17T07:12:55Z",
  "-infinity",
  "${jndi:ldap://x}",
  "<script>",
  "scenario-evaluation",
  "housekeeping",
  "inactivity",
  "failed",
];

interface Asked {
  method: string;
  path: string;
  headers: [string, string][];
  body: string | null;
}

function asker(world: ApiWorld, ids: string[], random: () => number) {
  const { oneOf } = choicesBy(random);
  const text = () => random() < 0.5 ? oneOf(ids) : oneOf(TEXTS);
  const value = (depth = 0): unknown => {
    const kind = random();
    if (kind < 0.45) return text();
    if (kind < 0.6) return oneOf([null, true, false, 0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER]);
    if (depth > 4) return {};
    const many = Array.from({ length: Math.floor(random() * 5) }, () => value(depth + 1));
    return kind < 0.85 ? many : Object.fromEntries(many.map((one) => [text(), one]));
  };
  const body = (): string => {
    const kind = random();
    if (kind < 0.08) return oneOf(TEXTS);
    if (kind < 0.12) return "[".repeat(5000);
    if (kind < 0.16) return `{"job_name": "${"x".repeat(70_000)}"}`;
    const names = ["job_name", "scenarios", "dry_run", "note", "stop", "user_ids", text()];
    const fields: [string, unknown][] = names.filter(() => random() < 0.4)
      .map((name) => [name, value()]);
    if (random() < 0.3) fields.push(["user_ids", [oneOf(ids), MENTORS.assigned]]);
    if (random() < 0.2) fields.push(["note", "a note"]);
    return JSON.stringify(Object.fromEntries(fields));
  };
  return async (): Promise<Asked> => {
    const below = oneOf([
      "",
      "",
      "/",
      "/active-peer-mentors",
      "/evaluation-batch",
      `/${oneOf(ids)}`,
      `/${oneOf(ids)}`,
      `/${encodeURIComponent(oneOf(TEXTS).toWellFormed())}`,
      `/${oneOf(["%", "%00", "%ff", "..%2f", "%2e%2e", "//", ";a=b"])}`,
    ]);
    const names = ["job_name", "status", "from", "to", "cursor", "limit", "chapter_id", "x"];
    const asks = random() < 0.5 ? 0 : 0.2;
    const query = names.filter(() => random() < asks)
      .map((name) => `${name}=${encodeURIComponent(text().toWellFormed())}`);
    if (random() < 0.05) query.push("limit=1&limit=2", "%=%");
    const token = await world.token(oneOf(PEOPLE));
    const authorization = oneOf([
      `Bearer ${token}`,
      `Bearer ${token}`,
      `Bearer ${token}`,
      `Bearer ${token}`,
      `Bearer ${token}`,
      `Bearer ${token}`,
      `Bearer ${token}`,
      `bearer  ${token}`,
      `Bearer ${token.slice(0, -3)}abc`,
      `Bearer ${token.split(".").reverse().join(".")}`,
      `Bearer ${btoa('{"alg":"none"}')}.${token.split(".")[1]}.`,
      "Bearer",
      "Basic eDp5",
    ]);
    const headers: [string, string][] = [["authorization", authorization]];
    if (random() < 0.8) {
      headers.push(["content-type", oneOf(["application/json", "text/plain", "x"])]);
    }
    if (random() < 0.2) {
      headers.push(["idempotency-key", oneOf(["k", "k2", "a b", "x".repeat(300)])]);
    }
    if (random() < 0.1) headers.push(["origin", "https://elsewhere.example.org"]);
    const method = oneOf(METHODS);
    return {
      method,
      path: `${random() < 0.95 ? RUNS : oneOf(["/api/v1", "/api", ""])}${below}${
        query.length > 0 ? `?${query.join("&")}` : ""
      }`,
      headers,
      body: ["GET", "HEAD"].includes(method) || random() < 0.1 ? null : body(),
    };
  };
}

Deno.test("10,000 requests that nobody would make: no 5xx, and nothing of another organisation", async () => {
  await inApiWorld(async (world) => {
    const [southern] = await world.sql<{ id: string; key: string }[]>`
      select gen_random_uuid() as id, organisation_id as key from public.peer_mentors
      where id = ${MENTORS.southern}
    `;
    const hiddenRun = southern?.id ?? "";
    await world.sql`
      insert into scheduler.invocations (id, job_name, status, triggered_by, organisation_ids, finished_at)
      values (${hiddenRun}, 'scenario-evaluation', 'completed', 'canary', array[${
      southern?.key ?? ""
    }]::uuid[], now())
    `;
    const openRun = crypto.randomUUID();
    await world.sql`
      insert into scheduler.invocations (id, job_name, status, triggered_by, finished_at)
      values (${openRun}, 'scenario-evaluation', 'completed', 'pg_cron', now())
    `;
    for (const run of [hiddenRun, openRun]) {
      await world.sql`
        insert into scheduler.invocation_notes (invocation_id, organisation_id, note, noted_by)
        values (${run}, ${southern?.key ?? ""}, ${SECRET_NOTE}, gen_random_uuid())
      `;
    }
    const hidden = [hiddenRun, MENTORS.southern, southern?.key ?? "", SECRET_NOTE];
    const ids = [...Object.values(MENTORS), hiddenRun, openRun, crypto.randomUUID()];
    const ask = asker(world, ids, randomFrom(SEED));
    const byStatus: Record<string, number> = {};

    const makeOne = async (asked: Asked): Promise<void> => {
      const said = `SEED=${SEED} ${JSON.stringify(asked).slice(0, 1500)}`;
      const response = await fetch(`${world.api.url.replace(/\/$/, "")}${asked.path}`, {
        method: asked.method,
        headers: asked.headers,
        body: asked.body,
        redirect: "manual",
      });
      const answer = await response.text();
      byStatus[response.status] = (byStatus[response.status] ?? 0) + 1;
      assert.ok(response.status < 500, `${response.status} ${answer} for ${said}`);
      const sent = decodeURIComponent(asked.path.replaceAll("%", "%25")) + (asked.body ?? "");
      for (const canary of hidden) {
        // What somebody asked for by its id may be named in the refusal, and nowhere else.
        if (response.status >= 400 && canary !== SECRET_NOTE && sent.includes(canary)) continue;
        assert.ok(!answer.includes(canary), `${canary} in ${answer} for ${said}`);
      }
      if (response.status >= 400 && asked.method !== "HEAD") {
        assert.match(
          response.headers.get("content-type") ?? "",
          /^application\/problem\+json/,
          said,
        );
        const problem = JSON.parse(answer);
        assert.equal(problem.status, response.status, said);
        assert.ok(problem.type && problem.title && problem.detail && problem.instance, said);
      }
    };
    for (let made = 0; made < REQUESTS; made += AT_ONCE) {
      const asked = [];
      for (let i = 0; i < Math.min(AT_ONCE, REQUESTS - made); i++) asked.push(await ask());
      await Promise.all(asked.map(makeOne));
    }

    assert.deepEqual(world.api.complaints, [], `SEED=${SEED}`);
    const log = world.api.log.join("\n");
    for (const canary of [...hidden, ...Object.values(MENTORS)]) {
      assert.ok(!log.includes(canary), `SEED=${SEED}: ${canary} is in the log`);
    }
    assert.equal(world.api.log.length, REQUESTS);
    assert.ok((byStatus["200"] ?? 0) > REQUESTS / 50, "some of them are right");
    report(
      `fuzz: ${REQUESTS} requests (SEED=${SEED}): ${
        Object.entries(byStatus).map(([status, count]) => `${count} x ${status}`).join(", ")
      }`,
    );
  });
});
