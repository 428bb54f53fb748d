import assert from "node:assert/strict";
import { startFakeAuth } from "../../scripts/fake_auth.ts";
import { Problem } from "./problems.ts";
import { tokenVerifier } from "./verify.ts";

const SUB = "a0000000-0000-4000-8000-000000000001";

Deno.test("whether a token has run out is judged by the clock that is given, and not only by its library's", async () => {
  const auth = await startFakeAuth();
  try {
    let ahead = 0;
    const verify = tokenVerifier({
      supabaseUrl: auth.url,
      anonKey: "anon key",
      issuer: `${auth.url}/auth/v1`,
      now: () => Date.now() + ahead,
    });
    const exp = Math.floor(Date.now() / 1000) + 600;
    const headers = new Headers({
      authorization: `Bearer ${await auth.token({ sub: SUB, exp })}`,
    });
    assert.deepEqual(await verify(headers), { sub: SUB, role: "authenticated" });
    ahead = 601_000;
    await assert.rejects(
      verify(headers),
      (error) => error instanceof Problem && error.kind === "unauthenticated",
    );
  } finally {
    await auth.stop();
  }
});
