import assert from "node:assert/strict";
import { apiUrlOf, apiUrlProblem, databaseProblem, urlProblem, withTls } from "./project.ts";

Deno.test("given: URL must be https, or on loopback, and hold nothing but an address", () => {
  for (
    const good of [
      "https://abcdefghijklmnopqrst.supabase.co/functions/v1/scenario-scheduler",
      "http://127.0.0.1:8787/",
      "http://localhost/",
      "http://[::1]:1/",
    ]
  ) assert.equal(urlProblem(good), undefined, good);
  for (
    const bad of [
      "",
      "nonsense",
      "ftp://example.org/",
      "http://10.0.0.1/",
      "http://127.0.0.1.example.org/",
      "https://user:secret@example.org/",
      "https://example.org/?secret=1",
    ]
  ) assert.match(urlProblem(bad) ?? "", /^URL /, bad);
});

Deno.test("given: the api is beside the scheduler, unless it is said", () => {
  const project = "https://abcdefghijklmnopqrst.supabase.co/functions/v1";
  for (const url of [`${project}/scenario-scheduler`, `${project}/scenario-scheduler/`]) {
    assert.equal(apiUrlOf(url, undefined), `${project}/api`);
    assert.equal(apiUrlProblem(url, undefined), undefined);
  }
  const local = "http://127.0.0.1:8787/";
  assert.match(apiUrlProblem(local, undefined) ?? "", /^API_URL is missing/);
  assert.equal(apiUrlProblem(local, "http://127.0.0.1:8788/api"), undefined);
  assert.equal(apiUrlOf(local, "http://127.0.0.1:8788/api/"), "http://127.0.0.1:8788/api");
  assert.match(apiUrlProblem(local, "http://example.org/api") ?? "", /^API_URL must begin/);
});

Deno.test("given: a database elsewhere is talked to over TLS only, and not through the transaction pooler", () => {
  const direct = "postgresql://postgres:p@db.abcdefghijklmnopqrst.supabase.co:5432/postgres";
  assert.equal(withTls(direct), `${direct}?sslmode=require`);
  assert.equal(withTls(`${direct}?sslmode=verify-full`), `${direct}?sslmode=verify-full`);
  assert.equal(withTls("postgresql://p:p@127.0.0.1:1/d"), "postgresql://p:p@127.0.0.1:1/d");
  assert.equal(databaseProblem(direct), undefined);
  assert.match(databaseProblem(direct.replace("5432", "6543")) ?? "", /transaction pooler/);
  for (const bad of ["", "postgres", "mysql://a:b@c/d", "postgresql://postgres@host/postgres"]) {
    assert.match(databaseProblem(bad) ?? "", /^DATABASE_URL /, bad);
  }
});
