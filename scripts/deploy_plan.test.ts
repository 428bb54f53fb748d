// What make deploy says of what it is given, before it looks anywhere.

import assert from "node:assert/strict";
import { missingPortal, readPlan } from "./deploy_plan.ts";
import { API_LOGIN, DISPATCHER_LOGIN, loginUrl } from "./logins.ts";

const PROJECT_REF = "abcdefghijklmnopqrst";
const ACCESS_TOKEN = `sbp_${"a".repeat(40)}`;

const DIRECT = `postgresql://postgres:p%40ss@db.${PROJECT_REF}.supabase.co:5432/postgres`;
const POOLER =
  `postgresql://postgres.${PROJECT_REF}:p%40ss@aws-1-eu-north-1.pooler.supabase.com:5432/postgres`;
const GIVEN: Record<string, string> = {
  PROJECT_REF,
  DATABASE_URL: DIRECT,
  SUPABASE_ACCESS_TOKEN: ACCESS_TOKEN,
  PUSH_PROVIDER: "log",
};

Deno.test("deploy: the logins take the same host, over the shared pooler in transaction mode", () => {
  assert.equal(
    loginUrl(DIRECT, DISPATCHER_LOGIN, "new"),
    `postgresql://scheduler_dispatcher:new@db.${PROJECT_REF}.supabase.co:5432/postgres?sslmode=require`,
  );
  assert.equal(
    loginUrl(`${POOLER}?sslmode=verify-full&connect_timeout=3`, API_LOGIN, "new"),
    `postgresql://scheduler_api.${PROJECT_REF}:new@aws-1-eu-north-1.pooler.supabase.com:6543/postgres?sslmode=verify-full`,
  );
});

Deno.test("deploy: a database of another project is refused", async () => {
  const problems = async (databaseUrl: string, projectRef = PROJECT_REF) =>
    (await readPlan((name) =>
      ({ ...GIVEN, PROJECT_REF: projectRef, DATABASE_URL: databaseUrl })[name]
    )).problems;
  assert.deepEqual(await problems(DIRECT), []);
  assert.deepEqual(await problems(POOLER), []);
  for (const url of [DIRECT, POOLER]) {
    const [problem] = await problems(url, "zyxwvutsrqponmlkjihg");
    assert.match(problem ?? "", /DATABASE_URL is that of the project abcdefghijklmnopqrst/);
  }
});

const readWith = (given: Record<string, string>) =>
  readPlan((name) => ({ ...GIVEN, ...given } as Record<string, string>)[name]);

Deno.test("deploy: what is given of the portal is looked at, and goes to the function", async () => {
  const fine = { HLF_API_URL: "https://portal.example.org/api/data/v9.2", HLF_PAGE_SIZE: "500" };
  const { plan, problems } = await readWith(fine);
  assert.deepEqual([problems, Object.fromEntries(plan.passedOn)], [[], {
    PUSH_PROVIDER: "log",
    ...fine,
  }]);
  const wrong = await readWith({ HLF_API_URL: "http://portal.example.org", HLF_FIELDS: "[]" });
  assert.match(wrong.problems.join("\n"), /HLF_API_URL must be an https.*\n.*HLF_FIELDS must be/);
});

Deno.test("deploy: a portal that is switched on needs an address and a client, given now or there already", async () => {
  const { plan } = await readWith({ HLF_SYNC_ENABLED: "true", HLF_CLIENT_ID: "a-client" });
  const lacks = async (...present: string[]) =>
    (await missingPortal(plan, new Map(present.map((name) => [name, "a digest"]))))
      .map((problem) => problem.split(" ")[0]);
  assert.deepEqual(await lacks(), ["HLF_TOKEN_URL", "HLF_CLIENT_SECRET", "HLF_API_URL"]);
  assert.deepEqual(await lacks("HLF_API_URL", "HLF_TOKEN_URL"), ["HLF_CLIENT_SECRET"]);
  assert.deepEqual(await lacks("HLF_API_URL", "HLF_TOKEN_URL", "HLF_CLIENT_SECRET"), []);

  const off = await readWith({ HLF_SYNC_ENABLED: "false" });
  assert.deepEqual(await missingPortal(off.plan, new Map()), []);
  const elsewhere = await readWith({});
  assert.deepEqual(await missingPortal(elsewhere.plan, new Map()), []);
});
