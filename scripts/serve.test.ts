// make serve as a process of its own, against a database and an Auth that are given.

import assert from "node:assert/strict";
import { ROOT } from "./database.ts";
import { startFakeAuth } from "./fake_auth.ts";
import { type TestDatabase, testDatabase } from "./testing.ts";

const NAMES = [
  "DATABASE_URL",
  "SUPABASE_URL",
  "SUPABASE_ANON_KEY",
  "SCHEDULER_SECRET",
  "SCHEDULER_API_DB_URL",
  "FCM_SERVICE_ACCOUNT",
  "PUSH_PROVIDER",
  "API_ALLOWED_ORIGINS",
  "PORT",
  "API_PORT",
  "AUTH_PORT",
];
const NOTHING_GIVEN = Object.fromEntries(NAMES.map((name) => [name, ""]));

/** Two ports that nobody listens at. */
function freePorts(): { PORT: string; API_PORT: string } {
  const listeners = [0, 0].map((port) => Deno.listen({ hostname: "127.0.0.1", port }));
  const [PORT, API_PORT] = listeners.map((listener) => {
    listener.close();
    return String((listener.addr as Deno.NetAddr).port);
  });
  return { PORT: PORT ?? "", API_PORT: API_PORT ?? "" };
}

function isFree(port: string): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: Number(port) }).close();
    return true;
  } catch {
    return false;
  }
}

function run(script: string, environment: Record<string, string>): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", script],
    cwd: ROOT,
    env: { NO_COLOR: "1", ...NOTHING_GIVEN, ...environment },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function outcome(script: string, environment: Record<string, string>) {
  const { code, stdout, stderr } = await run(script, environment).output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout), complained: decoder.decode(stderr) };
}

async function given(
  database: TestDatabase,
  test: (
    environment: Record<string, string>,
    token: (id: string) => Promise<string>,
  ) => Promise<void>,
): Promise<void> {
  const auth = await startFakeAuth();
  try {
    await test({
      DATABASE_URL: database.url,
      SUPABASE_URL: auth.url,
      SUPABASE_ANON_KEY: "anon",
    }, (sub) => auth.token({ sub }));
  } finally {
    await auth.stop();
    await database.drop();
  }
}

Deno.test("serve: both functions run until the end, and the API takes the tokens of the project that is given", async () => {
  const database = await testDatabase();
  await given(database, async (environment, token) => {
    const ports = freePorts();
    const child = run("scripts/serve.ts", { ...environment, ...ports });
    const complaints = new Response(child.stderr).text();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("curl -H")) {
      const { value, done } = await reader.read();
      if (done) break;
      said += value;
    }
    assert.match(said, new RegExp(`http://127\\.0\\.0\\.1:${ports.PORT}/`));
    const api = `http://127.0.0.1:${ports.API_PORT}/api/v1/scheduler-invocations`;
    const nobody = await token(crypto.randomUUID());
    const answer = await fetch(api, { headers: { authorization: `Bearer ${nobody}` } });
    assert.equal(answer.status, 403, await answer.text());
    const stranger = await fetch(api);
    assert.equal(stranger.status, 401, await stranger.text());

    child.kill("SIGTERM");
    await reader.cancel();
    await child.status;
    await complaints;
    assert.deepEqual([isFree(ports.PORT), isFree(ports.API_PORT)], [true, true]);
  });
});

Deno.test("serve: where one function does not start, the other is stopped", async () => {
  await given(await testDatabase(), async (environment) => {
    const ports = freePorts();
    const { code, complained } = await outcome("scripts/serve.ts", {
      ...environment,
      ...ports,
      API_ALLOWED_ORIGINS: "nonsense",
    });
    assert.equal(code, 1);
    assert.match(complained, /API_ALLOWED_ORIGINS is no origin/);
    assert.match(complained, /The function api did not start\.\nnext: /);
    assert.deepEqual([isFree(ports.PORT), isFree(ports.API_PORT)], [true, true]);
  });
});

Deno.test("serve: what is missing, malformed or taken is named all at once, and nothing is started", async () => {
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const { code, said, complained } = await outcome("scripts/serve.ts", {
    DATABASE_URL: "postgresql://postgres:none@127.0.0.1:1/none",
    SUPABASE_ANON_KEY: "anon",
    PORT: String(port),
    API_PORT: "99999",
  });
  taken.close();
  assert.equal(code, 2);
  assert.equal(said, "");
  assert.match(
    complained,
    /^Nothing was started:\n {2}- SUPABASE_URL is missing beside DATABASE_URL/,
  );
  assert.match(complained, new RegExp(`- The port ${port} is taken: .*PORT=`));
  assert.match(complained, /- API_PORT must be a number from 1 to 65535, not "99999"/);
});

Deno.test("token: a role or an organisation that is none is refused, with what is possible", async () => {
  for (
    const [environment, problem] of [
      [{ ROLE: "" }, /ROLE is missing: .*coordinator\|admin\|mentor/],
      [{ ROLE: "boss" }, /ROLE must not be "boss": .*coordinator\|admin\|mentor/],
      [{ ROLE: "admin", ORGANISATION: "3" }, /ORGANISATION must be 0, 1 or 2.*, not "3"/],
    ] as const
  ) {
    const { code, said, complained } = await outcome("scripts/token.ts", {
      ORGANISATION: "",
      ...environment,
    });
    assert.deepEqual([code, said], [2, ""]);
    assert.match(complained, problem);
  }
});
