import assert from "node:assert/strict";
import { exportPKCS8, generateKeyPair } from "jose";
import { type Configuration, ConfigurationError, readConfiguration } from "./configuration.ts";

const keys = await generateKeyPair("RS256", { extractable: true });
const elliptic = await generateKeyPair("ES256", { extractable: true });
const ACCOUNT = {
  type: "service_account",
  project_id: "a-project",
  private_key_id: "key-1",
  private_key: await exportPKCS8(keys.privateKey),
  client_email: "push@a-project.iam.gserviceaccount.com",
  token_uri: "https://oauth2.googleapis.com/token",
};
const GOOD = {
  SCHEDULER_DB_URL: "postgresql://scheduler_dispatcher@db.example.org:5432/postgres",
  SCHEDULER_SECRET: "0123456789abcdef".repeat(4),
  FCM_SERVICE_ACCOUNT: JSON.stringify(ACCOUNT),
};

type Environment = Record<string, string | undefined>;

const read = (environment: Environment): Promise<Configuration> =>
  readConfiguration((name) => environment[name]);
const readWith = (changes: Environment) => read({ ...GOOD, ...changes });
const readAccount = (changes: Record<string, unknown>) =>
  readWith({ FCM_SERVICE_ACCOUNT: JSON.stringify({ ...ACCOUNT, ...changes }) });

/** What is said of an environment that can't be used. */
async function complaint(reading: Promise<Configuration>): Promise<string> {
  const error = await reading.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof ConfigurationError, String(error));
  return error.message;
}

Deno.test("the least that has to be said is a database and a service account; the rest has defaults", async () => {
  const { fcm, ...rest } = await readWith({ SCHEDULER_SECRET: undefined });
  assert.deepEqual(rest, {
    databaseUrl: GOOD.SCHEDULER_DB_URL,
    secrets: [],
    defaultProvider: "fcm",
    pageSize: 500,
    concurrency: 50,
    timeoutThresholdMs: 25_000,
  });
  assert.equal(fcm?.endpoint, "https://fcm.googleapis.com");
  assert.equal(fcm?.account.projectId, ACCOUNT.project_id);
  assert.equal(fcm?.account.clientEmail, ACCOUNT.client_email);
  assert.equal(fcm?.account.privateKeyId, ACCOUNT.private_key_id);
  assert.equal(fcm?.account.tokenUri, ACCOUNT.token_uri);
});

Deno.test("what is said is taken, without the spaces around it", async () => {
  const { pageSize, concurrency, timeoutThresholdMs, fcm } = await readWith({
    PAGE_SIZE: " 20\n",
    PUSH_CONCURRENCY: "7",
    TIMEOUT_THRESHOLD_MS: "0",
    FCM_ENDPOINT: "https://fcm.example.org/",
  });
  assert.deepEqual([pageSize, concurrency, timeoutThresholdMs], [20, 7, 0]);
  assert.equal(fcm?.endpoint, "https://fcm.example.org");
});

Deno.test("what is empty is as if it were not there", async () => {
  const empty = { SCHEDULER_SECRET_PREVIOUS: "", PAGE_SIZE: " ", PUSH_PROVIDER: "" };
  const { pageSize, defaultProvider, secrets } = await readWith(empty);
  assert.deepEqual([pageSize, defaultProvider, secrets], [500, "fcm", [GOOD.SCHEDULER_SECRET]]);
});

Deno.test("during a rotation there are two secrets; an empty one is none", async () => {
  const secrets = async (SCHEDULER_SECRET?: string, SCHEDULER_SECRET_PREVIOUS?: string) =>
    (await readWith({ SCHEDULER_SECRET, SCHEDULER_SECRET_PREVIOUS })).secrets;
  assert.deepEqual(await secrets("new", "old"), ["new", "old"]);
  assert.deepEqual(await secrets("new", " "), ["new"]);
  assert.deepEqual(await secrets("", "old"), ["old"]);
  assert.deepEqual(await secrets(), []);
});

Deno.test("the platform's own database address is used where no other is given", async () => {
  const platform = "postgresql://postgres@platform.example.org/postgres";
  assert.equal(
    (await readWith({ SCHEDULER_DB_URL: undefined, SUPABASE_DB_URL: platform })).databaseUrl,
    platform,
  );
  assert.equal(
    (await readWith({ SUPABASE_DB_URL: platform })).databaseUrl,
    GOOD.SCHEDULER_DB_URL,
  );
});

Deno.test("the log provider needs no service account", async () => {
  const { defaultProvider, fcm } = await readWith({
    PUSH_PROVIDER: "log",
    FCM_SERVICE_ACCOUNT: undefined,
  });
  assert.equal(defaultProvider, "log");
  assert.equal(fcm, undefined);
});

Deno.test("every fault is named at once", async () => {
  const said = await complaint(read({
    SCHEDULER_DB_URL: "mysql://db.example.org",
    PUSH_PROVIDER: "pigeon",
    FCM_SERVICE_ACCOUNT: "{}",
    FCM_ENDPOINT: "ftp://fcm.example.org",
    PAGE_SIZE: "0",
    PUSH_CONCURRENCY: "many",
    TIMEOUT_THRESHOLD_MS: "-1",
  }));
  for (
    const name of [
      "SCHEDULER_DB_URL",
      "PUSH_PROVIDER",
      "FCM_SERVICE_ACCOUNT",
      "FCM_ENDPOINT",
      "PAGE_SIZE",
      "PUSH_CONCURRENCY",
      "TIMEOUT_THRESHOLD_MS",
      "project_id",
      "client_email",
      "private_key",
      "token_uri",
    ]
  ) assert.ok(said.includes(name), `${name} in ${said}`);
});

Deno.test("an empty environment is told what is missing", async () => {
  const said = await complaint(read({}));
  assert.match(said, /SCHEDULER_DB_URL \(or SUPABASE_DB_URL\) is missing/);
  assert.match(said, /FCM_SERVICE_ACCOUNT is missing/);
});

Deno.test("numbers out of their bounds, and what is no number, are refused", async () => {
  for (
    const [name, values] of Object.entries({
      PAGE_SIZE: ["0", "-1", "5001", "1.5", "1e3", "0x10", "ten", "99999999999999999999"],
      PUSH_CONCURRENCY: ["0", "501", "NaN", "Infinity"],
      TIMEOUT_THRESHOLD_MS: ["-1", "140001", "25s"],
    })
  ) {
    for (const value of values) {
      const said = await complaint(readWith({ [name]: value }));
      assert.match(said, new RegExp(`${name} must be a whole number`), value);
    }
  }
});

Deno.test("a number is repeated only where it is too short to be somebody's", async () => {
  assert.match(await complaint(readWith({ PAGE_SIZE: "5001" })), /, not 5001\./);
  for (const PAGE_SIZE of ["+47 987 65 432", "98765432", "-98765432", "98.765"]) {
    assert.ok(!(await complaint(readWith({ PAGE_SIZE }))).includes("98"), PAGE_SIZE);
  }
});

Deno.test("an address of the database that the driver could not read is refused, without its password", async () => {
  for (
    const SCHEDULER_DB_URL of [
      "postgresql://user:kanari/word@db.example.org:5432/postgres",
      "postgresql://user:kanari%word@db.example.org:5432/postgres",
      "postgresql://user:kanari@db.example.org:port/postgres",
      "host=db.example.org user=user password=kanari",
    ]
  ) {
    const said = await complaint(readWith({ SCHEDULER_DB_URL }));
    assert.match(said, /SCHEDULER_DB_URL .*must be of the form postgresql:/);
    assert.ok(!said.includes("kanari"), said);
  }
  const escaped = "postgresql://user:kanari%2Fword@db.example.org:5432/postgres";
  assert.equal((await readWith({ SCHEDULER_DB_URL: escaped })).databaseUrl, escaped);
});

Deno.test("plain http is refused, but on loopback", async () => {
  for (const url of ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"]) {
    assert.equal((await readWith({ FCM_ENDPOINT: url })).fcm?.endpoint, url);
    const token_uri = `${url}/token`;
    assert.equal((await readAccount({ token_uri })).fcm?.account.tokenUri, token_uri);
  }
  for (
    const url of [
      "http://fcm.example.org",
      "http://127.0.0.1.example.org",
      "http://localhost.example.org",
      "http://10.0.0.1",
      "ftp://localhost",
      "file:///etc/passwd",
      "//fcm.example.org",
      "fcm.example.org",
    ]
  ) {
    assert.match(await complaint(readWith({ FCM_ENDPOINT: url })), /FCM_ENDPOINT must be an https/);
    assert.match(await complaint(readAccount({ token_uri: url })), /token_uri .* must be an https/);
  }
});

Deno.test("an endpoint with a user and a password in it is refused", async () => {
  const said = await complaint(readWith({ FCM_ENDPOINT: "https://kari:kanari@fcm.example.org" }));
  assert.match(said, /FCM_ENDPOINT must be/);
});

Deno.test("a service account that is not one is told what is wrong with it", async () => {
  const text = (value: string) => complaint(readWith({ FCM_SERVICE_ACCOUNT: value }));
  assert.match(await text("{project_id"), /FCM_SERVICE_ACCOUNT is not JSON/);
  for (const value of ["null", "5", "[]", '"text"', "{}"]) {
    assert.match(await text(value), /FCM_SERVICE_ACCOUNT lacks "project_id"/);
  }
  for (const field of ["project_id", "client_email", "private_key", "token_uri"]) {
    for (const value of [undefined, null, "", 5, {}]) {
      const said = await complaint(readAccount({ [field]: value }));
      assert.match(said, new RegExp(`FCM_SERVICE_ACCOUNT lacks "${field}"`));
    }
  }
});

Deno.test("a private key that is no RSA key is refused", async () => {
  for (const private_key of ["rubbish", await exportPKCS8(elliptic.privateKey)]) {
    const said = await complaint(readAccount({ private_key }));
    assert.match(said, /private_key in FCM_SERVICE_ACCOUNT is no RSA key/);
  }
});

Deno.test("a service account without an id of its key can be used", async () => {
  const { fcm } = await readAccount({ private_key_id: undefined });
  assert.equal(fcm?.account.privateKeyId, undefined);
});

Deno.test("no complaint repeats a value that could be secret", async () => {
  const canary = "kanarisecret";
  const pem = `-----BEGIN PRIVATE KEY-----\n${btoa(canary)}\n-----END PRIVATE KEY-----`;
  const said = [
    await complaint(read({
      SCHEDULER_DB_URL: `mysql://${canary}:${canary}@${canary}/`,
      SCHEDULER_SECRET: canary,
      SCHEDULER_SECRET_PREVIOUS: canary,
      PUSH_PROVIDER: canary,
      FCM_ENDPOINT: `http://${canary}`,
      FCM_SERVICE_ACCOUNT: canary,
    })),
    await complaint(readAccount({ private_key: pem, client_email: 5, token_uri: canary })),
    await complaint(readAccount({ private_key: canary, [canary]: canary, project_id: "" })),
  ].join("\n");
  assert.ok(!said.includes(canary), said);
  assert.ok(!said.includes(btoa(canary)), said);
});
