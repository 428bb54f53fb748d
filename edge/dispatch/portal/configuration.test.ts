import assert from "node:assert/strict";
import { ConfigurationError } from "../../shared/environment.ts";
import { readPortal } from "./configuration.ts";

const PORTAL = {
  HLF_SYNC_ENABLED: "true",
  HLF_TOKEN_URL: "https://login.example.org/tenant/oauth2/v2.0/token",
  HLF_CLIENT_ID: "a-client",
  HLF_CLIENT_SECRET: "a-client-secret",
  HLF_API_URL: "https://portal.example.org/api/data/v9.2",
};

type Environment = Record<string, string | undefined>;

const read = (environment: Environment) => readPortal((name) => environment[name]);
const readWith = (changes: Environment = {}) => read({ ...PORTAL, ...changes });

/** What is said of an environment that can't be used. */
function complaint(environment: Environment): string {
  try {
    read(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError, String(error));
    return error.message;
  }
  throw new assert.AssertionError({ message: "it can be used" });
}

Deno.test("the portal is switched off until it is switched on, and then nothing of it is looked at", () => {
  for (const HLF_SYNC_ENABLED of [undefined, "", "false", "0", "FALSE"]) {
    const portal = readWith({ HLF_SYNC_ENABLED, HLF_API_URL: "rubbish", HLF_FIELDS: "{" });
    assert.equal(portal, undefined);
  }
  for (const HLF_SYNC_ENABLED of ["true", "1", "True"]) {
    assert.ok(readWith({ HLF_SYNC_ENABLED }));
  }
  for (const HLF_SYNC_ENABLED of ["on", "yes", "constructor", "2"]) {
    const said = complaint({ ...PORTAL, HLF_SYNC_ENABLED });
    assert.match(said, /HLF_SYNC_ENABLED must be true or false/);
  }
});

Deno.test("a portal needs an address, and a client with its secret; the rest has defaults", () => {
  assert.deepEqual(readWith(), {
    tokenUrl: PORTAL.HLF_TOKEN_URL,
    clientId: PORTAL.HLF_CLIENT_ID,
    clientSecret: PORTAL.HLF_CLIENT_SECRET,
    apiUrl: "https://portal.example.org/api/data/v9.2/",
    entitySet: "hlf_certifications",
    fields: {
      external_id: "hlf_certificationid",
      member_id: "hlf_memberid",
      name: "hlf_name",
      expires_on: "hlf_expireson",
      modified_on: "modifiedon",
      state: "statecode",
    },
    pageSize: 1000,
  });
  const said = complaint({ HLF_SYNC_ENABLED: "1" });
  for (const name of Object.keys(PORTAL).slice(1)) {
    assert.match(said, new RegExp(`${name} is missing: .*HLF_SYNC_ENABLED=false`));
  }
  assert.ok(!said.includes("must be an https"), "what is missing is said once");
});

Deno.test("fields of the portal that are named are taken, the others stay as they are", () => {
  const portal = readWith({
    HLF_ENTITY_SET: "cr1_courses",
    HLF_FIELDS: '{"name": "cr1_title", "member_id": "_cr1_member_value"}',
    HLF_PAGE_SIZE: "5000",
    HLF_API_URL: "https://portal.example.org/api/data/v9.2///",
  });
  assert.equal(portal?.entitySet, "cr1_courses");
  assert.deepEqual([portal?.fields.name, portal?.fields.member_id, portal?.fields.state], [
    "cr1_title",
    "_cr1_member_value",
    "statecode",
  ]);
  assert.deepEqual([portal?.pageSize, portal?.apiUrl], [
    5000,
    "https://portal.example.org/api/data/v9.2/",
  ]);
});

Deno.test("every fault of the portal's configuration is named, without what could be secret", () => {
  const canary = "kanari";
  for (
    const [changes, expected] of [
      [{ HLF_API_URL: `http://${canary}.example.org/` }, /HLF_API_URL must be an https/],
      [{ HLF_API_URL: `https://a.example.org/?key=${canary}` }, /HLF_API_URL must be an https/],
      [{ HLF_TOKEN_URL: `https://u:${canary}@login.example.org/` }, /HLF_TOKEN_URL must be/],
      [{ HLF_ENTITY_SET: `../${canary}` }, /HLF_ENTITY_SET must be the name of a table/],
      [{ HLF_PAGE_SIZE: "5001" }, /HLF_PAGE_SIZE must be a whole number/],
      [{ HLF_FIELDS: canary }, /HLF_FIELDS must be a JSON object/],
      [{ HLF_FIELDS: "null" }, /HLF_FIELDS must be a JSON object/],
      [{ HLF_FIELDS: "[]" }, /HLF_FIELDS must be a JSON object/],
      [{ HLF_FIELDS: `{"${canary}": "a"}` }, /HLF_FIELDS names a field that is not known/],
      [{ HLF_FIELDS: '{"constructor": "a"}' }, /HLF_FIELDS names a field that is not known/],
      [
        { HLF_FIELDS: `{"name": "a,${canary}"}` },
        /name in HLF_FIELDS must be the name of a column/,
      ],
      [{ HLF_FIELDS: '{"name": ""}' }, /name in HLF_FIELDS must be/],
      [{ HLF_FIELDS: '{"name": null}' }, /name in HLF_FIELDS must be/],
    ] as const
  ) {
    const said = complaint({ ...PORTAL, HLF_CLIENT_SECRET: `${canary}secret`, ...changes });
    assert.match(said, expected);
    assert.ok(!said.includes(canary), said);
  }
});

Deno.test("a portal on loopback may be asked by plain http", () => {
  const url = "http://127.0.0.1:9000";
  const portal = readWith({ HLF_API_URL: url, HLF_TOKEN_URL: `${url}/token` });
  assert.deepEqual([portal?.apiUrl, portal?.tokenUrl], [`${url}/`, `${url}/token`]);
});
