// make bench-api: what a page of the API costs in the database, for a coordinator with
// 200 mentors among a million, and for an admin. Prints figures; PLANS=1 the plans too.

import { applyMigrations, createDatabase } from "../scripts/database.ts";
import { connect, foundBinaries, type Server, type Sql, startServer } from "../scripts/server.ts";
import { onInterrupt, step, table } from "../scripts/terminal.ts";

const MENTORS = Number(Deno.env.get("MENTORS") ?? 1_000_000);
const RUNS = Number(Deno.env.get("RUNS") ?? 100_000);
const ORGANISATIONS = 200;
const TARGET_MS = 20;

let server: Server | undefined;
onInterrupt(async () => await server?.stop());

/** A statement that is run as somebody who is logged in. */
interface Question {
  name: string;
  text: string;
  /** Only of these two has the issue set what they may take. */
  target?: true;
}

const QUESTIONS: Question[] = [
  { name: "list of runs", text: "select * from public.list_invocations()", target: true },
  {
    name: "list of runs, a page in the middle",
    text: `select * from public.list_invocations(
      before_requested_at => '2025-01-01', before_id => 'ffffffff-ffff-ffff-ffff-ffffffffffff')`,
    target: true,
  },
  {
    name: "list of runs, those that failed",
    text: "select * from public.list_invocations(status => 'failed')",
    target: true,
  },
  {
    name: "list of runs, of one job in one month",
    text: `select * from public.list_invocations(
      job_name => 'scenario-evaluation', requested_from => '2025-03-01', requested_to => '2025-04-01')`,
    target: true,
  },
  {
    name: "active-peer-mentors",
    text: "select * from public.coordinator_mentor_status(status => 'active')",
    target: true,
  },
  {
    name: "active-peer-mentors, the next page",
    text: `select * from public.coordinator_mentor_status(
      status => 'active', after => '80000000-0000-0000-0000-000000000000')`,
    target: true,
  },
  {
    name: "one run with its figures",
    text: "select * from public.get_invocation(md5('run ' || 96 * 60)::uuid)",
  },
  {
    name: "evaluation-batch, dry, of 50",
    text: `select public.evaluate_mentors(
      (select array_agg(page.user_id) from public.coordinator_mentor_status(status => 'active') as page))`,
  },
  { name: "peer_mentors, all in reach", text: "select * from public.peer_mentors" },
  {
    name: "peer_mentors, a page in order",
    text: "select * from public.peer_mentors order by id limit 50",
  },
  {
    name: "activities of the last month",
    text: "select * from public.activities where activity_date > date '2026-11-20' - 30",
  },
  {
    name: "certifications, the next 50",
    text: "select * from public.certifications order by expires_on limit 50",
  },
];

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function asCaller<T>(sql: Sql, sub: string, work: (tx: Sql) => Promise<T>): Promise<T> {
  return await sql.begin(async (tx) => {
    const claims = JSON.stringify({ sub, role: "authenticated" });
    await tx`
      select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${claims}, true)
    `;
    return await work(tx as unknown as Sql);
  }) as T;
}

/** Median milliseconds that the server itself takes for it. */
async function timed(sql: Sql, sub: string, { text }: Question, rounds = 9): Promise<number> {
  return await asCaller(sql, sub, async (tx) => {
    const times: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const [row] = await tx.unsafe(`explain (analyze, timing off, format json) ${text}`);
      const [plan] = row?.["QUERY PLAN"] as Record<string, number>[];
      if (round >= 0) times.push((plan?.["Execution Time"] ?? 0) + (plan?.["Planning Time"] ?? 0));
    }
    return median(times);
  });
}

/** The plans of the statements inside, as auto_explain tells them. */
async function plans(url: string, sub: string, { name, text }: Question): Promise<void> {
  const told: string[] = [];
  const admin = connect(url, { onnotice: (notice) => told.push(notice.message ?? ""), max: 1 });
  await admin.unsafe("load 'auto_explain'");
  for (
    const setting of [
      "log_min_duration = 0",
      "log_nested_statements = on",
      "log_analyze = on",
      "log_buffers = on",
    ]
  ) await admin.unsafe(`set auto_explain.${setting}`);
  await asCaller(admin, sub, async (tx) => {
    await tx.unsafe(text);
    await tx.unsafe("set local client_min_messages = log");
    await tx.unsafe(text);
  });
  await admin.end();
  console.log(`\n${name}\n\n${told.filter((plan) => /Query Text:/.test(plan)).join("\n\n")}`);
}

const binaries = await foundBinaries();
console.log(
  `\n${binaries.name}, ${navigator.hardwareConcurrency} cores, ${
    MENTORS.toLocaleString("en")
  } mentors in ` +
    `${ORGANISATIONS} organisations, ${RUNS.toLocaleString("en")} runs\n`,
);
try {
  server = await startServer(binaries, {
    settings: { shared_buffers: "4GB", maintenance_work_mem: "1GB", max_wal_size: "16GB" },
  });
  const sql = connect(await createDatabase(server, "big"), { max: 1 });
  await step("the world", async () => {
    await applyMigrations(server?.url("big") ?? "");
    const admin = connect(server?.url("big", "supabase_admin") ?? "");
    await admin.unsafe(await Deno.readTextFile(new URL("world.sql", import.meta.url)));
    await admin`call bench.make_world(${MENTORS}, 5, ${ORGANISATIONS})`;
    await admin`call bench.add_staff(${MENTORS}, ${ORGANISATIONS})`;
    await sql`select scheduler.rebuild_mentor_state()`;
    await admin`call bench.add_ledger(${RUNS}, ${MENTORS}, ${ORGANISATIONS})`;
    await admin`vacuum analyze`;
    await admin.end();
  });
  const [ids] = await sql<{ coordinator: string; admin: string }[]>`
    select md5('coordinator')::uuid as coordinator, md5('admin')::uuid as admin
  `;
  const { coordinator = "", admin = "" } = ids ?? {};
  const rows = [];
  for (const question of QUESTIONS) {
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    rows.push({
      measure: question.name,
      coordinator: ms(await timed(sql, coordinator, question)),
      target: question.target ? `${TARGET_MS} ms` : "",
      admin: ms(await timed(sql, admin, question, 3)),
    });
  }
  const [reach] = await asCaller(
    sql,
    coordinator,
    (tx) => tx`select count(*)::integer as mentors from public.peer_mentors`,
  );
  const [organisation] = await asCaller(
    sql,
    admin,
    (tx) => tx`select count(*)::integer as mentors from public.peer_mentors`,
  );
  console.log(
    `\n    the coordinator sees ${reach?.["mentors"]} mentors, the admin ${
      organisation?.["mentors"]
    }\n`,
  );
  console.log(table(rows));
  if (Deno.env.get("PLANS")) {
    for (const question of QUESTIONS) {
      await plans(server.url("big", "supabase_admin"), coordinator, question);
    }
  }
  await sql.end();
} finally {
  await server?.stop();
}
