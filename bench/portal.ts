// make bench-portal: certifications from a member portal, through the whole function, from a
// fake portal that is a process of its own. Prints figures; judges nothing.
//
// CERTIFICATIONS=5000 make bench-portal takes a quick look.

import { applyMigrations, createDatabase, ROOT } from "../scripts/database.ts";
import {
  type EdgeFunction,
  invoke,
  newSecret,
  startEdgeFunction,
} from "../scripts/edge_function.ts";
import { connect, embeddedBinaries, type Sql, startServer } from "../scripts/server.ts";
import { onInterrupt, step, table } from "../scripts/terminal.ts";

const CERTIFICATIONS = Number(Deno.env.get("CERTIFICATIONS") ?? 50_000);
const MENTORS = CERTIFICATIONS * 2 / 5;
const CHANGES = CERTIFICATIONS / 100;
const MONTH_MS = 30 * 86_400_000;
const FIRST_PAGES = 10;
const SAMPLE_MS = 50;
const SECRET = newSecret();

const toStop: { stop(): Promise<void> }[] = [];
const stopAll = async () => {
  for (const running of toStop.toReversed()) await running.stop();
};
onInterrupt(stopAll);

interface Portal {
  environment: Record<string, string>;
  put(from: number, to: number, columns: (n: number) => Record<string, unknown>): Promise<void>;
}

async function startPortal(): Promise<Portal> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "scripts/fake_portal.ts"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) text += (await reader.read()).value ?? "\n";
  const { environment, rowsUrl } = JSON.parse(text);
  toStop.push({
    stop: async () => {
      await child.stdin.close();
      await child.status;
      await reader.cancel();
    },
  });
  return {
    environment,
    async put(from, to, columns) {
      const rows = Array.from({ length: to - from }, (_, i) => ({
        hlf_certificationid: `certification ${String(from + i).padStart(9, "0")}`,
        hlf_memberid: idOf((from + i) % MENTORS),
        hlf_name: `Course ${(from + i) % 3}`,
        hlf_expireson: "2099-05-01",
        ...columns(from + i),
      }));
      const response = await fetch(rowsUrl, { method: "PUT", body: JSON.stringify(rows) });
      if (!response.ok) throw new Error(`The fake portal answered ${response.status}.`);
      await response.body?.cancel();
    },
  };
}

const idOf = (mentor: number) => `00000000-0000-4000-8000-${String(mentor).padStart(12, "0")}`;

function megabytes(pid: number): number {
  const line = Deno.readTextFileSync(`/proc/${pid}/status`).match(/VmRSS:\s+(\d+)/);
  return Number(line?.[1]) / 1024;
}

interface Taken {
  seconds: number;
  runs: number;
  pages: number;
  rows: number;
  applied: number;
  /** Of the function: the highest while the first pages were taken over, and after that. */
  memory: { first: number; rest: number };
}

/** Runs until the round is through, as the minute's ticks would. */
async function sync(edge: EdgeFunction, sql: Sql): Promise<Taken> {
  const memory = { first: 0, rest: 0 };
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      const [round] = await sql<{ page: number }[]>`
        select round_page as page from scheduler.portal_syncs
      `;
      const when = (round?.page ?? 0) < FIRST_PAGES ? "first" : "rest";
      memory[when] = Math.max(memory[when], megabytes(edge.pid));
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  const started = performance.now();
  const [since] = await sql<{ at: string }[]>`select clock_timestamp()::text as at`;
  let runs = 0;
  for (let isThrough = false; !isThrough; runs++) {
    const { status, answer } = await invoke(edge.url, SECRET, { job_name: "hlf-sync" });
    if (status !== 200) throw new Error(`The function answered ${JSON.stringify(answer)}.`);
    isThrough = answer["completed"] === true;
  }
  const seconds = (performance.now() - started) / 1000;
  isOver = true;
  await sampling;
  const [told] = await sql<{ pages: number; rows: number; applied: number }[]>`
    select
      sum((details ->> 'pages')::integer)::integer as pages,
      sum((details ->> 'received')::integer)::integer as rows,
      sum((details ->> 'applied')::integer)::integer as applied
    from scheduler.invocations where requested_at > ${since?.at ?? ""}::timestamptz
  `;
  return { seconds, runs, memory, pages: 0, rows: 0, applied: 0, ...told };
}

const round = (value: number, digits = 0) => value.toFixed(digits);

try {
  const server = await step(
    "PostgreSQL 17 started",
    () => startServer(embeddedBinaries(), { settings: { shared_buffers: "1GB" } }),
  );
  toStop.push(server);
  const url = await createDatabase(server, "app");
  await step("migrations applied", () => applyMigrations(url));
  const sql = connect(url);
  const portal = await startPortal();
  await step(`${MENTORS} mentors, ${CERTIFICATIONS} certifications in the portal`, async () => {
    await sql`insert into public.organisations (id, name) values (${idOf(0)}, 'bench')`;
    await sql`
      insert into public.peer_mentors (id, organisation_id, joined_on)
      select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, ${idOf(0)}, current_date
      from generate_series(0, ${MENTORS - 1}::integer) as n
    `;
    await sql`
      insert into scheduler.required_certifications (organisation_id, name)
      values (${idOf(0)}, 'Course 0')
    `;
    await sql`vacuum analyze`;
    // Over a month, so that a round for what changed does not look at all of it again.
    for (let from = 0; from < CERTIFICATIONS; from += 10_000) {
      const to = Math.min(from + 10_000, CERTIFICATIONS);
      await portal.put(from, to, (n) => ({
        modifiedon: new Date(Date.now() - MONTH_MS * (1 - n / CERTIFICATIONS)).toISOString(),
      }));
    }
  });
  const edge = await startEdgeFunction({
    environment: {
      SCHEDULER_DB_URL: url,
      SCHEDULER_SECRET: SECRET,
      PUSH_PROVIDER: "log",
      // V8 fills what it is given, and a worker of the platform has 256 MB.
      DENO_V8_FLAGS: "--max-heap-size=256",
      ...portal.environment,
    },
  });
  toStop.push(edge);

  const first = await step("everything, the first time", () => sync(edge, sql));
  await sql`update scheduler.portal_syncs set full_round_at = now() - interval '7 days'`;
  const again = await step("everything again, unchanged", () => sync(edge, sql));
  await portal.put(0, CHANGES, () => ({ hlf_expireson: "2099-06-01" }));
  const changed = await step(`what changed: ${CHANGES}`, () => sync(edge, sql));
  await sql.end();

  const line = (measure: string, figure: string, target = "") => ({ measure, figure, target });
  const lines = (what: string, { seconds, runs, pages, rows, applied }: Taken, target = "") => [
    line(`${what}, s`, round(seconds, 1), target),
    line("  runs, pages", `${runs}, ${pages}`),
    line("  rows, of which applied", `${rows}, ${applied}`),
    line("  rows a second", round(rows / seconds)),
  ];
  console.log(
    "\n" + table([
      ...lines(`${CERTIFICATIONS} certifications, the first time`, first, "30"),
      ...lines("the same again, unchanged", again, "30"),
      ...lines(`${CHANGES} that changed`, changed),
      line(`highest memory in the first ${FIRST_PAGES} pages, MB`, round(first.memory.first)),
      line("  after that", round(first.memory.rest)),
      line("  growth", round(first.memory.rest - first.memory.first), "0"),
      line("  and when it is all fetched again", round(again.memory.rest)),
    ]),
  );
} finally {
  await stopAll();
}
