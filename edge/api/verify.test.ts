import assert from "node:assert/strict";
import { type JWTPayload, UnsecuredJWT } from "jose";
import {
  type FakeAuth,
  newKey,
  signToken,
  startFakeAuth,
  type TokenOptions,
} from "../../scripts/fake_auth.ts";
import { TypedError } from "../shared/errors.ts";
import { Problem } from "./problems.ts";
import { tokenVerifier, type Verify } from "./verify.ts";

const SUB = "a0000000-0000-4000-8000-000000000001";
const inSeconds = (count: number) => Math.floor(Date.now() / 1000) + count;

interface Asked {
  auth: FakeAuth;
  verify: Verify;
  /** Every address that was fetched. */
  fetched: string[];
  sign(claims?: JWTPayload, options?: TokenOptions): Promise<string>;
}

async function withVerifier(test: (asked: Asked) => Promise<void>): Promise<void> {
  const auth = await startFakeAuth();
  const fetched: string[] = [];
  const verify = tokenVerifier({
    supabaseUrl: auth.url,
    anonKey: "anon key",
    issuer: `${auth.url}/auth/v1`,
    fetch: (input, init) => {
      fetched.push(String(input));
      return fetch(input, init);
    },
  });
  try {
    const sign: Asked["sign"] = (claims, options) => auth.token({ sub: SUB, ...claims }, options);
    await test({ auth, verify, fetched, sign });
  } finally {
    await auth.stop();
  }
}

const bearing = (token: string) => new Headers({ authorization: `Bearer ${token}` });

async function refused(verify: Verify, headers: Headers, why: string): Promise<void> {
  const error = await verify(headers).then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof Problem, `${why}: ${error}`);
  assert.equal(error.kind, "unauthenticated", why);
}

Deno.test("a good token says who calls; the keys are fetched once", async () => {
  await withVerifier(async ({ auth, verify, sign }) => {
    for (const scheme of ["Bearer", "bearer", "BEARER"]) {
      const headers = new Headers({ authorization: `${scheme} ${await sign()}` });
      assert.deepEqual(await verify(headers), { sub: SUB, role: "authenticated" });
    }
    assert.ok(await verify(bearing(await sign({ aud: ["other", "authenticated"] }))));
    assert.deepEqual([auth.keysServed, auth.usersAsked], [1, 0]);
  });
});

Deno.test("only who and in which role is taken over: no text of a person's own reaches the database", async () => {
  await withVerifier(async ({ verify, sign }) => {
    const token = await sign({ user_metadata: { name: "\0" }, app_metadata: { role: "admin" } });
    assert.deepEqual(await verify(bearing(token)), { sub: SUB, role: "authenticated" });
  });
});

Deno.test("no token, or none that is one, is refused", async () => {
  await withVerifier(async ({ verify, fetched, sign }) => {
    const token = await sign();
    for (
      const value of [
        "",
        "Bearer",
        "Bearer ",
        `Basic ${token}`,
        token,
        `Bearer ${token} ${token}`,
        `Bearer ${token}, Bearer ${token}`,
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer bnVsbA.bnVsbA.bnVsbA",
        `Bearer ${btoa("[]")}.${btoa("[]")}.`,
      ]
    ) await refused(verify, new Headers(value ? { authorization: value } : {}), value);
    assert.deepEqual(fetched, []);
  });
});

Deno.test("a token without a public key's signature is refused, and nobody is asked", async () => {
  await withVerifier(async ({ auth, verify, fetched }) => {
    const claims = { sub: SUB, role: "authenticated", aud: "authenticated" };
    const unsecured = new UnsecuredJWT({ ...claims, iss: `${auth.url}/auth/v1` })
      .setExpirationTime("1h").encode();
    await refused(verify, bearing(unsecured), "alg none");
    const [, payload = ""] = unsecured.split(".");
    for (
      const header of [
        { alg: "none", kid: auth.key.kid },
        { alg: "None", kid: auth.key.kid },
        { alg: "HS256", kid: auth.key.kid },
        { alg: "HS256" },
        { alg: "ES256" },
        { alg: "ES256", kid: "" },
        { alg: "ES256", kid: 7 },
        { alg: ["ES256"], kid: auth.key.kid },
        { kid: auth.key.kid },
      ]
    ) {
      const encoded = btoa(JSON.stringify(header)).replaceAll("=", "");
      await refused(verify, bearing(`${encoded}.${payload}.AAAA`), JSON.stringify(header));
    }
    assert.deepEqual(fetched, []);
  });
});

Deno.test("a token that was tampered with, or signed by another, is refused", async () => {
  await withVerifier(async ({ auth, verify, sign }) => {
    const token = await sign();
    const [header = "", payload = "", signature = ""] = token.split(".");
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const raised = btoa(JSON.stringify({ ...claims, sub: crypto.randomUUID() }))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    await refused(verify, bearing(`${header}.${raised}.${signature}`), "another sub");
    await refused(verify, bearing(`${header}.${payload}.${"A".repeat(86)}`), "no signature");
    await refused(verify, bearing(`${header}.${payload}.`), "empty signature");
    const forger = { ...await newKey(), kid: auth.key.kid };
    await refused(verify, bearing(await sign({}, { key: forger })), "another key, this kid");
  });
});

Deno.test("a token that is past, not yet good, or of another issuer, audience, role or person is refused", async () => {
  await withVerifier(async ({ verify, sign }) => {
    for (
      const claims of [
        { exp: inSeconds(-1) },
        { exp: undefined },
        { nbf: inSeconds(60) },
        { iss: "https://other.example.org/auth/v1" },
        { iss: undefined },
        { aud: "anon" },
        { aud: undefined },
        { role: "service_role" },
        { role: "anon" },
        { role: "postgres" },
        { role: undefined },
        { sub: "somebody" },
        { sub: `${SUB}'` },
        { sub: undefined },
      ]
    ) await refused(verify, bearing(await sign(claims)), JSON.stringify(claims));
    assert.ok(await verify(bearing(await sign({ nbf: inSeconds(-1) }))));
  });
});

Deno.test("tokens that name unknown keys don't make it ask again and again, nor send them anywhere", async () => {
  await withVerifier(async ({ auth, verify, fetched, sign }) => {
    for (let i = 0; i < 20; i++) {
      await refused(verify, bearing(await sign({}, { key: await newKey() })), "unknown key");
    }
    assert.equal(fetched.length, 1);
    assert.equal(auth.usersAsked, 0);
    assert.ok(await verify(bearing(await sign())), "a good one is still good");
  });
});

Deno.test("a key that is new is found once the keys are asked for again", async () => {
  const keys = [await newKey()];
  let now = Date.now();
  const verify = tokenVerifier({
    supabaseUrl: "https://project.example.org",
    anonKey: "anon key",
    issuer: "https://project.example.org/auth/v1",
    fetch: () => Promise.resolve(Response.json({ keys: keys.map(({ d: _, ...key }) => key) })),
    now: () => now,
  });
  const tokenOf = async (key = keys.at(-1)) =>
    bearing(await signToken("https://project.example.org/auth/v1", key ?? {}, { sub: SUB }));
  assert.ok(await verify(await tokenOf()));
  keys.push(await newKey());
  await refused(verify, await tokenOf(), "right after");
  now += 10_000;
  assert.ok(await verify(await tokenOf()));
});

Deno.test("keys that can't be fetched are no fault of the token's", async () => {
  const answers: (() => Promise<Response>)[] = [
    () => Promise.reject(new TypeError("connection refused")),
    () => Promise.resolve(new Response("down", { status: 502 })),
    () => Promise.resolve(new Response(null, { status: 404 })),
  ];
  for (const answer of answers) {
    await withVerifier(async ({ auth, sign }) => {
      let now = Date.now();
      let broken = true;
      const verify = tokenVerifier({
        supabaseUrl: auth.url,
        anonKey: "anon key",
        issuer: `${auth.url}/auth/v1`,
        fetch: (input, init) => broken ? answer() : fetch(input, init),
        now: () => now,
      });
      const error = await verify(bearing(await sign())).catch((reason: unknown) => reason);
      assert.ok(error instanceof TypedError, String(error));
      assert.equal(error.type, "network_error");
      broken = false;
      now += 1000;
      assert.ok(await verify(bearing(await sign())), "it is asked for anew");
    });
  }
});

Deno.test("a key of another kind than the token says is refused", async () => {
  await withVerifier(async ({ auth, verify, sign }) => {
    const token = await sign();
    const [, payload = "", signature = ""] = token.split(".");
    const header = btoa(JSON.stringify({ alg: "RS256", kid: auth.key.kid })).replaceAll("=", "");
    await refused(
      verify,
      bearing(`${header}.${payload}.${signature}`),
      "RS256 with a key of ES256",
    );
  });
});
