import assert from "node:assert/strict";
import { codeOf, pause, testDatabase } from "../../scripts/testing.ts";
import { Proxy } from "../tests/proxy.ts";
import { connect, Database } from "./database.ts";
import { isLostConnection, TypedError } from "./errors.ts";

/** A database behind a proxy, and how many pools it took. */
async function openDatabase() {
  const database = await testDatabase();
  const proxy = new Proxy();
  let pools = 0;
  const connection = new Database(() => {
    pools++;
    return connect(proxy.url(database.url), "test");
  });
  return {
    url: database.url,
    connection,
    proxy,
    get pools() {
      return pools;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await proxy.end();
      await database.drop();
    },
  };
}

/** How long a query took to fail for want of an answer. */
async function timeToGiveUp(query: Promise<unknown>): Promise<number> {
  const began = performance.now();
  const error = await query.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof TypedError, String(error));
  assert.equal(error.type, "timeout_error");
  return performance.now() - began;
}

Deno.test("a query to a place that takes connections, and closes them or says nothing, ends within its limit, and the next one has a new pool", async () => {
  for (const how of ["silent", "closing"] as const) {
    await using world = await openDatabase();
    const { connection, proxy } = world;
    proxy.goDown(how);
    const took = await timeToGiveUp(connection.within(300)`select 1`);
    assert.ok(took >= 290 && took < 2000, `${how}: ${took}`);
    proxy.comeUp();
    assert.deepEqual([...await connection.within(5000)`select 1 as one`], [{ one: 1 }]);
    assert.equal(world.pools, 2);
  }
});

Deno.test("a query that is never answered ends within its limit, with all that wait on the same pool", async () => {
  await using world = await openDatabase();
  const { connection, proxy } = world;
  assert.deepEqual([...await connection.rows`select 1 as one`], [{ one: 1 }]);
  const all = Array.from(
    { length: 5 },
    () => timeToGiveUp(connection.within(300)`select pg_sleep(30)`),
  );
  for (const took of await Promise.all(all)) assert.ok(took >= 290 && took < 2000, String(took));
  assert.deepEqual([...await connection.within(5000)`select 2 as two`], [{ two: 2 }]);
  assert.equal(world.pools, 2);
  for (let i = 0; i < 200 && proxy.cuts < 2; i++) await pause(10);
  assert.equal(proxy.cuts, 2, "the connections of the first pool are closed");
});

Deno.test("a query that the database answers in time keeps the pool, and its error as it is", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  await connection.within(5000)`select pg_sleep(0.1)`;
  const error = await connection.within(5000)`select 1 / 0`.then(() => "", codeOf);
  assert.equal(error, "22012");
  assert.equal(world.pools, 1);
});

Deno.test("a transaction's queries see one another's settings, and nobody after them does", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  const seen = () =>
    connection.rows<{ said: string | null }>`select current_setting('a.test', true) as said`;
  const result = await connection.transaction(5000, async (query) => {
    await query`select set_config('a.test', ${"kanari"}, true)`;
    const [row] = await query<{ said: string }>`select current_setting('a.test') as said`;
    return row?.said;
  });
  assert.equal(result, "kanari");
  for (let i = 0; i < 4; i++) assert.notEqual((await seen())[0]?.said, "kanari");
});

Deno.test("a transaction in which something fails leaves nothing, and the error is as it is", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  await connection.rows`create table public.kept (id integer)`;
  for (const failing of ["in the database", "in the work"]) {
    const error = await connection.transaction(5000, async (query) => {
      await query`insert into public.kept values (1)`;
      if (failing === "in the database") await query`select 1 / 0`;
      else throw new Error(failing);
    }).then(() => "", codeOf);
    assert.match(error, failing === "in the database" ? /^22012$/ : /in the work/);
  }
  assert.deepEqual([...await connection.rows`select id from public.kept`], []);
  assert.equal(world.pools, 1);
});

Deno.test("a transaction that is never answered ends within its limit, and the next one has a new pool", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  const took = await timeToGiveUp(
    connection.transaction(300, (query) => query`select pg_sleep(30)`),
  );
  assert.ok(took >= 290 && took < 2000, String(took));
  await connection.transaction(5000, (query) => query`select 1`);
  assert.equal(world.pools, 2);
});

Deno.test("a transaction whose connection is cut, or ended by the server, fails by itself; the next one works", async () => {
  await using world = await openDatabase();
  const { connection, proxy } = world;
  const seen = () =>
    connection.transaction(5000, (query) => query<{ pid: number }>`select pg_backend_pid() as pid`);
  for (let i = 0; i < 3; i++) {
    const cut = connection.transaction(5000, async (query) => {
      await query`select 1`;
      setTimeout(() => proxy.goDown("closing"), 20);
      await query`select pg_sleep(30)`;
    });
    assert.ok(isLostConnection(await cut.catch((reason: unknown) => reason)));
    proxy.comeUp();
    const ended = connection.transaction(5000, async (query) => {
      const [self] = await query<{ pid: number }>`select pg_backend_pid() as pid`;
      setTimeout(() => connection.rows`select pg_terminate_backend(${self?.pid ?? 0})`, 20);
      await query`select pg_sleep(30)`;
    });
    assert.ok(isLostConnection(await ended.catch((reason: unknown) => reason)));
    assert.equal((await seen()).length, 1);
  }
  // The first of them may meet what is left of an ended one.
  for (const _ of ["first", "second"]) await Promise.all(Array.from({ length: 6 }, seen));
  const several = await Promise.all(Array.from({ length: 6 }, seen));
  const connections = new Set(several.flat().map(({ pid }) => pid));
  assert.equal(connections.size, 2, "none of the pool's connections is lost for good");
});

Deno.test("a transaction that the server ends between two of its queries fails, and the process goes on", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  const operator = connect(world.url, "operator", 1);
  try {
    for (const wait of [0, 5, 300]) {
      const ended = connection.transaction(5000, async (query) => {
        const [self] = await query<{ pid: number }>`select pg_backend_pid() as pid`;
        await operator`select pg_terminate_backend(${self?.pid ?? 0})`;
        await pause(wait);
        await query`select 1`;
      });
      const error = await ended.catch((reason: unknown) => reason);
      assert.ok(isLostConnection(error), `${wait} ms: ${error}`);
      const [row] = await connection.within(5000)<{ one: number }>`select 1 as one`;
      assert.equal(row?.one, 1, "nobody after it is told of it");
    }
  } finally {
    await operator.end();
  }
});

Deno.test("connections that the server ended while nobody used them are no matter to a transaction", async () => {
  await using world = await openDatabase();
  const { connection } = world;
  const seen = () =>
    connection.transaction(5000, (query) => query<{ pid: number }>`select pg_backend_pid() as pid`);
  const before = (await Promise.all([seen(), seen()])).flat().map(({ pid }) => pid);
  const operator = connect(world.url, "operator", 1);
  try {
    for (const pid of before) await operator`select pg_terminate_backend(${pid})`;
  } finally {
    await operator.end();
  }
  await pause(50);
  const after = (await Promise.all([seen(), seen()])).flat().map(({ pid }) => pid);
  assert.ok(!after.some((pid) => before.includes(pid)));
});

Deno.test("numbers come as numbers, and times as texts", async () => {
  await using world = await openDatabase();
  const [row] = await world.connection.rows`
    select 4200000000::bigint as large, timestamptz '2026-03-01 06:00+00' at time zone 'UTC' as at,
      date '2026-03-01' as day
  `;
  assert.deepEqual({ ...row }, {
    large: 4_200_000_000,
    at: "2026-03-01 06:00:00",
    day: "2026-03-01",
  });
});

Deno.test("lists reach the database as they are, from the first query of a connection on", async () => {
  const database = await testDatabase();
  const texts = ["plain", "", 'a "quoted" \\ one', "{braces}, comma", "Fjærkledd", "null"];
  const ids = [crypto.randomUUID(), crypto.randomUUID()];
  const sql = connect(database.url, "test");
  try {
    const [row] = await sql`
      select to_json(${texts}::text[])::text as texts, to_json(${ids}::uuid[])::text as ids,
        cardinality(${[]}::text[]) as none, ${null}::text[] is null as nothing
    `;
    assert.deepEqual(JSON.parse(row?.["texts"]), texts);
    assert.deepEqual(JSON.parse(row?.["ids"]), ids);
    assert.equal(row?.["none"], 0);
    assert.equal(row?.["nothing"], true);
  } finally {
    await sql.end();
    await database.drop();
  }
});
