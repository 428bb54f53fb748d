// make bench-dispatch: the whole function against a loop that only sends, on
// one machine in one run, with one fake of FCM. Prints figures and ratios;
// judges nothing.
//
// PUSHES=2000 make bench-dispatch takes a quick look.

import { connect as connectAsDispatcher, Database } from "../edge/shared/database.ts";
import { Outbox, type PushResult } from "../edge/dispatch/outbox.ts";
import { applyMigrations, createDatabase, ROOT } from "../scripts/database.ts";
import {
  type EdgeFunction,
  invoke,
  newSecret,
  startEdgeFunction,
} from "../scripts/edge_function.ts";
import {
  connect,
  embeddedBinaries,
  type Server,
  type Sql,
  startServer,
} from "../scripts/server.ts";
import { onInterrupt, step, table } from "../scripts/terminal.ts";

const PUSHES = Number(Deno.env.get("PUSHES") ?? 10_000);
const MANY = PUSHES * 10;
const SLOW_PUSHES = PUSHES / 2;
const LATENCY_MS = 60;
const CONCURRENCY = 50;
const PAGE_SIZE = 500;
const SECRET = newSecret();
const ROUNDS = 3;

interface Fake {
  endpoint: string;
  serviceAccount: string;
  stop(): Promise<void>;
}

const toStop: { stop(): Promise<void> }[] = [];
const stopAll = async () => {
  for (const running of toStop.toReversed()) await running.stop();
};
onInterrupt(stopAll);

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function startFake(latency = 0): Promise<Fake> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      "scripts/fake_fcm.ts",
      "--forget",
      `--latency=${latency}`,
    ],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) text += (await reader.read()).value ?? "\n";
  const fake = {
    ...JSON.parse(text),
    stop: async () => {
      await child.stdin.close();
      await child.status;
      await reader.cancel();
    },
  };
  toStop.push(fake);
  return fake;
}

interface Taken {
  milliseconds: number;
  cpuMilliseconds: number;
}

async function bareFetch({ endpoint, serviceAccount }: Fake, pushes: number): Promise<Taken> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", "bench/bare_fetch.ts"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const orders = { endpoint, serviceAccount, pushes, concurrency: CONCURRENCY };
  await writer.write(new TextEncoder().encode(JSON.stringify(orders)));
  await writer.close();
  const { stdout } = await child.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

const TICKS_PER_SECOND = 100;

/** CPU time of a process, user and system. */
function cpuMilliseconds(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

function megabytes(pid: number, field: "VmHWM" | "VmRSS"): number {
  const line = Deno.readTextFileSync(`/proc/${pid}/status`).match(
    new RegExp(`${field}:\\s+(\\d+)`),
  );
  return Number(line?.[1]) / 1024;
}

/** So many mentors, each due for one push to one device. */
async function makeDue(sql: Sql, mentors: number): Promise<void> {
  await sql`truncate public.organisations, public.device_tokens, scheduler.notifications, scheduler.scenario_cooldowns, scheduler.push_attempts cascade`;
  await sql`insert into public.organisations (id, name) select md5('organisation ' || n)::uuid, 'bench' from generate_series(0, 9) as n`;
  await sql`
    insert into public.peer_mentors (id, organisation_id, joined_on)
    select md5('mentor ' || n)::uuid, md5('organisation ' || n % 10)::uuid, current_date - 100
    from generate_series(1, ${mentors}::integer) as n
  `;
  await sql`
    insert into public.device_tokens (token, user_id, platform)
    select 'bench-' || n || '-' || repeat('x', 140), md5('mentor ' || n)::uuid, 'android'
    from generate_series(1, ${mentors}::integer) as n
  `;
  await sql`vacuum analyze`;
}

async function startFunction(
  url: string,
  fake: Fake,
  environment: Record<string, string> = {},
): Promise<EdgeFunction> {
  const started = await startEdgeFunction({
    environment: {
      SCHEDULER_DB_URL: url,
      SCHEDULER_SECRET: SECRET,
      FCM_ENDPOINT: fake.endpoint,
      FCM_SERVICE_ACCOUNT: fake.serviceAccount,
      PUSH_CONCURRENCY: String(CONCURRENCY),
      PAGE_SIZE: String(PAGE_SIZE),
      TIMEOUT_THRESHOLD_MS: "140000",
      ...environment,
    },
  });
  toStop.push(started);
  return started;
}

/** One run of the function over what is due. */
async function dispatch(edge: EdgeFunction, pushes: number): Promise<Taken> {
  const cpuBefore = cpuMilliseconds(edge.pid);
  const started = performance.now();
  const { status, answer } = await invoke(edge.url, SECRET);
  const milliseconds = performance.now() - started;
  if (status !== 200 || answer["total_dispatched"] !== pushes) {
    throw new Error(`The function answered ${status} ${JSON.stringify(answer)}.`);
  }
  return { milliseconds, cpuMilliseconds: cpuMilliseconds(edge.pid) - cpuBefore };
}

interface Rates {
  perSecond: number;
  claimMicroseconds: number;
  recordMicroseconds: number;
  evaluateMicroseconds: number;
}

/** Rows a second through claim and record alone, page by page over one connection. */
async function claimAndRecord(
  url: string,
  sql: Sql,
): Promise<Rates> {
  const evaluationBegan = performance.now();
  const [evaluated] = await sql<{ candidates: number }[]>`
    select count(*)::integer as candidates from run_scenario_evaluation()
  `;
  const evaluating = performance.now() - evaluationBegan;
  await sql`vacuum analyze scheduler.notifications`;
  const database = new Database(() => connectAsDispatcher(url, "bench"));
  const outbox = new Outbox(database);
  const invocation = crypto.randomUUID();
  let claiming = 0;
  let recording = 0;
  let rows = 0;
  while (true) {
    const began = performance.now();
    const page = await outbox.claim(PAGE_SIZE, 60, invocation);
    const claimed = performance.now();
    if (page.length === 0) break;
    claiming += claimed - began;
    const results = page.flatMap((row) =>
      row.devices.map(({ token, platform }): PushResult => ({
        notification_id: row.notification_id,
        lease_token: row.lease_token,
        token,
        platform,
        provider: "fcm",
        outcome: "sent",
        message_id: `projects/bench/messages/${row.notification_id}`,
      }))
    );
    const ready = performance.now();
    await outbox.record(results, invocation);
    recording += performance.now() - ready;
    rows += page.length;
  }
  await database.close();
  return {
    perSecond: rows / (claiming + recording) * 1000,
    claimMicroseconds: claiming / rows * 1000,
    recordMicroseconds: recording / rows * 1000,
    evaluateMicroseconds: evaluating / (evaluated?.candidates ?? 0) * 1000,
  };
}

const round = (value: number, digits = 0) => value.toFixed(digits);

try {
  const server: Server = await step(
    "PostgreSQL 17 started",
    () => startServer(embeddedBinaries(), { settings: { shared_buffers: "1GB" } }),
  );
  toStop.push(server);
  const url = await createDatabase(server, "app");
  await step("migrations applied", () => applyMigrations(url));
  const sql = connect(url);
  await sql`update scheduler.organisation_settings set quiet_start = null, quiet_end = null`;
  const fake = await startFake();
  const edge = await startFunction(url, fake);

  const whole: Taken[] = [];
  const bare: Taken[] = [];
  await step(
    `${ROUNDS} times ${PUSHES} pushes, through the function and the bare loop in turn`,
    async () => {
      for (let i = -1; i < ROUNDS; i++) {
        await makeDue(sql, PUSHES);
        const ours = await dispatch(edge, PUSHES);
        const theirs = await bareFetch(fake, PUSHES);
        if (i >= 0) {
          whole.push(ours);
          bare.push(theirs);
        }
      }
    },
  );
  const rates = await step(`claim and record, ${PUSHES} rows`, async () => {
    const measured = [];
    for (let i = 0; i < ROUNDS; i++) {
      await makeDue(sql, PUSHES);
      measured.push(await claimAndRecord(url, sql));
    }
    return measured.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(ROUNDS / 2)];
  });

  const memory = await step(`${MANY} pushes in one run`, async () => {
    await makeDue(sql, MANY);
    // V8 fills what it is given, and a worker of the platform has 256 MB.
    const worker = await startFunction(url, fake, { DENO_V8_FLAGS: "--max-heap-size=256" });
    const taken = await dispatch(worker, MANY);
    return { ...taken, peak: megabytes(worker.pid, "VmHWM") };
  });

  const slowFake = await startFake(LATENCY_MS);
  const slowEdge = await startFunction(url, slowFake);
  const slow = await step(
    `${SLOW_PUSHES} pushes to a provider with ${LATENCY_MS} ms of latency`,
    async () => {
      await makeDue(sql, SLOW_PUSHES);
      return await dispatch(slowEdge, SLOW_PUSHES);
    },
  );
  const slowBare = await step(
    "the same through the bare loop",
    () => bareFetch(slowFake, SLOW_PUSHES),
  );
  await sql.end();

  const perSecond = (pushes: number, { milliseconds }: Taken) => pushes / milliseconds * 1000;
  const wholeRate = median(whole.map((taken) => perSecond(PUSHES, taken)));
  const bareRate = median(bare.map((taken) => perSecond(PUSHES, taken)));
  const cpuEach = (taken: Taken[]) => median(taken.map((t) => t.cpuMilliseconds)) / PUSHES;
  const ideal = CONCURRENCY / LATENCY_MS * 1000;
  const ofIdeal = (rate: number) => `${round(rate)} (${round(rate / ideal * 100)} %)`;
  const line = (measure: string, figure: string, target = "") => ({ measure, figure, target });
  console.log(
    "\n" + table([
      line("pushes a second, the whole function", round(wholeRate)),
      line("pushes a second, the bare loop", round(bareRate)),
      line("the function against the loop", round(wholeRate / bareRate, 2), "0.6"),
      line("CPU a push in the function, ms", round(cpuEach(whole), 3), "0.2"),
      line("CPU a push in the bare loop, ms", round(cpuEach(bare), 3)),
      line("claim and record, rows a second", round(rates?.perSecond ?? 0), "20000"),
      line("  claim, µs a row", round(rates?.claimMicroseconds ?? 0, 1)),
      line("  record, µs a row", round(rates?.recordMicroseconds ?? 0, 1)),
      line("evaluate, µs a candidate", round(rates?.evaluateMicroseconds ?? 0, 1)),
      line(`${MANY} pushes in a heap of 256 MB: highest memory, MB`, round(memory.peak), "150"),
      line("  pushes a second", round(perSecond(MANY, memory))),
      line("  CPU a push, ms", round(memory.cpuMilliseconds / MANY, 3), "0.2"),
      line(
        `pushes a second at ${LATENCY_MS} ms, of ${round(ideal)}`,
        ofIdeal(perSecond(SLOW_PUSHES, slow)),
        "90 %",
      ),
      line("  the bare loop", ofIdeal(perSecond(SLOW_PUSHES, slowBare))),
    ]),
  );
} finally {
  await stopAll();
}
