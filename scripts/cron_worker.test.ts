import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { startCronWorker } from "./cron_worker.ts";
import type { Sql } from "./server.ts";
import { codeOf, pause, type TestDatabase, testDatabase } from "./testing.ts";

interface Detail {
  jobid: string;
  job_pid: number;
  database: string;
  username: string;
  command: string;
  status: string;
  return_message: string | null;
  start_time: Date;
  end_time: Date | null;
}

const details = (sql: Sql) => sql<Detail[]>`select * from cron.job_run_details order by runid`;

async function until<Row>(rows: () => Promise<Row[]>, enough: (rows: Row[]) => boolean) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const found = await rows();
    if (enough(found)) return found;
    await pause(25);
  }
  throw new Error("It did not happen.");
}

async function schedule(sql: Sql, name: string, when: string, command: string): Promise<string> {
  const [row] = await sql<
    { id: string }[]
  >`select cron.schedule(${name}, ${when}, ${command}) as id`;
  return row?.id ?? "";
}

/** A database without jobs, the project's own included. */
async function openDatabase(): Promise<TestDatabase & AsyncDisposable> {
  const database = await testDatabase();
  await database.session("supabase_admin")`delete from cron.job`;
  return { ...database, [Symbol.asyncDispose]: () => database.drop() };
}

const COLUMNS = {
  job:
    "jobid bigint not null, schedule text not null, command text not null, nodename text not null, nodeport integer not null, database text not null, username text not null, active boolean not null, jobname text",
  job_run_details:
    "jobid bigint, runid bigint not null, job_pid integer, database text, username text, command text, status text, return_message text, start_time timestamp with time zone, end_time timestamp with time zone",
};

const FUNCTIONS = [
  "alter_job(job_id bigint, schedule text DEFAULT NULL::text, command text DEFAULT NULL::text, database text DEFAULT NULL::text, username text DEFAULT NULL::text, active boolean DEFAULT NULL::boolean) returns void",
  "schedule(job_name text, schedule text, command text) returns bigint",
  "schedule(schedule text, command text) returns bigint",
  "unschedule(job_id bigint) returns boolean",
  "unschedule(job_name text) returns boolean",
];

const VAULT_COLUMNS = {
  secrets:
    "id uuid not null, name text, description text not null, secret text not null, key_id uuid, nonce bytea, created_at timestamp with time zone not null, updated_at timestamp with time zone not null",
  decrypted_secrets:
    "id uuid, name text, description text, secret text, decrypted_secret text, key_id uuid, nonce bytea, created_at timestamp with time zone, updated_at timestamp with time zone",
};

const VAULT_FUNCTIONS = [
  "create_secret(new_secret text, new_name text DEFAULT NULL::text, new_description text DEFAULT ''::text, new_key_id uuid DEFAULT NULL::uuid) returns uuid",
  "update_secret(secret_id uuid, new_secret text DEFAULT NULL::text, new_name text DEFAULT NULL::text, new_description text DEFAULT NULL::text, new_key_id uuid DEFAULT NULL::uuid) returns void",
];

async function columnsOf(sql: Sql, schema: string, tables: string[]) {
  const rows = await sql<{ table: string; columns: string }[]>`
    select
      relname as table,
      string_agg(
        format('%s %s', attname, format_type(atttypid, atttypmod))
          || case when attnotnull then ' not null' else '' end,
        ', ' order by attnum
      ) as columns
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = ${schema}::regnamespace and relname = any (${tables}) and attnum > 0
    group by relname
  `;
  return Object.fromEntries(rows.map(({ table, columns }) => [table, columns]));
}

/** The functions that the real one has; its private ones begin with an underscore. */
async function functionsOf(sql: Sql, schema: string): Promise<string[]> {
  const rows = await sql<{ signature: string }[]>`
    select format(
      '%s(%s) returns %s',
      proname, pg_get_function_arguments(oid), pg_get_function_result(oid)
    ) as signature
    from pg_proc
    where pronamespace = ${schema}::regnamespace and proname not like '\\_%'
    order by 1
  `;
  return rows.map(({ signature }) => signature).sort();
}

Deno.test("tables and functions of cron are those of pg_cron 1.6", async () => {
  await using database = await openDatabase();
  deepStrictEqual(await columnsOf(database.sql, "cron", Object.keys(COLUMNS)), COLUMNS);
  deepStrictEqual(await functionsOf(database.sql, "cron"), FUNCTIONS);
});

Deno.test("tables and functions of vault are those of Vault 0.3", async () => {
  await using database = await openDatabase();
  deepStrictEqual(
    await columnsOf(database.sql, "vault", Object.keys(VAULT_COLUMNS)),
    VAULT_COLUMNS,
  );
  deepStrictEqual(await functionsOf(database.sql, "vault"), VAULT_FUNCTIONS);
});

Deno.test("a secret is made and changed by functions only, and read decrypted by postgres and service_role only", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  const [made] = await sql<{ id: string }[]>`
    select vault.create_secret(new_secret => 'first', new_name => 'test') as id
  `;
  await sql`select vault.update_secret(${made?.id ?? ""}, new_secret => 'second')`;
  const read = (role: string) =>
    sql.begin(async (transaction) => {
      await transaction`set local role ${transaction(role)}`;
      return await transaction`
        select decrypted_secret, secret <> decrypted_secret as hidden, description
        from vault.decrypted_secrets where name = 'test'
      `;
    });
  for (const role of ["postgres", "service_role"]) {
    deepStrictEqual([...await read(role)], [
      { decrypted_secret: "second", hidden: true, description: "" },
    ], role);
  }
  for (const role of ["anon", "authenticated"]) {
    strictEqual(codeOf(await read(role).catch((error) => error)), "42501", role);
  }
  for (
    const change of [
      sql`insert into vault.secrets (secret) values ('third')`,
      sql`update vault.secrets set secret = 'third'`,
    ]
  ) strictEqual(codeOf(await change.catch((error) => error)), "42501");
  strictEqual(
    codeOf(await sql`select vault.create_secret('other', 'test')`.catch((error) => error)),
    "23505",
  );
});

Deno.test("scheduling a name again changes the job, of the same role only, and leaves it as active as it was", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  const admin = database.session("supabase_admin");
  const first = await schedule(sql, "test", "* * * * *", "select 1");
  await sql`select cron.alter_job(${first}, active => false)`;
  strictEqual(await schedule(sql, "test", "0 6 * * *", "select 2"), first);
  await schedule(admin, "test", "* * * * *", "select 3");
  const jobs = await sql`
    select schedule, command, username, active, database = current_database() as here
    from cron.job order by jobid
  `;
  deepStrictEqual([...jobs], [
    { schedule: "0 6 * * *", command: "select 2", username: "postgres", active: false, here: true },
    {
      schedule: "* * * * *",
      command: "select 3",
      username: "supabase_admin",
      active: true,
      here: true,
    },
  ]);
});

Deno.test("postgres may not write to cron.job, and only its own jobs are its to change", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  const others = await schedule(
    database.session("supabase_admin"),
    "others",
    "* * * * *",
    "select 1",
  );
  const refusals: [Promise<unknown>, string][] = [
    [sql`update cron.job set active = false`, "42501"],
    [sql`select cron.unschedule(${others}::bigint)`, "42501"],
    [sql`select cron.unschedule('others')`, "XX000"],
    [sql`select cron.alter_job(${others}, active => false)`, "XX000"],
    [sql`select cron.schedule('wrong', 'every day', 'select 1')`, "22023"],
    [sql`select cron.schedule('wrong', '* * * *', 'select 1')`, "22023"],
  ];
  for (const [refusal, code] of refusals) {
    strictEqual(codeOf(await refusal.catch((error) => error)), code);
  }
  await schedule(sql, "own", "* * * * *", "select 1");
  await sql`select cron.unschedule('own')`;
  deepStrictEqual((await sql`select jobname from cron.job`).map(({ jobname }) => jobname), [
    "others",
  ]);
  await sql`delete from cron.job_run_details`;
});

Deno.test("a job that is fired runs as the role that scheduled it, and its run is noted", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  await sql`create table public.ran (by text, at timestamptz default now())`;
  const id = await schedule(
    sql,
    "test",
    "0 6 * * *",
    "insert into public.ran select session_user || ' ' || current_user",
  );
  const worker = await startCronWorker(database.adminUrl);
  strictEqual((await worker.fire("test")).return_message, "INSERT 0 1");
  await rejects(worker.fire("another"), /another/);
  await worker.stop();
  deepStrictEqual((await sql`select by from public.ran`).map(({ by }) => by), [
    "postgres postgres",
  ]);
  const [run, ...more] = await details(sql);
  deepStrictEqual(more, []);
  strictEqual(run?.jobid, id);
  strictEqual(run?.username, "postgres");
  strictEqual(run?.status, "succeeded");
  ok(run && run.job_pid > 0 && run.end_time && run.end_time >= run.start_time);
});

Deno.test("the message of a run is its rows, its command or its error, after which nothing of it stays", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  const worker = await startCronWorker(database.adminUrl);
  const messageOf = async (command: string) => {
    await schedule(sql, "test", "0 6 * * *", command);
    const { status, return_message } = await worker.fire("test");
    return `${status}: ${return_message}`;
  };
  strictEqual(await messageOf("select 1"), "succeeded: 1 row");
  strictEqual(await messageOf("select 1 from generate_series(1, 3)"), "succeeded: 3 rows");
  strictEqual(await messageOf("create table public.ran (n int)"), "succeeded: CREATE TABLE");
  strictEqual(await messageOf("delete from public.ran"), "succeeded: DELETE 0");
  strictEqual(await messageOf("select 1; select 1 limit 0"), "succeeded: 0 rows");
  match(
    await messageOf("insert into public.ran values (1); select 1 / 0"),
    /^failed: ERROR: {2}division by zero\n/,
  );
  await worker.stop();
  strictEqual((await sql`select from public.ran`).length, 0);
  strictEqual((await details(sql)).at(-1)?.status, "failed");
});

Deno.test("an active job runs once when its minute comes, a paused, a new or an unreadable one does not", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  let clock = new Date("2026-11-21T05:59:58Z");
  await schedule(sql, "daily", "0 6 * * *", "select 'daily'");
  await schedule(sql, "later", "1 6 * * *", "select 'later'");
  await schedule(sql, "unreadable", "99 6 * * *", "select 'unreadable'");
  const paused = await schedule(sql, "paused", "0 6 * * *", "select 'paused'");
  await sql`select cron.alter_job(${paused}, active => false)`;
  const worker = await startCronWorker(database.adminUrl, {
    pollMilliseconds: 20,
    now: () => clock,
  });
  const ended = (count: number) =>
    until(
      () => details(sql),
      (runs) => runs.filter(({ end_time }) => end_time !== null).length >= count,
    );
  await pause(200);
  deepStrictEqual([...await details(sql)], []);

  clock = new Date("2026-11-21T06:00:01Z");
  await ended(1);
  await schedule(sql, "new", "0 6 * * *", "select 'new'");
  await pause(200);
  clock = new Date("2026-11-21T06:01:00Z");
  await ended(2);
  await pause(200);
  await worker.stop();
  deepStrictEqual((await details(sql)).map(({ command }) => command), [
    "select 'daily'",
    "select 'later'",
  ]);
});

Deno.test("a job has one run at a time: what comes meanwhile follows at once", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  await schedule(sql, "test", "0 6 * * *", "select pg_sleep(0.3)");
  const worker = await startCronWorker(database.adminUrl);
  await Promise.all([worker.fire("test"), worker.fire("test"), worker.fire("test")]);
  await worker.stop();
  const runs = await details(sql);
  strictEqual(runs.length, 3);
  for (const [place, run] of runs.entries()) {
    const previous = runs[place - 1];
    if (previous?.end_time) ok(run.start_time >= previous.end_time);
  }
});

Deno.test("a worker that is stopped cancels what runs, and one that starts notes what was left running as failed", async () => {
  await using database = await openDatabase();
  const { sql } = database;
  const id = await schedule(sql, "test", "0 6 * * *", "select pg_sleep(30)");
  await database.session("supabase_admin")`
    insert into cron.job_run_details (jobid, username, status) values (${id}, 'postgres', 'running')
  `;
  const worker = await startCronWorker(database.adminUrl);
  const fired = worker.fire("test");
  await until(() => details(sql), (runs) => runs.length === 2);
  const began = performance.now();
  await worker.stop();
  ok(performance.now() - began < 5000);
  match((await fired).return_message, /canceling statement/);
  deepStrictEqual((await details(sql)).map(({ status }) => status), ["failed", "failed"]);
  strictEqual((await details(sql))[0]?.return_message, "server restarted");
});
