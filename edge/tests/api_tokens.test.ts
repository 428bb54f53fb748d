// Tokens that are not good: all are refused alike, and none is sent anywhere.

import assert from "node:assert/strict";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { type FakeAuth, newKey, signToken, startFakeAuth } from "../../scripts/fake_auth.ts";
import { type ApiWorld, assertProblem, inApiWorld, PEOPLE } from "./api_world.ts";
import { until } from "./world.ts";

const SUB = PEOPLE.admin;
const inSeconds = (count: number) => Math.floor(Date.now() / 1000) + count;

const encode = (value: unknown) =>
  btoa(typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const decode = (part = "") => JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));

/** Tokens that an attacker could come with, and those that are simply not good, by what is wrong. */
async function badTokens(auth: FakeAuth): Promise<[what: string, token: string][]> {
  const good = await auth.token({ sub: SUB });
  const [header = "", payload = "", signature = ""] = good.split(".");
  const headed = { ...decode(header) };
  const claims = { ...decode(payload) };
  const { d: _, ...publicKey } = auth.key;
  const asSecret = (text: string) =>
    new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: auth.key.kid ?? "", typ: "JWT" })
      .sign(new TextEncoder().encode(text));
  const claiming = (changes: JWTPayload) => auth.token({ sub: SUB, ...changes });
  const last = signature.at(-2) === "A" ? "B" : "A";
  return [
    ["expired", await claiming({ exp: inSeconds(-1) })],
    ["without an end", await claiming({ exp: undefined })],
    ["not yet good", await claiming({ nbf: inSeconds(300) })],
    ["of another issuer", await claiming({ iss: "https://other.example.org/auth/v1" })],
    ["of the issuer without its path", await claiming({ iss: auth.url })],
    ["for another audience", await claiming({ aud: "anon" })],
    ["of role anon", await claiming({ role: "anon" })],
    ["of role service_role", await claiming({ role: "service_role" })],
    ["of role postgres", await claiming({ role: "postgres" })],
    ["without a role", await claiming({ role: undefined })],
    ["without a sub", await claiming({ sub: undefined })],
    ["whose sub is no UUID", await claiming({ sub: "admin" })],
    ["whose sub is more than a UUID", await claiming({ sub: `${SUB}","role":"postgres` })],
    ["with another kid", await auth.token({ sub: SUB }, { header: { kid: crypto.randomUUID() } })],
    ["of another key", await auth.token({ sub: SUB }, { key: await newKey() })],
    [
      "of another key with this kid",
      await signToken(`${auth.url}/auth/v1`, {
        ...await newKey(),
        kid: auth.key.kid ?? "",
      }, { sub: SUB }),
    ],
    ["unsecured", new UnsecuredJWT(claims).encode()],
    ["alg none", `${encode({ ...headed, alg: "none" })}.${payload}.`],
    ["alg none, signed", `${encode({ ...headed, alg: "none" })}.${payload}.${signature}`],
    ["alg nOnE", `${encode({ ...headed, alg: "nOnE" })}.${payload}.`],
    ["HS256 with the public key", await asSecret(JSON.stringify(publicKey))],
    ["HS256 with the key's x", await asSecret(publicKey.x ?? "")],
    ["HS256 with the anon key", await asSecret("anon key")],
    ["header of another kind", `${encode({ ...headed, alg: "RS256" })}.${payload}.${signature}`],
    [
      "header that brings its own key",
      `${encode({ ...headed, jwk: publicKey, kid: "own" })}.${payload}.${signature}`,
    ],
    ["another sub", `${header}.${encode({ ...claims, sub: PEOPLE.otherAdmin })}.${signature}`],
    ["a later end", `${header}.${encode({ ...claims, exp: inSeconds(1e6) })}.${signature}`],
    [
      "signature changed",
      `${header}.${payload}.${signature.slice(0, -2)}${last}${signature.at(-1)}`,
    ],
    ["signature cut", `${header}.${payload}.${signature.slice(0, -4)}`],
    ["no signature", `${header}.${payload}.`],
    ["signature of zeros", `${header}.${payload}.${"A".repeat(86)}`],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.${signature}`],
    ["parts in another order", `${payload}.${header}.${signature}`],
    ["no base64", `${header}.ü.${signature}`.replace("ü", "%%")],
    ["payload that is no JSON", `${header}.${encode("no JSON")}.${signature}`],
    ["payload that is null", `${header}.${encode("null")}.${signature}`],
    ["header that is a list", `${encode([])}.${payload}.${signature}`],
    ["long", "a".repeat(7000)],
    ["the anon key", "anon key".replace(" ", "-")],
  ];
}

/** All of a refusal but what is its own. */
function refusalOf({ status, headers, body }: Awaited<ReturnType<ApiWorld["call"]>>) {
  const { instance: _, ...problem } = body;
  const said = [...headers].filter(([name]) => name !== "date");
  return { status, said, problem };
}

Deno.test("every token that is not good gets the same 401, and is sent nowhere", async () => {
  await inApiWorld(async (world) => {
    const runs = await world.addRun();
    const missing = await world.call(null, "GET");
    assertProblem(missing, 401, "unauthenticated");
    for (const [what, token] of await badTokens(world.auth)) {
      const authorization = `Bearer ${token}`;
      for (const [method, path] of [["GET", ""], ["DELETE", `/${runs}`]] as const) {
        const answer = await world.call(null, method, path, undefined, { authorization });
        assert.deepEqual(refusalOf(answer), refusalOf(missing), `${what}: ${method}`);
      }
    }
    const good = await world.token("admin");
    for (const authorization of ["", "Bearer", good, `Basic ${good}`, `Bearer ${good} ${good}`]) {
      const answer = await world.call(null, "GET", "", undefined, { authorization });
      assert.deepEqual(refusalOf(answer), refusalOf(missing), authorization.slice(0, 10));
    }
    // Elsewhere than in its header a token is nothing.
    const headers = { apikey: good, cookie: `sb-access-token=${good}` };
    const elsewhere = await world.call(null, "GET", `?access_token=${good}`, undefined, headers);
    assert.deepEqual(refusalOf(elsewhere), refusalOf(missing));

    assert.equal((await world.call("admin", "GET", `/${runs}`)).status, 200);
    assert.equal(world.auth.usersAsked, 0);
    assert.ok(world.auth.keysServed <= 3, `${world.auth.keysServed} requests for the keys`);
    assert.deepEqual(world.api.complaints, []);
  });
});

Deno.test("a token that is refused does not reach the database", async () => {
  await inApiWorld(async (world) => {
    for (const [, token] of await badTokens(world.auth)) {
      await world.call(null, "POST", "", {}, { authorization: `Bearer ${token}` });
    }
    const sessions = await world.sql`
      select from pg_stat_activity
      where datname = current_database() and application_name = 'scenario-scheduler-api'
    `;
    assert.equal(sessions.length, 0);
    assert.deepEqual((await world.call("admin", "GET")).body.data, []);
  });
});

Deno.test("a good token may say more than it must, and none of that counts", async () => {
  await inApiWorld(async (world) => {
    const token = await world.auth.token({
      sub: PEOPLE.coordinator,
      aud: ["other", "authenticated"],
      nbf: inSeconds(-1),
      app_metadata: { role: "admin", organisation_id: "*" },
      user_metadata: { name: "\0'; drop table x; --" },
    });
    const id = await world.addRun();
    const authorization = `bearer ${token}`;
    const seen = await world.call(null, "GET", `/${id}`, undefined, { authorization });
    assert.equal(seen.status, 200);
    const deleted = await world.call(null, "DELETE", `/${id}`, undefined, { authorization });
    assertProblem(deleted, 403, "forbidden");
  });
});

Deno.test("while the project's keys can't be fetched it is unavailable, and goes on by itself afterwards", async () => {
  await inApiWorld(async (world) => {
    const authorization = `Bearer ${await world.token("admin")}`;
    const port = Number(new URL(world.auth.url).port);
    await world.auth.stop();
    const answer = await world.call(null, "GET", "", undefined, { authorization });
    assertProblem(answer, 503, "unavailable");
    assert.doesNotMatch(answer.text, /127\.0\.0\.1|auth\/v1|refused/i);
    // No question of keys: these are refused as ever.
    assertProblem(await world.call(null, "GET"), 401, "unauthenticated");
    assert.equal((await world.call(null, "GET", "/api/v1/openapi.json")).status, 200);

    const back = await startFakeAuth({ key: world.auth.key, port });
    try {
      await until("the keys are fetched", async () => {
        const { status } = await world.call(null, "GET", "", undefined, { authorization });
        assert.ok(status === 200 || status === 503, String(status));
        return status === 200;
      });
    } finally {
      await back.stop();
    }
  });
});
