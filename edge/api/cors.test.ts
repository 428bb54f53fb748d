import assert from "node:assert/strict";
import { corsHeaders } from "./cors.ts";

const APP = "https://app.example.org";
const METHODS = ["GET", "HEAD", "OPTIONS"];

const headersFor = (headers: Record<string, string>, allowed: string[], method = "GET") =>
  corsHeaders(new Request("https://api.example.org/", { method, headers }), allowed, METHODS);

Deno.test("an allowed origin is named, may see what it needs, and is told from others in caches", () => {
  assert.deepEqual(headersFor({ origin: APP }, ["https://b.example.org", APP]), {
    vary: "Origin",
    "access-control-allow-origin": APP,
    "access-control-expose-headers": "location, idempotency-replayed, retry-after",
  });
});

Deno.test("another origin, and a request without one, gets no leave", () => {
  for (
    const headers of [{ origin: "https://app.example.org.evil.example" }, { origin: "null" }, {}]
  ) {
    assert.deepEqual(headersFor(headers as Record<string, string>, [APP]), { vary: "Origin" });
  }
});

Deno.test("where no origin is allowed, there is nothing of CORS", () => {
  assert.deepEqual(headersFor({ origin: APP }, []), {});
});

Deno.test("a preflight hears which methods and headers may be sent", () => {
  const asked = { origin: APP, "access-control-request-method": "GET" };
  const headers = headersFor(asked, [APP], "OPTIONS");
  assert.equal(headers["access-control-allow-methods"], "GET, HEAD, OPTIONS");
  for (const name of ["authorization", "content-type", "idempotency-key"]) {
    assert.ok(headers["access-control-allow-headers"]?.split(", ").includes(name), name);
  }
  assert.equal(headers["access-control-allow-credentials"], undefined);
});
