import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { startNetWorker } from "./net_worker.ts";
import type { Sql } from "./server.ts";
import { codeOf, pause, type TestDatabase, testDatabase } from "./testing.ts";

interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: string;
}

interface World extends AsyncDisposable {
  database: TestDatabase;
  sql: Sql;
  /** What the receiver was asked, in the order in which it came. */
  asked: Asked[];
  address: string;
}

/** A database, and a receiver that answers as the path says. */
async function openWorld(): Promise<World> {
  const database = await testDatabase();
  const asked: Asked[] = [];
  const closing = new AbortController();
  const receiver = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push({
        method: request.method,
        path: pathname + search,
        headers: request.headers,
        body: await request.text(),
      });
      if (pathname === "/slow") {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1000);
          closing.signal.addEventListener("abort", () => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
      if (pathname === "/failing") return Response.json({ error: "no" }, { status: 503 });
      if (pathname === "/empty") return new Response(null, { status: 204 });
      if (pathname === "/moved") {
        return new Response(null, { status: 307, headers: { location: "/here" } });
      }
      return Response.json({ ok: true }, { headers: { "x-answer": "yes" } });
    },
  );
  return {
    database,
    sql: database.sql,
    asked,
    address: `http://127.0.0.1:${receiver.addr.port}`,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await receiver.shutdown();
      await database.drop();
    },
  };
}

interface ResponseRow {
  id: string;
  status_code: number | null;
  content_type: string | null;
  headers: Record<string, string> | null;
  content: string | null;
  timed_out: boolean;
  error_msg: string | null;
  created: Date;
}

async function post(sql: Sql, url: string, timeout = 5000): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    select net.http_post(url => ${url}, timeout_milliseconds => ${timeout}) as id
  `;
  return row?.id ?? "";
}

const responses = (sql: Sql) => sql<ResponseRow[]>`select * from net._http_response order by id`;

async function responsesOf(sql: Sql, count: number): Promise<ResponseRow[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const rows = await responses(sql);
    if (rows.length >= count) return rows;
    await pause(25);
  }
  throw new Error(`There are fewer than ${count} responses.`);
}

const COLUMNS = {
  http_request_queue:
    "id bigint not null, method net.http_method not null, url text not null, headers jsonb, body bytea, timeout_milliseconds integer not null",
  _http_response:
    "id bigint, status_code integer, content_type text, headers jsonb, content text, timed_out boolean, error_msg text, created timestamp with time zone not null",
};

const FUNCTIONS = {
  http_get:
    "url text, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{}'::jsonb, timeout_milliseconds integer DEFAULT 5000 returns bigint",
  http_post:
    `url text, body jsonb DEFAULT '{}'::jsonb, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{"Content-Type": "application/json"}'::jsonb, timeout_milliseconds integer DEFAULT 5000 returns bigint`,
  http_delete:
    "url text, params jsonb DEFAULT '{}'::jsonb, headers jsonb DEFAULT '{}'::jsonb, timeout_milliseconds integer DEFAULT 5000, body jsonb DEFAULT NULL::jsonb returns bigint",
  worker_restart: " returns boolean",
};

Deno.test("tables and functions of net are those of pg_net 0.20", async () => {
  const database = await testDatabase();
  for (const [table, columns] of Object.entries(COLUMNS)) {
    const [row] = await database.sql<{ columns: string; unlogged: boolean }[]>`
      select
        string_agg(
          format('%s %s', attname, format_type(atttypid, atttypmod))
            || case when attnotnull then ' not null' else '' end,
          ', ' order by attnum
        ) as columns,
        bool_and(relpersistence = 'u') as unlogged
      from pg_attribute join pg_class on pg_class.oid = attrelid
      where attrelid = ${`net.${table}`}::regclass and attnum > 0
    `;
    strictEqual(row?.columns, columns);
    ok(row?.unlogged, `${table} is unlogged`);
  }
  const functions = await database.sql<{ name: string; signature: string }[]>`
    select
      proname as name,
      pg_get_function_arguments(oid) || ' returns ' || pg_get_function_result(oid) as signature
    from pg_proc
    where pronamespace = 'net'::regnamespace and proname = any (${Object.keys(FUNCTIONS)})
  `;
  deepStrictEqual(
    Object.fromEntries(functions.map(({ name, signature }) => [name, signature])),
    FUNCTIONS,
  );
  await database.drop();
});

Deno.test("what is queued holds the body as the bytes of its text, and any role can read its headers", async () => {
  const database = await testDatabase();
  const { sql } = database;
  await sql.begin(async (transaction) => {
    await transaction`set local role anon`;
    await transaction`
      select net.http_post(
        url => 'https://example.test/push',
        body => '{"b": [1, "æ"], "a": null}',
        headers => '{"X-Key": "open to all"}',
        timeout_milliseconds => 1234
      )
    `;
  });
  const rows = await sql.begin(async (transaction) => {
    await transaction`set local role anon`;
    return await transaction`
      select method, url, headers, convert_from(body, 'UTF8') as body, timeout_milliseconds
      from net.http_request_queue
    `;
  });
  deepStrictEqual([...rows], [{
    method: "POST",
    url: "https://example.test/push",
    headers: { "X-Key": "open to all", "Content-Type": "application/json" },
    body: '{"a": null, "b": [1, "æ"]}',
    timeout_milliseconds: 1234,
  }]);
  await database.drop();
});

Deno.test("a content type other than JSON is refused, and one in another case is kept", async () => {
  const database = await testDatabase();
  const { sql } = database;
  await rejects(
    sql`select net.http_post(url => 'https://example.test/', headers => '{"content-type": "text/plain"}')`,
    /Content-Type header must be "application\/json"/,
  );
  await sql`
    select net.http_post(
      url => 'https://example.test/', headers => '{"content-type": "application/json"}'
    )
  `;
  const [row] = await sql`select headers from net.http_request_queue`;
  deepStrictEqual(row?.headers, { "content-type": "application/json" });
  await database.drop();
});

Deno.test("params are appended to the url, encoded; an url that is none is refused", async () => {
  const database = await testDatabase();
  const { sql } = database;
  const queued = async (url: string, params: Record<string, string>) => {
    await sql`select net.http_get(url => ${url}, params => ${sql.json(params)})`;
    const [stored] = await sql<{ url: string }[]>`
      select url from net.http_request_queue order by id desc limit 1
    `;
    return stored?.url;
  };
  strictEqual(await queued("http://example.test", {}), "http://example.test/");
  strictEqual(
    await queued("http://example.test/p?x=1#end", { "a b": "å&~" }),
    "http://example.test/p?x=1&a%20b=%C3%A5%26~#end",
  );
  strictEqual(codeOf(await queued("not an url", {}).catch((error) => error)), "P0001");
  await database.drop();
});

Deno.test("a request reaches the receiver as it was queued, and its response is kept, whatever the status", async () => {
  await using world = await openWorld();
  const { sql, address } = world;
  await sql`
    select net.http_post(
      url => ${`${address}/push`}, body => '{"n": 1}', headers => '{"X-Key": "k"}',
      timeout_milliseconds => 5000
    )
  `;
  await sql`select net.http_get(url => ${`${address}/failing`}, timeout_milliseconds => 5000)`;
  await sql`
    select net.http_delete(url => ${`${address}/empty`}, params => '{"id": "7"}', timeout_milliseconds => 5000)
  `;
  const worker = await startNetWorker(world.database.adminUrl);
  const [posted, failing, empty] = await responsesOf(sql, 3);
  await worker.stop();

  const asked = (method: string) => world.asked.find((one) => one.method === method);
  strictEqual(asked("POST")?.path, "/push");
  strictEqual(asked("POST")?.body, '{"n": 1}');
  strictEqual(asked("POST")?.headers.get("x-key"), "k");
  strictEqual(asked("POST")?.headers.get("content-type"), "application/json");
  match(asked("POST")?.headers.get("user-agent") ?? "", /^pg_net\//);
  strictEqual(asked("DELETE")?.path, "/empty?id=7");

  strictEqual(posted?.status_code, 200);
  strictEqual(posted?.content, '{"ok":true}');
  strictEqual(posted?.content_type, "application/json");
  strictEqual(posted?.headers?.["x-answer"], "yes");
  strictEqual(posted?.timed_out, false);
  strictEqual(posted?.error_msg, null);
  strictEqual(failing?.status_code, 503);
  strictEqual(failing?.content, '{"error":"no"}');
  strictEqual(failing?.error_msg, null);
  strictEqual(empty?.status_code, 204);
  strictEqual(empty?.content, null);
  deepStrictEqual([...await sql`select id from net.http_request_queue`], []);
});

Deno.test("a receiver that is slow, gone or without a name gives no status but an error; none is asked again", async () => {
  await using world = await openWorld();
  const { sql, address } = world;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const gone = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}/`;
  listener.close();
  await post(sql, `${address}/slow`, 150);
  await post(sql, gone);
  await post(sql, "http://receiver.invalid/");
  const worker = await startNetWorker(world.database.adminUrl);
  const [slow, refused, nameless] = await responsesOf(sql, 3);
  await pause(300);
  await worker.stop();

  strictEqual(slow?.timed_out, true);
  match(slow?.error_msg ?? "", /^Timeout of 150 ms reached/);
  for (const failed of [slow, refused, nameless]) {
    strictEqual(failed?.status_code, null);
    strictEqual(failed?.content, null);
  }
  strictEqual(refused?.timed_out, false);
  strictEqual(refused?.error_msg, "Couldn't connect to server");
  strictEqual(nameless?.timed_out, false);
  strictEqual(nameless?.error_msg, "Couldn't resolve host name");
  strictEqual(world.asked.length, 1);
  strictEqual((await responses(sql)).length, 3);
});

Deno.test("a redirect is followed", async () => {
  await using world = await openWorld();
  await post(world.sql, `${world.address}/moved`);
  const worker = await startNetWorker(world.database.adminUrl);
  const [response] = await responsesOf(world.sql, 1);
  await worker.stop();
  strictEqual(response?.status_code, 200);
  deepStrictEqual(world.asked.map(({ method, path }) => `${method} ${path}`), [
    "POST /moved",
    "POST /here",
  ]);
});

Deno.test("the responses of a batch are seen together, when the slowest is done; until then its requests are in the queue", async () => {
  await using world = await openWorld();
  const { sql, address } = world;
  await post(sql, `${address}/fast`);
  await post(sql, `${address}/slow`);
  const worker = await startNetWorker(world.database.adminUrl);
  for (let attempt = 0; attempt < 100 && world.asked.length < 2; attempt++) await pause(10);
  await pause(300);
  strictEqual(world.asked.length, 2);
  strictEqual((await responses(sql)).length, 0);
  const [before] = await sql<{ queued: number; at: Date }[]>`
    select count(*)::integer as queued, now() as at from net.http_request_queue
  `;
  strictEqual(before?.queued, 2);

  const [fast, slow] = await responsesOf(sql, 1);
  await worker.stop();
  strictEqual(slow?.status_code, 200);
  strictEqual(fast?.created.getTime(), slow?.created.getTime());
  ok(before && slow && slow.created < before.at, "created is when the batch began");
});

Deno.test("a batch is at most 200 requests", async () => {
  await using world = await openWorld();
  const { sql, address } = world;
  await sql`
    select net.http_get(url => ${`${address}/`}, timeout_milliseconds => 5000)
    from generate_series(1, 201)
  `;
  const worker = await startNetWorker(world.database.adminUrl);
  await responsesOf(sql, 201);
  await worker.stop();
  const batches = await sql<{ size: number }[]>`
    select count(*)::integer as size from net._http_response group by created order by created
  `;
  deepStrictEqual(batches.map(({ size }) => size), [200, 1]);
});

Deno.test("a worker that is stopped gives up what is in flight and puts it back", async () => {
  await using world = await openWorld();
  const { sql, address } = world;
  await post(sql, `${address}/slow`, 60_000);
  const worker = await startNetWorker(world.database.adminUrl);
  for (let attempt = 0; attempt < 100 && world.asked.length < 1; attempt++) await pause(10);
  const began = performance.now();
  await worker.stop();
  ok(performance.now() - began < 900, "it does not wait for the response");
  strictEqual((await responses(sql)).length, 0);
  strictEqual((await sql`select from net.http_request_queue`).length, 1);
});

Deno.test("a batch that fails is told of, and a later one is served", async () => {
  await using world = await openWorld();
  const { sql, address, database } = world;
  const told = Promise.withResolvers<unknown>();
  const worker = await startNetWorker(database.adminUrl, { onFailure: told.resolve });
  await post(sql, `${address}/slow`);
  for (let attempt = 0; attempt < 100 && world.asked.length < 1; attempt++) await pause(10);
  await database.session("supabase_admin")`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query like '%http_request_queue%' and state like 'idle in%'
  `;
  match(codeOf(await told.promise), /^(57P01|CONNECTION_CLOSED)$/);
  const [response] = await responsesOf(sql, 1);
  await worker.stop();
  strictEqual(response?.status_code, 200);
  strictEqual(world.asked.length, 2);
});
