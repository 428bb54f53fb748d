// The real Supabase CLI against a stand-in of the platform, and a server of its own,
// since the functions' logins belong to the whole server.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { PORTAL_VARIABLES } from "../edge/dispatch/portal/configuration.ts";
import { createDatabase, ROOT } from "./database.ts";
import { newSecret } from "./edge_function.ts";
import {
  ACCESS_TOKEN,
  type FakePlatform,
  PROJECT_REF,
  startFakePlatform,
} from "./fake_platform.ts";
import { startNetWorker } from "./net_worker.ts";
import { connect, embeddedBinaries, type Server, type Sql, startServer } from "./server.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ACCOUNT = JSON.stringify(
  {
    type: "service_account",
    project_id: 'it\'s a $HOME of "quotes" # and more',
    client_email: "sender@example.org",
    private_key_id: "1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    token_uri: "https://oauth2.example.org/token",
  },
  null,
  2,
);

interface Told {
  code: number;
  said: string;
  complained: string;
}

/** An empty project on the stand-in: a database with nothing of this in it. */
class Project implements AsyncDisposable {
  private constructor(
    readonly server: Server,
    readonly platform: FakePlatform,
    readonly databaseUrl: string,
    readonly sql: Sql,
  ) {}

  static async make(options: { bare?: boolean } = {}): Promise<Project> {
    const [server, platform] = await Promise.all([
      startServer(embeddedBinaries()),
      startFakePlatform(),
    ]);
    const databaseUrl = await createDatabase(server, "project", options);
    return new Project(server, platform, databaseUrl, connect(databaseUrl));
  }

  /** What make is told, and what is in its environment. */
  async make(
    target: string,
    variables: Record<string, string> = {},
    environment: Record<string, string> = {},
  ): Promise<Told> {
    const { code, stdout, stderr } = await new Deno.Command("make", {
      args: [
        "--no-print-directory",
        target,
        ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      ],
      cwd: ROOT,
      env: { ...NOTHING_GIVEN, ...this.platform.environment, ...environment },
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout), complained: decoder.decode(stderr) };
  }

  async deploy(environment: Record<string, string> = {}): Promise<Told> {
    return await this.make("deploy", {
      PROJECT_REF,
      DATABASE_URL: this.databaseUrl,
      URL: this.platform.functionUrl,
    }, environment);
  }

  async vault(): Promise<{ url: string | null; secret: string | null }> {
    const [kept] = await this.sql<{ url: string | null; secret: string | null }[]>`
      select scheduler.read_secret('scenario_scheduler_url') as url,
        scheduler.read_secret('scenario_scheduler_secret') as secret
    `;
    return kept ?? { url: null, secret: null };
  }

  /** The status of a request that is let in, or not, and starts nothing. */
  async knock(secret: string | null): Promise<number> {
    const response = await fetch(this.platform.functionUrl, {
      method: "POST",
      headers: { "x-scheduler-secret": secret ?? "", "content-type": "text/plain" },
      body: "",
    });
    await response.body?.cancel();
    return response.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sql.end({ timeout: 1 });
    await this.platform.stop();
    await this.server.stop();
  }
}

/** What whoever runs the tests may have set. */
const NOTHING_GIVEN = Object.fromEntries(
  [
    "PROJECT_REF",
    "DATABASE_URL",
    "URL",
    "SCHEDULER_SECRET",
    "SCHEDULER_DB_URL",
    "SCHEDULER_API_DB_URL",
    "SUPABASE_URL",
    "API_URL",
    "API_ALLOWED_ORIGINS",
    "FCM_SERVICE_ACCOUNT",
    "FCM_ENDPOINT",
    "PUSH_PROVIDER",
    "PAGE_SIZE",
    "PUSH_CONCURRENCY",
    "TIMEOUT_THRESHOLD_MS",
    ...PORTAL_VARIABLES,
    "ROTATE",
    "NEW_LOGIN",
    "WAIT",
  ].map((name) => [name, ""]),
);

const LET_IN = 415;
const REFUSED = 401;

/** The files of this project that a function imports. */
async function importedFiles(folder: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", `${folder}/deno.json`, `${folder}/index.ts`],
    cwd: ROOT,
  }).output();
  const graph: { modules: { specifier: string }[] } = JSON.parse(new TextDecoder().decode(stdout));
  return graph.modules
    .filter(({ specifier }) => specifier.startsWith("file:"))
    .map(({ specifier }) => specifier.slice(`file://${ROOT}`.length));
}

Deno.test("deploy: an empty project gets everything, and every line of make verify passes; a second run changes nothing", async () => {
  await using project = await Project.make();
  const { platform, sql } = project;
  const temporary = await Deno.makeTempDir({ prefix: "scenario-scheduler-" });
  const told = await project.deploy({
    FCM_SERVICE_ACCOUNT: ACCOUNT,
    PAGE_SIZE: "250",
    API_ALLOWED_ORIGINS: "https://app.example.org",
    TMPDIR: temporary,
  });
  assert.equal(told.code, 0, told.said + told.complained);
  const left = await Array.fromAsync(Deno.readDir(temporary), ({ name }) => name);
  assert.deepEqual(left.filter((name) => name.startsWith("scenario-scheduler-")), []);
  await Deno.remove(temporary, { recursive: true });

  assert.deepEqual(platform.events, [
    "set API_ALLOWED_ORIGINS FCM_SERVICE_ACCOUNT PAGE_SIZE SCHEDULER_API_DB_URL SCHEDULER_DB_URL SCHEDULER_SECRET",
    "deployed scenario-scheduler",
    "deployed api",
  ]);
  const folders = { "scenario-scheduler": "edge/dispatch", api: "edge/api" };
  for (const [i, [name, folder]] of Object.entries(folders).entries()) {
    const upload = platform.uploads[i];
    assert.deepEqual(upload?.metadata, {
      name,
      entrypoint_path: `${folder}/index.ts`,
      import_map_path: `${folder}/deno.json`,
      static_patterns: [],
      verify_jwt: false,
    });
    assert.deepEqual(
      upload?.files,
      [`${folder}/deno.json`, ...await importedFiles(folder)].sort(),
    );
  }

  const secret = platform.secrets.get("SCHEDULER_SECRET") ?? "";
  assert.match(secret, /^[0-9a-f]{64}$/);
  assert.deepEqual(await project.vault(), { url: platform.functionUrl, secret });
  assert.deepEqual(
    JSON.parse(platform.secrets.get("FCM_SERVICE_ACCOUNT") ?? ""),
    JSON.parse(ACCOUNT),
  );
  const [login, apiLogin] = ["SCHEDULER_DB_URL", "SCHEDULER_API_DB_URL"]
    .map((name) => new URL(platform.secrets.get(name) ?? ""));
  assert.equal(login?.username, "scheduler_dispatcher");
  assert.equal(apiLogin?.username, "scheduler_api");
  const passwords = [login.password, apiLogin.password, project.server.password];
  for (const hidden of [secret, ...passwords, ACCESS_TOKEN]) {
    assert.ok(!(told.said + told.complained).includes(hidden), "no secret is printed");
  }
  const entries = await sql`select jobname, schedule from cron.job where active order by jobname`;
  assert.deepEqual(entries.map((entry) => ({ ...entry })), [
    { jobname: "nightly-scheduler", schedule: "0 2 * * *" },
    { jobname: "scenario-scheduler-daily", schedule: "0 6 * * *" },
    { jobname: "scenario-scheduler-dispatch", schedule: "* * * * *" },
    { jobname: "scenario-scheduler-housekeeping", schedule: "30 3 * * *" },
  ]);

  const worker = await startNetWorker(project.databaseUrl);
  const verified = await project.make("verify", {
    URL: platform.functionUrl,
    DATABASE_URL: project.databaseUrl,
  });
  await worker.stop();
  assert.equal(verified.code, 0, verified.said + verified.complained);
  assert.match(verified.said, /\nAll 18 passed\.\n$/);

  // The api's login lets it ask in the name of whoever has a token.
  const coordinator = crypto.randomUUID();
  await sql`
    with organisation as (
      insert into public.organisations (name) values ('an organisation') returning id
    )
    insert into public.staff (user_id, organisation_id, role)
    select ${coordinator}, organisation.id, 'coordinator' from organisation
  `;
  for (const [person, status] of [[coordinator, 200], [crypto.randomUUID(), 403]] as const) {
    const response = await fetch(`${platform.apiUrl}/v1/scheduler-invocations`, {
      headers: { authorization: `Bearer ${await platform.token(person)}` },
    });
    assert.equal(response.status, status, await response.text());
  }

  // What the functions have already need not be given again.
  const [secrets, vault] = [new Map(platform.secrets), await project.vault()];
  const second = await project.deploy();
  assert.equal(second.code, 0, second.said + second.complained);
  assert.deepEqual(platform.secrets, secrets);
  assert.deepEqual(await project.vault(), vault);
  assert.deepEqual(platform.events.slice(3), ["deployed scenario-scheduler", "deployed api"]);
  assert.equal(
    second.said.match(/unchanged/g)?.length,
    6,
    "migrations, two logins, secrets, Vault and schedules",
  );
});

Deno.test("deploy: a rotation lets in whoever signs as Vault says, at every moment of it, and where it fails", async () => {
  await using project = await Project.make();
  const { platform } = project;
  await project.deploy({ PUSH_PROVIDER: "log" });
  const { secret: old } = await project.vault();

  const statuses = new Set<number>();
  const rotating = project.deploy({ ROTATE: "1" });
  let isOn = true;
  rotating.finally(() => isOn = false);
  let knocks = 0;
  for (; isOn; knocks++) statuses.add(await project.knock((await project.vault()).secret));
  const told = await rotating;
  assert.equal(told.code, 0, told.said + told.complained);
  assert.ok(knocks > 50, `${knocks} knocks`);
  assert.deepEqual([...statuses], [LET_IN]);

  const { secret: rotated } = await project.vault();
  assert.notEqual(rotated, old);
  assert.equal(platform.secrets.get("SCHEDULER_SECRET"), rotated);
  assert.equal(platform.secrets.get("SCHEDULER_SECRET_PREVIOUS"), old);
  assert.equal(await project.knock(old), LET_IN);
  assert.match(told.said, /secrets unset SCHEDULER_SECRET_PREVIOUS --remote=abcdefghijklmnopqrst/);
  assert.equal(await project.knock(newSecret()), REFUSED);

  project.platform.refuseUpload = "scenario-scheduler";
  const refused = await project.deploy({ ROTATE: "1" });
  assert.equal(refused.code, 2, "make's own, for a target that failed");
  assert.match(refused.said, /✗ the function scenario-scheduler\n$/);
  assert.match(
    refused.complained,
    /was not deployed: .*bundle could not be made.*\nnext: .*make deploy/s,
  );
  assert.equal((await project.vault()).secret, rotated);
  assert.equal(await project.knock(rotated), LET_IN);
});

Deno.test("deploy: a secret that is given and new passwords for the logins take the place of the old", async () => {
  await using project = await Project.make();
  const tryLogin = async (url = "") => {
    const sql = connect(url);
    return await sql`select 1`.then(() => true, () => false).finally(() => sql.end());
  };
  const [first, second] = [newSecret(), newSecret()];
  await project.deploy({ PUSH_PROVIDER: "log", SCHEDULER_SECRET: first });
  assert.equal((await project.vault()).secret, first);
  const logins = ["SCHEDULER_DB_URL", "SCHEDULER_API_DB_URL"];
  const before = new Map(project.platform.secrets);
  const told = await project.deploy({ SCHEDULER_SECRET: second, NEW_LOGIN: "1" });
  assert.equal(told.code, 0, told.said + told.complained);
  for (const name of logins) {
    assert.equal(await tryLogin(before.get(name)), false, `the old ${name}`);
    assert.equal(await tryLogin(project.platform.secrets.get(name)), true, `the new ${name}`);
  }
  assert.equal((await project.vault()).secret, second);
  assert.deepEqual(
    [await project.knock(first), await project.knock(second)],
    [LET_IN, LET_IN],
  );
});

Deno.test("deploy: the function is not called ready, nor Vault told of it, where another answers", async () => {
  await using project = await Project.make();
  project.platform.secrets.set("SCHEDULER_DB_URL", "postgresql://postgres@127.0.0.1:1/none");
  const told = await project.make("deploy", {
    PROJECT_REF,
    DATABASE_URL: project.databaseUrl,
    URL: "https://127.0.0.1:1/functions/v1/scenario-scheduler",
  }, { PUSH_PROVIDER: "log", WAIT: "2" });
  assert.equal(told.code, 2);
  assert.match(told.complained, /does not take its secret at https:\/\/127\.0\.0\.1:1\/functions/);
  assert.deepEqual(await project.vault(), { url: null, secret: null });
});

Deno.test("deploy: an api that does not start holds up nobody's pushes, and is named", async () => {
  await using project = await Project.make();
  const told = await project.deploy({
    PUSH_PROVIDER: "log",
    SCHEDULER_API_DB_URL: "postgresql://scheduler_api@127.0.0.1:1/none",
    API_URL: "https://127.0.0.1:1/functions/v1/api",
    WAIT: "2",
  });
  assert.equal(told.code, 2);
  assert.match(told.complained, /function api does not answer at https:\/\/127\.0\.0\.1:1\//);
  assert.match(told.complained, /pushes go out all the same/);
  assert.equal((await project.vault()).url, project.platform.functionUrl);

  project.platform.refuseUpload = "api";
  const refused = await project.deploy();
  assert.match(
    refused.complained,
    /The function api was not deployed: .*bundle could not be made.*\nnext: .*make deploy/s,
  );
});

Deno.test("deploy: a login that can't ask in a caller's name is named, and no secret is set", async () => {
  await using project = await Project.make();
  await project.make("deploy", {
    PROJECT_REF,
    DATABASE_URL: project.databaseUrl,
    URL: project.platform.functionUrl,
  }, { PUSH_PROVIDER: "log" });
  const done = project.platform.events.length;
  const admin = connect(project.server.url("project", "supabase_admin"));
  await admin`revoke authenticated from scheduler_api granted by postgres`;
  await admin.end();
  const told = await project.deploy({ NEW_LOGIN: "1" });
  assert.equal(told.code, 2);
  assert.match(
    told.complained,
    /scheduler_api is not a member of authenticated.*\nnext: .*grant authenticated to scheduler_api;/,
  );
  assert.equal(project.platform.events.length, done);
});

Deno.test("deploy: a project without the extensions is told which to enable, and no secret is set", async () => {
  await using project = await Project.make({ bare: true });
  const told = await project.deploy({ PUSH_PROVIDER: "log" });
  assert.equal(told.code, 2);
  assert.match(
    told.complained,
    /extension pg_cron is not enabled\.\nnext: .*create extension pg_cron/,
  );
  assert.deepEqual(project.platform.events, []);
});

Deno.test("deploy: what is missing or malformed is named all at once, and nothing is done", async () => {
  await using project = await Project.make();
  const nothing = await project.make("deploy", {}, { SUPABASE_ACCESS_TOKEN: "" });
  assert.equal(nothing.code, 2);
  for (
    const name of ["PROJECT_REF", "DATABASE_URL", "SUPABASE_ACCESS_TOKEN", "FCM_SERVICE_ACCOUNT"]
  ) assert.match(nothing.complained, new RegExp(`\n  - ${name} is missing`), name);

  const wrong = await project.deploy({
    SCHEDULER_SECRET: "abc123",
    SUPABASE_ACCESS_TOKEN: "sbp_123",
    FCM_SERVICE_ACCOUNT: "{}",
    PAGE_SIZE: "0",
    ROTATE: "yes",
    SCHEDULER_DB_URL: "mysql://nothing",
    SCHEDULER_API_DB_URL: "mysql://nothing",
    API_ALLOWED_ORIGINS: "example.org",
    NEW_LOGIN: "1",
  });
  assert.equal(wrong.code, 2);
  for (
    const problem of [
      /SCHEDULER_SECRET must be 256 bits/,
      /SUPABASE_ACCESS_TOKEN is none/,
      /FCM_SERVICE_ACCOUNT lacks "private_key"/,
      /PAGE_SIZE must be a whole number from 1 to 5000, not 0/,
      /ROTATE must be 1/,
      /SCHEDULER_DB_URL .* must be of the form/,
      /SCHEDULER_API_DB_URL .* must be of the form/,
      /API_ALLOWED_ORIGINS /,
      /SCHEDULER_DB_URL and NEW_LOGIN exclude each other/,
      /SCHEDULER_API_DB_URL and NEW_LOGIN exclude each other/,
    ]
  ) assert.match(wrong.complained, problem);
  assert.ok(!wrong.complained.includes("abc123") && !wrong.complained.includes("sbp_123"));

  const refused = await project.deploy({
    SUPABASE_ACCESS_TOKEN: `sbp_${"0".repeat(40)}`,
    PUSH_PROVIDER: "log",
  });
  assert.match(refused.complained, /secrets of project abcdefghijklmnopqrst could not be listed/);

  const [schema] = await project.sql`select to_regnamespace('scheduler') as there`;
  assert.equal(schema?.["there"], null);
  assert.deepEqual(project.platform.events, []);
});
