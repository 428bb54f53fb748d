import assert from "node:assert/strict";
import { ConfigurationError } from "../shared/environment.ts";
import { readConfiguration } from "./configuration.ts";

const GOOD = {
  SUPABASE_URL: "https://project.example.org",
  SUPABASE_ANON_KEY: "anon key",
  SCHEDULER_API_DB_URL: "postgresql://scheduler_api@db.example.org:5432/postgres",
};

type Environment = Record<string, string | undefined>;

const read = (environment: Environment) => readConfiguration((name) => environment[name]);
const readWith = (changes: Environment) => read({ ...GOOD, ...changes });

/** What is said of an environment that can't be used. */
function complaint(environment: Environment): string {
  try {
    read(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.message;
  }
  throw new Error("Nothing was said.");
}

Deno.test("the least is the project, its key and a database; then no page of another origin may read", () => {
  assert.deepEqual(readWith({ SUPABASE_URL: "https://project.example.org/" }), {
    databaseUrl: GOOD.SCHEDULER_API_DB_URL,
    supabaseUrl: "https://project.example.org",
    anonKey: "anon key",
    issuer: "https://project.example.org/auth/v1",
    allowedOrigins: [],
  });
});

Deno.test("tokens of an Auth with a domain of its own are signed in its name", () => {
  const API_TOKEN_ISSUER = "https://login.example.org/auth/v1";
  assert.equal(readWith({ API_TOKEN_ISSUER }).issuer, API_TOKEN_ISSUER);
  assert.match(complaint({ ...GOOD, API_TOKEN_ISSUER: "login" }), /API_TOKEN_ISSUER must be/);
});

Deno.test("the platform's own database address is used where no other is given", () => {
  const platform = "postgresql://postgres@platform.example.org/postgres";
  const changes = { SUPABASE_DB_URL: platform };
  assert.equal(readWith(changes).databaseUrl, GOOD.SCHEDULER_API_DB_URL);
  assert.equal(readWith({ ...changes, SCHEDULER_API_DB_URL: " " }).databaseUrl, platform);
});

Deno.test("everything that is missing is named at once", () => {
  const said = complaint({});
  for (const name of ["SUPABASE_URL", "SUPABASE_ANON_KEY", "SCHEDULER_API_DB_URL"]) {
    assert.match(said, new RegExp(`${name} .*is missing`));
  }
});

Deno.test("origins are listed with commas, with spaces around them or not", () => {
  const API_ALLOWED_ORIGINS =
    " https://app.example.org,http://localhost:5173 ,, https://b.example.org:8443";
  assert.deepEqual(readWith({ API_ALLOWED_ORIGINS }).allowedOrigins, [
    "https://app.example.org",
    "http://localhost:5173",
    "https://b.example.org:8443",
  ]);
});

Deno.test("what is no exact origin is refused by its place in the list, and not repeated", () => {
  for (
    const wrong of [
      "*",
      "null",
      "app.example.org",
      "https://app.example.org/",
      "https://app.example.org/kanari",
      "https://kanari:word@app.example.org",
      "https://*.example.org",
      "https://APP.example.org",
      "http://app.example.org",
      "ftp://localhost",
    ]
  ) {
    const said = complaint({ ...GOOD, API_ALLOWED_ORIGINS: `https://good.example.org,${wrong}` });
    assert.match(said, /Number 2 of API_ALLOWED_ORIGINS is no origin/, wrong);
    assert.ok(!said.includes("kanari"), said);
  }
});

Deno.test("the project's keys are fetched over https, or on this machine", () => {
  assert.match(
    complaint({ ...GOOD, SUPABASE_URL: "http://project.example.org" }),
    /SUPABASE_URL must be an https address/,
  );
  assert.equal(
    readWith({ SUPABASE_URL: "http://127.0.0.1:54321" }).supabaseUrl,
    "http://127.0.0.1:54321",
  );
});
