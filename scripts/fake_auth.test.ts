import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { decodeProtectedHeader } from "jose";
import { type FakeAuth, newKey, startFakeAuth } from "./fake_auth.ts";

async function withAuth(test: (auth: FakeAuth) => Promise<void>): Promise<void> {
  const auth = await startFakeAuth();
  try {
    await test(auth);
  } finally {
    await auth.stop();
  }
}

/** Another client each time: each remembers keys for itself. */
function client(auth: FakeAuth) {
  return createClient(auth.url, "anon key", {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
}

Deno.test("supabase-js takes its tokens for good by the public key alone", async () => {
  await withAuth(async (auth) => {
    const sub = crypto.randomUUID();
    const { data, error } = await client(auth).auth.getClaims(await auth.token({ sub }));
    assert.equal(error, null);
    assert.equal(data?.claims.sub, sub);
    assert.equal(data?.claims.role, "authenticated");
    assert.equal(data?.claims.aud, "authenticated");
    assert.equal(data?.claims.iss, `${auth.url}/auth/v1`);
    assert.equal(data?.claims["is_anonymous"], false);
    assert.equal((data?.claims.exp ?? 0) - (data?.claims.iat ?? 0), 3600);
    assert.deepEqual([auth.keysServed, auth.usersAsked], [1, 0]);
  });
});

Deno.test("the public keys hold nothing private", async () => {
  await withAuth(async (auth) => {
    const served = await (await fetch(`${auth.url}/auth/v1/.well-known/jwks.json`)).json();
    assert.equal(served.keys.length, 1);
    assert.equal(served.keys[0].kid, auth.key.kid);
    assert.equal(served.keys[0].d, undefined);
    assert.notEqual(auth.key.d, undefined);
  });
});

Deno.test("a token of another key is refused, and so is one that is past", async () => {
  await withAuth(async (auth) => {
    const forged = await auth.token({}, { key: { ...await newKey(), kid: auth.key.kid } });
    assert.ok((await client(auth).auth.getClaims(forged)).error);
    const past = await auth.token({ exp: Math.floor(Date.now() / 1000) - 60 });
    assert.ok((await client(auth).auth.getClaims(past)).error);
  });
});

Deno.test("a token whose key it doesn't know is brought to it, and gets no user", async () => {
  await withAuth(async (auth) => {
    const stranger = await newKey();
    const token = await auth.token({}, { key: stranger });
    assert.equal(decodeProtectedHeader(token).kid, stranger.kid);
    const { data, error } = await client(auth).auth.getClaims(token);
    assert.equal(data, null);
    assert.equal(error?.status, 401);
    assert.equal(auth.usersAsked, 1);
  });
});

Deno.test("with a key of before, its tokens are good again", async () => {
  const key = await newKey();
  const first = await startFakeAuth({ key });
  const token = await first.token();
  const port = Number(new URL(first.url).port);
  await first.stop();
  const second = await startFakeAuth({ key, port });
  try {
    assert.equal((await client(second).auth.getClaims(token)).error, null);
  } finally {
    await second.stop();
  }
});
