import assert from "node:assert/strict";
import { createDatabase, ROOT } from "./database.ts";
import { type EdgeFunction, newSecret, startEdgeFunction } from "./edge_function.ts";
import { type FakeAuth, startFakeAuth } from "./fake_auth.ts";
import { type NetWorker, startNetWorker } from "./net_worker.ts";
import { connect, type Sql } from "./server.ts";
import { server, type TestDatabase, testDatabase } from "./testing.ts";
import { type Deployment, type Finding, show, verify } from "./verify.ts";

/** A project as make deploy leaves it, on this machine. */
class Project implements AsyncDisposable {
  #worker: NetWorker | undefined;

  private constructor(
    readonly database: TestDatabase,
    readonly edge: EdgeFunction,
    readonly api: EdgeFunction,
    readonly auth: FakeAuth,
    readonly secret: string,
  ) {}

  static async make(): Promise<Project> {
    const database = await testDatabase();
    const secret = newSecret();
    const edge = await startEdgeFunction({
      environment: {
        SCHEDULER_DB_URL: database.url,
        SCHEDULER_SECRET: secret,
        PUSH_PROVIDER: "log",
      },
    });
    const auth = await startFakeAuth();
    const api = await startEdgeFunction({
      name: "api",
      environment: {
        SCHEDULER_API_DB_URL: database.url,
        SUPABASE_URL: auth.url,
        SUPABASE_ANON_KEY: "anon",
      },
    });
    const project = new Project(database, edge, api, auth, secret);
    await project.sql`select scheduler.configure_edge(url => ${edge.url}, secret => ${secret})`;
    // The database is a copy of one that has stood still since it was made.
    await project.sql`update scheduler.jobs set last_tick_for = now()`;
    project.#worker = await startNetWorker(database.url);
    return project;
  }

  get sql(): Sql {
    return this.database.sql;
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.stop();
    this.#worker = undefined;
  }

  get deployment(): Deployment {
    return {
      url: this.edge.url,
      apiUrl: `${this.api.url}api`,
      supabaseUrl: this.auth.url,
      databaseUrl: this.database.url,
      waitSeconds: 20,
    };
  }

  /** What failed, by its name; all that passed is left out. */
  async failures(given: Partial<Deployment> = {}): Promise<Record<string, Finding>> {
    return failed(await Array.fromAsync(verify({ ...this.deployment, ...given })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWorker();
    await Promise.all([this.edge, this.api, this.auth].map((one) => one.stop()));
    await this.database.drop();
  }
}

function failed(findings: Finding[]): Record<string, Finding> {
  const found = findings.filter(({ passed }) => !passed);
  for (const { name, next } of found) assert.ok(next, `${name} says what to do next`);
  return Object.fromEntries(found.map((finding) => [finding.name, finding]));
}

function assertFails(
  failures: Record<string, Finding>,
  name: string,
  detail: RegExp,
  next: RegExp,
): void {
  assert.match(failures[name]?.detail ?? "passed", detail);
  assert.match(failures[name]?.next ?? "", next);
}

/** Something that is not the function, and answers as it is told. */
async function answering(
  answer: (request: Request) => Response,
  test: (url: string, asked: Headers[]) => Promise<void>,
): Promise<void> {
  const asked: Headers[] = [];
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    asked.push(request.headers);
    return answer(request);
  });
  try {
    await test(`http://127.0.0.1:${other.addr.port}/`, asked);
  } finally {
    await other.shutdown();
  }
}

Deno.test("verify: every line of a project that is deployed passes", async () => {
  await using project = await Project.make();
  const findings = await Array.fromAsync(verify(project.deployment));
  assert.deepEqual(findings.filter(({ passed }) => !passed), []);
  assert.deepEqual(findings.map(({ name }) => name), [
    "database",
    "migrations",
    "cron nightly-scheduler",
    "cron scenario-scheduler-daily",
    "cron scenario-scheduler-dispatch",
    "cron scenario-scheduler-housekeeping",
    "vault",
    "function",
    "no secret",
    "wrong secret",
    "right secret",
    "ledger",
    "api",
    "api document",
    "api forged token",
    "jwt keys",
    "pg_net",
    "status",
  ]);
  const daily = findings.find(({ name }) => name === "cron scenario-scheduler-daily");
  assert.match(
    daily?.detail ?? "",
    /^0 6 \* \* \*, next \d{4}-\d\d-\d\d 06:00 UTC, 0[78]:00 in Oslo$/,
  );
  const told = findings.map(show).join("\n");
  assert.ok(!told.includes(project.secret), "the secret is not printed");
  assert.ok(!told.includes(server.password), "the password is not printed");
});

Deno.test("verify: nothing is written but dry runs, and with the secret given too", async () => {
  await using project = await Project.make();
  assert.deepEqual(await project.failures({ secret: project.secret }), {});
  const runs = await project.sql`
    select status, dry_run, triggered_by, http_status from scheduler.invocations order by requested_at
  `;
  assert.deepEqual(runs.map((run) => ({ ...run })), [
    { status: "completed", dry_run: true, triggered_by: "verify", http_status: null },
    { status: "completed", dry_run: true, triggered_by: "verify", http_status: 202 },
  ]);
  const [outbox] = await project
    .sql`select count(*)::integer as count from scheduler.notifications`;
  assert.equal(outbox?.["count"], 0);
});

Deno.test("verify: an entry of pg_cron that is missing, or on another schedule, or off, is named", async () => {
  await using project = await Project.make();
  const { sql } = project;
  await sql`select cron.unschedule('scenario-scheduler-dispatch')`;
  await sql`
    select cron.alter_job(job_id => jobid, schedule => '0 5 * * *')
    from cron.job where jobname = 'scenario-scheduler-daily'
  `;
  await sql`
    select cron.alter_job(job_id => jobid, active => false)
    from cron.job where jobname = 'scenario-scheduler-housekeeping'
  `;
  const failures = await project.failures();
  assert.deepEqual(Object.keys(failures), [
    "cron scenario-scheduler-daily",
    "cron scenario-scheduler-dispatch",
    "cron scenario-scheduler-housekeeping",
    "status",
  ]);
  const apply = /apply_schedules/;
  const cron = (name: string) => `cron scenario-scheduler-${name}`;
  assertFails(failures, cron("daily"), /^on 0 5 \* \* \* instead of 0 6 \* \* \*$/, apply);
  assertFails(failures, cron("dispatch"), /no such entry/, apply);
  assertFails(failures, cron("housekeeping"), /not active/, apply);
  await sql`select from scheduler.apply_schedules()`;
  assert.deepEqual(await project.failures(), {});
});

Deno.test("verify: what is paused is said to be, and another schedule that was chosen is right", async () => {
  await using project = await Project.make();
  await project.sql`select scheduler.pause('housekeeping', reason => 'a trial')`;
  await project.sql`
    update scheduler.jobs set schedule = '30 7 * * *' where job_name = 'scenario-evaluation'
  `;
  const failures = await project.failures();
  assert.deepEqual(Object.keys(failures), ["cron scenario-scheduler-housekeeping"]);
  assertFails(
    failures,
    "cron scenario-scheduler-housekeeping",
    /^housekeeping paused since .* \(a trial\)$/,
    /scheduler\.resume/,
  );
});

Deno.test("verify: a function that is down is named, and nothing that needs it is tried", async () => {
  await using project = await Project.make();
  await project.edge.stop();
  const failures = await project.failures();
  assert.deepEqual(Object.keys(failures), [
    "function",
    "no secret",
    "wrong secret",
    "right secret",
    "ledger",
    "pg_net",
  ]);
  assertFails(failures, "function", /no answer/, /deployed/);
  assertFails(failures, "right secret", /could not be looked at/, /^First: function\.$/);
  assertFails(failures, "pg_net", /not reached: Couldn't connect/, /lead to the function/);
  const [left] = await project.sql`select count(*)::integer as count from scheduler.invocations`;
  assert.equal(
    left?.["count"],
    0,
    "a try that failed is not asked for again, and counts as no run",
  );
});

Deno.test("verify: a secret in Vault that is not the function's is named", async () => {
  await using project = await Project.make();
  await project.sql`select scheduler.configure_edge(secret => ${newSecret()})`;
  const byVault = await project.failures();
  assert.deepEqual(Object.keys(byVault), ["right secret", "ledger", "pg_net"]);
  assertFails(byVault, "right secret", /^401 unauthorized$/, /make deploy/);
  assertFails(byVault, "pg_net", /refuses Vault's signature/, /different secrets/);
  const given = await project.failures({ secret: project.secret });
  assert.deepEqual(Object.keys(given), ["vault", "pg_net"]);
  assertFails(given, "vault", /its secret is not SCHEDULER_SECRET/, /make deploy/);
});

Deno.test("verify: an api that is down, not deployed, not started, held back by the platform or something else is named", async () => {
  await using project = await Project.make();
  const cases: [() => Response, RegExp, RegExp][] = [
    [() => Response.json([]), /^200 .*: not how the api answers/, /API_URL/],
    [() => new Response("Not Found", { status: 404 }), /no function is at this address/, /deploy/],
    [
      () => Response.json({ code: 401, message: "Missing authorization header" }, { status: 401 }),
      /the platform refuses/,
      /verify_jwt = false/,
    ],
    [
      () => Response.json({ code: "BOOT_ERROR" }, { status: 503 }),
      /^503 BOOT_ERROR: the function does not start$/,
      /Edge Functions, api, Logs/,
    ],
  ];
  for (const [answer, detail, next] of cases) {
    await answering(answer, async (apiUrl) => {
      const failures = await project.failures({ apiUrl });
      assert.deepEqual(Object.keys(failures), ["api", "api document", "api forged token"]);
      assertFails(failures, "api", detail, next);
      assertFails(failures, "api document", /could not be looked at/, /^First: api\.$/);
    });
  }
  await project.api.stop();
  assertFails(await project.failures(), "api", /no answer/, /functions list/);
});

Deno.test("verify: an api that takes a token without a signature, or has no document, is named", async () => {
  await using project = await Project.make();
  const refusal = () =>
    Response.json({ title: "Unauthorized", status: 401 }, {
      status: 401,
      headers: { "content-type": "application/problem+json" },
    });
  let tokens = 0;
  await answering(({ headers }) => {
    const token = headers.get("authorization");
    if (!token) return refusal();
    tokens++;
    const [header = ""] = token.slice("Bearer ".length).split(".");
    assert.equal(JSON.parse(atob(header)).alg, "none");
    return Response.json({ items: [] });
  }, async (apiUrl) => {
    const failures = await project.failures({ apiUrl });
    assert.deepEqual(Object.keys(failures), ["api document", "api forged token"]);
    assertFails(failures, "api forged token", /^a token without a signature: 200/, /must be 401/);
    assertFails(failures, "api document", /^401 /, /OpenAPI/);
  });
  assert.equal(tokens, 1);
});

Deno.test("verify: a project that signs with a shared secret only, or that is not at its address, is named", async () => {
  await using project = await Project.make();
  for (const keys of [[], [{ kty: "oct", alg: "HS256" }]]) {
    await answering(() => Response.json({ keys }), async (address) => {
      const failures = await project.failures({ supabaseUrl: address.slice(0, -1) });
      assert.deepEqual(Object.keys(failures), ["jwt keys"]);
      assertFails(failures, "jwt keys", /no asymmetric key/, /JWT Keys/);
    });
  }
  const nowhere = await project.failures({ supabaseUrl: "http://127.0.0.1:1" });
  assertFails(nowhere, "jwt keys", /^no answer/, /SUPABASE_URL/);
});

Deno.test("verify: an empty Vault is named", async () => {
  await using project = await Project.make();
  await project.sql`delete from vault.secrets`;
  const failures = await project.failures();
  assert.deepEqual(Object.keys(failures), ["vault", "right secret", "ledger", "pg_net", "status"]);
  assertFails(failures, "vault", /url of the function is not set/, /configure_edge/);
  assertFails(failures, "status", /^vault: /, /scheduler_status/);
  const given = await project.failures({ secret: project.secret });
  assert.deepEqual(Object.keys(given), ["vault", "pg_net", "status"]);
});

Deno.test("verify: a URL of something else is named, and the secret does not go there", async () => {
  await using project = await Project.make();
  const cases: [() => Response, RegExp, RegExp][] = [
    [() => Response.json({ ok: true }), /not how the function answers/, /something else/],
    [() => new Response("Not Found", { status: 404 }), /no function is at this address/, /URL/],
    [() => Response.json({ code: 401 }, { status: 401 }), /wants a JWT/, /verify_jwt = false/],
    [
      () => Response.json({ code: "BOOT_ERROR" }, { status: 503 }),
      /^503 BOOT_ERROR: the function does not start$/,
      /log .* environment/,
    ],
    [
      () => new Response(null, { status: 307, headers: { location: project.edge.url } }),
      /not how the function answers/,
      /something else/,
    ],
  ];
  for (const [answer, detail, next] of cases) {
    await answering(answer, async (url, asked) => {
      const failures = await project.failures({ url, secret: project.secret });
      assertFails(failures, "vault", /^its url is http/, /configure_edge\(url => 'http/);
      assertFails(failures, "function", detail, next);
      assert.equal(failures["pg_net"], undefined, "Vault's own url is good");
      assert.equal(asked.length, 1);
      assert.equal(asked[0]?.get("x-scheduler-secret"), null);
    });
  }
});

Deno.test("verify: a url in Vault that is something else's is named", async () => {
  await using project = await Project.make();
  await answering(() => Response.json({ ok: true }), async (url) => {
    await project.sql`select scheduler.configure_edge(url => ${url})`;
    const failures = await project.failures();
    assert.deepEqual(Object.keys(failures), ["vault", "pg_net"]);
    assertFails(failures, "pg_net", /^answered 200, but no run began$/, /configure_edge/);
  });
});

Deno.test("verify: a function on another database is named", async () => {
  await using project = await Project.make();
  await using other = await Project.make();
  await project.sql`
    select scheduler.configure_edge(url => ${other.edge.url}, secret => ${other.secret})
  `;
  const failures = await project.failures({ url: other.edge.url });
  assert.deepEqual(Object.keys(failures), ["ledger", "pg_net"]);
  assertFails(failures, "ledger", /no row/, /another database/);
});

Deno.test("verify: a pg_net that makes no requests is named, and the try leaves nothing", async () => {
  await using project = await Project.make();
  await project.stopWorker();
  const failures = await project.failures({ waitSeconds: 1 });
  assert.deepEqual(Object.keys(failures), ["pg_net"]);
  assertFails(failures, "pg_net", /waits in pg_net's queue/, /net\.worker_restart/);
  const [left] = await project.sql`
    select count(*)::integer as count from scheduler.requests
  `;
  assert.equal(left?.["count"], 0);
});

Deno.test("verify: migrations that are missing are named", async () => {
  await using project = await Project.make();
  const [last] = await project.sql`
    delete from supabase_migrations.schema_migrations
    where version = (select max(version) from supabase_migrations.schema_migrations)
    returning version
  `;
  const failures = await project.failures();
  assert.deepEqual(Object.keys(failures), ["migrations"]);
  assertFails(
    failures,
    "migrations",
    new RegExp(`^not applied: 1, the first ${last?.["version"]}_`),
    /make deploy/,
  );
});

Deno.test("verify: a project with migrations of its own passes", async () => {
  await using project = await Project.make();
  await project.sql`
    insert into supabase_migrations.schema_migrations (version, name) values ('20250101000000', 'own')
  `;
  assert.deepEqual(await project.failures(), {});
});

Deno.test("verify: in a database without the project, the first line to put right is named", async () => {
  await using project = await Project.make();
  const name = `empty_${crypto.randomUUID().replaceAll("-", "")}`;
  const databaseUrl = await createDatabase(server, name);
  try {
    const failures = await project.failures({ databaseUrl });
    assertFails(failures, "migrations", /^not applied: \d+/, /make deploy/);
    for (const line of ["vault", "cron scenario-scheduler-daily", "pg_net", "status"]) {
      assertFails(failures, line, /could not be looked at/, /^First: migrations\.$/);
    }
    assert.equal(failures["function"], undefined);
  } finally {
    const admin = connect(server.url("template1", "supabase_admin"));
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
  }
});

Deno.test("verify: a database that is not reached is named, and the function is tried all the same", async () => {
  await using project = await Project.make();
  const databaseUrl = project.database.url.replace(/:\d+\//, ":1/");
  const failures = await project.failures({ databaseUrl, secret: project.secret });
  assertFails(failures, "database", /ECONNREFUSED|refused/i, /DATABASE_URL/);
  assertFails(failures, "pg_net", /could not be looked at/, /^First: database\.$/);
  assert.equal(failures["right secret"], undefined);
});

Deno.test("verify: what is given and can't be used is named all at once, and nothing is tried", async () => {
  const names = ["URL", "API_URL", "SUPABASE_URL", "DATABASE_URL", "SCHEDULER_SECRET", "WAIT"];
  const nothingGiven = Object.fromEntries(names.map((name) => [name, ""]));
  const run = async (environment: Record<string, string>) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", "scripts/verify.ts"],
      cwd: ROOT,
      env: { ...nothingGiven, ...environment },
      stdout: "piped",
      stderr: "piped",
    }).output();
    const decoder = new TextDecoder();
    return { code, said: decoder.decode(stdout), complained: decoder.decode(stderr) };
  };
  const nothing = await run({});
  assert.equal(nothing.code, 2);
  assert.equal(nothing.said, "");
  assert.match(
    nothing.complained,
    /^Nothing was tried:\n {2}- URL is missing.*\n {2}- DATABASE_URL/,
  );
  const wrong = await run({
    URL: "http://example.org/functions/v1/scenario-scheduler",
    DATABASE_URL: "postgresql://postgres:pa#ss@db.example.org:5432/postgres",
    SCHEDULER_SECRET: "abc123",
  });
  assert.equal(wrong.code, 2);
  assert.match(wrong.complained, /- URL must begin with https/);
  assert.match(wrong.complained, /- DATABASE_URL must be of the form .* escaped/);
  assert.match(wrong.complained, /- SCHEDULER_SECRET must be 256 bits/);
  assert.ok(!wrong.complained.includes("abc123") && !wrong.complained.includes("pa#ss"));
});
