import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { testDatabase } from "../../scripts/testing.ts";
import { handleScheduledInvocation } from "./handler.ts";
import type { Outbox } from "./outbox.ts";
import type { PushOutcome } from "./providers/provider.ts";
import { memoryProvider, openOutbox, post, prepare, SECRET } from "./testing.ts";

const RUN = "8d7f6a52-3c0e-4a8e-9a51-0b7c1d2e3f40";
const SENT: PushOutcome = { outcome: "sent", message_id: "m" };

type Setup = Omit<Parameters<typeof prepare>[0], "outbox">;

async function ask(outbox: Outbox, request: Request, setup: Setup = {}) {
  const prepared = prepare({ outbox, ...setup });
  const response = await handleScheduledInvocation(request, prepared.dependencies);
  return { ...prepared, response, status: response.status, answer: await response.json() };
}

function signed(body: string, id: string): Request {
  const at = new Date();
  return post(body, {
    "x-scheduler-secret": undefined,
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(SECRET, { format: "raw" }).sign(id, at, body),
  });
}

Deno.test("the summary of a run is answered with 200, as JSON that nobody keeps", async () => {
  await using database = openOutbox(await testDatabase());
  const { response, answer } = await ask(database.outbox, post({ invocation_id: RUN }));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(Object.keys(answer).sort(), [
    "completed",
    "duration_ms",
    "invocation_id",
    "pages_processed",
    "partial",
    "remaining_unprocessed_count",
    "total_active_mentors",
    "total_dispatched",
    "total_errors",
    "total_evaluated",
    "total_suppressed",
  ]);
  assert.equal(answer.invocation_id, RUN);
});

Deno.test("a dry run says how many pushes it would decide on and hold back, and writes none", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.mentor() from generate_series(1, 3)`;
  await database
    .sql`update public.device_tokens set disabled_at = now() where id = (select min(id) from public.device_tokens)`;
  const { answer } = await ask(database.outbox, post({ dry_run: true }));
  assert.equal(answer["total_candidates"], 2);
  assert.equal(answer["total_suppressed"], 1);
  assert.equal(answer["total_evaluated"], 3);
  assert.equal(answer["total_dispatched"], 0);
  assert.equal((await database.sql`select from scheduler.notifications`).length, 0);
});

Deno.test("no body, an empty object, a type with a charset and a bearer are all fine", async () => {
  await using database = openOutbox(await testDatabase());
  const bearer = { "x-scheduler-secret": undefined, authorization: `Bearer ${SECRET}` };
  for (
    const request of [
      post(undefined, { "content-type": undefined }),
      post(""),
      post({}),
      post("{}", { "content-type": "Application/JSON; charset=utf-8" }),
      post({}, bearer),
      post({ scenarios: null, organisation_ids: null, dry_run: null, invocation_id: null }),
    ]
  ) {
    const { status, answer } = await ask(database.outbox, request);
    assert.equal(status, 200, JSON.stringify(answer));
  }
});

Deno.test("both secrets of a rotation are accepted", async () => {
  await using database = openOutbox(await testDatabase());
  const secrets = ["new", "old"];
  for (const secret of secrets) {
    const request = post({}, { "x-scheduler-secret": secret });
    assert.equal((await ask(database.outbox, request, { secrets })).status, 200);
  }
});

Deno.test("the ledger says who asked, and for what", async () => {
  await using database = openOutbox(await testDatabase());
  await ask(
    database.outbox,
    post({
      job_name: "dispatch-backlog",
      invocation_id: RUN,
      triggered_by: "pg_cron",
      scheduled_for: "2026-03-01T06:00:00+01:00",
    }),
  );
  const [row] = await database.sql`
    select job_name, triggered_by, scheduled_for = '2026-03-01 05:00+00' as on_time, status
    from scheduler.invocations where id = ${RUN}
  `;
  assert.deepEqual({ ...row }, {
    job_name: "dispatch-backlog",
    triggered_by: "pg_cron",
    on_time: true,
    status: "completed",
  });
});

Deno.test("an unknown scenario is the caller's mistake, said with the known ones; nothing runs", async () => {
  await using database = openOutbox(await testDatabase());
  const { status, answer, log } = await ask(
    database.outbox,
    post({ scenarios: ["inactivity", "birthday"] }),
  );
  assert.equal(status, 400);
  assert.match(answer.error.message, /unknown scenario 'birthday'.*inactivity/);
  assert.deepEqual(log.lines, []);
  const [ledger] = await database
    .sql`select count(*)::integer as count from scheduler.invocations`;
  assert.equal(ledger?.["count"], 0);
});

Deno.test("an unknown organisation is the caller's mistake, named by its place", async () => {
  await using database = openOutbox(await testDatabase());
  const [known] = await database.sql<{ id: string }[]>`select tests.organisation() as id`;
  const { status, answer } = await ask(
    database.outbox,
    post({ organisation_ids: [known?.id, RUN] }),
  );
  assert.equal(status, 400);
  assert.match(answer.error.message, /organisation_ids\[1\]/);
  assert.ok(!answer.error.message.includes(RUN));
});

Deno.test("an unknown job is 404, with the known ones, and a failed row in the ledger", async () => {
  await using database = openOutbox(await testDatabase());
  const names = ["", "nightly", "housekeeping", "constructor", "scenario-evaluation ", "a@b.no"];
  for (const job_name of names) {
    const { status, answer, log } = await ask(database.outbox, post({ job_name }));
    assert.deepEqual([status, answer.error.type], [404, "unknown_job"]);
    assert.match(answer.error.message, /scenario-evaluation, dispatch-backlog/);
    assert.deepEqual(log.lines, []);
  }
  const ledger = await database.sql`
    select job_name, status, status_reason, error_type from scheduler.invocations order by requested_at
  `;
  assert.deepEqual(
    ledger.map(({ job_name }) => job_name),
    ["unknown", "nightly", "housekeeping", "constructor", "unknown", "unknown"],
  );
  for (const { status, status_reason, error_type } of ledger) {
    assert.deepEqual([status, status_reason, error_type], [
      "failed",
      "unknown_job",
      "evaluation_logic_error",
    ]);
  }
});

Deno.test("a job that the database knows and this function does not fails, and says so", async () => {
  await using database = openOutbox(await testDatabase());
  await database
    .sql`insert into scheduler.jobs (job_name, kind, target) values ('of-tomorrow', 'edge', 'of-tomorrow')`;
  const { status, answer } = await ask(database.outbox, post({ job_name: "of-tomorrow" }));
  assert.deepEqual([status, answer.error.type], [404, "unknown_job"]);
  const [row] = await database.sql`select status, error_message from scheduler.invocations`;
  assert.equal(row?.["status"], "failed");
  assert.match(row?.["error_message"], /no such job/);
});

Deno.test("a run that overlaps another of its job is skipped, and the answer says so", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.waiting()`;
  await database.outbox.start({
    job_name: "dispatch-backlog",
    invocation_id: RUN,
    triggered_by: "test",
    scheduled_for: null,
    webhook_id: null,
    scenarios: null,
    organisation_ids: null,
    dry_run: false,
  });
  const provider = memoryProvider(() => assert.fail("nothing may be sent"));
  const { status, answer } = await ask(
    database.outbox,
    post({ job_name: "dispatch-backlog" }),
    { provider },
  );
  assert.equal(status, 200);
  assert.equal(answer.skipped, true);
  assert.equal(answer.completed, false);
  const other = await ask(database.outbox, post({ dry_run: true, job_name: "dispatch-backlog" }));
  assert.equal(other.answer.completed, true, "a dry run stands in nobody's way");

  // Until the other gives no sign of life any more.
  await database.sql`
    update scheduler.invocations set heartbeat_at = now() - interval '31 seconds' where id = ${RUN}
  `;
  const next = await ask(database.outbox, post({ job_name: "dispatch-backlog" }));
  assert.equal(next.answer.total_dispatched, 1);
  const rows = await database.sql`
    select status, status_reason from scheduler.invocations where not dry_run order by requested_at
  `;
  assert.deepEqual(rows.map(({ status, status_reason }) => [status, status_reason]), [
    ["abandoned", null],
    ["skipped", "overlap"],
    ["completed", null],
  ]);
});

Deno.test("a signed request that is repeated runs once", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.waiting()`;
  const provider = memoryProvider();
  const first = await ask(database.outbox, signed("{}", "msg_1"), { provider });
  await database.sql`select tests.waiting()`;
  const second = await ask(database.outbox, signed("{}", "msg_1"), { provider });
  assert.equal(first.status, 200);
  assert.equal(second.status, 200);
  assert.equal(second.answer.invocation_id, first.answer.invocation_id);
  assert.equal(second.answer.replayed, true);
  assert.equal(second.answer.total_dispatched, first.answer.total_dispatched);
  assert.deepEqual(second.log.lines, []);
  assert.equal(provider.messages.length, 1);

  const third = await ask(database.outbox, signed("{}", "msg_2"), { provider });
  assert.notEqual(third.answer.invocation_id, first.answer.invocation_id);
  assert.equal(provider.messages.length, 2);
});

Deno.test("of requests with one id that come at once, one runs", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.waiting() from generate_series(1, 3)`;
  const provider = memoryProvider();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask(database.outbox, signed("{}", "msg_1"), { provider })),
  );
  assert.equal(answers.filter(({ answer }) => !answer.replayed).length, 1);
  assert.equal(new Set(answers.map(({ answer }) => answer.invocation_id)).size, 1);
  assert.equal(provider.messages.length, 3);
});

Deno.test("an invocation that is asked for twice by its own id runs once", async () => {
  await using database = openOutbox(await testDatabase());
  const body = { invocation_id: RUN };
  const { answer: first } = await ask(database.outbox, post(body));
  assert.equal(first.replayed, undefined);
  const { answer, status } = await ask(database.outbox, post(body));
  assert.equal(status, 200);
  assert.equal(answer.replayed, true);
  assert.equal(answer.completed, true);
});

Deno.test("an answer that is given again says what the first one said, and that it is replayed", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.waiting() from generate_series(1, 3)`;
  const { answer: first } = await ask(database.outbox, post({ invocation_id: RUN }));
  const { answer } = await ask(database.outbox, post({ invocation_id: RUN }));
  const { duration_ms, ...rest } = answer;
  assert.ok(duration_ms >= 0);
  const { duration_ms: _, ...figures } = first;
  assert.equal(figures.total_dispatched, 3);
  assert.deepEqual(rest, { ...figures, replayed: true });
});

Deno.test("who prefers not to wait is answered at once, and the work goes on", async () => {
  await using database = openOutbox(await testDatabase());
  await database.sql`select tests.waiting()`;
  const gate = Promise.withResolvers<PushOutcome>();
  const { status, answer, response, background, log } = await ask(
    database.outbox,
    post({ invocation_id: RUN }, { prefer: "respond-async" }),
    { provider: memoryProvider(() => gate.promise) },
  );
  assert.equal(status, 202);
  assert.deepEqual(answer, { invocation_id: RUN });
  assert.equal(response.headers.get("preference-applied"), "respond-async");
  assert.equal(background.length, 1);
  assert.ok(!log.events().includes("scheduler_run_completed"));

  const meanwhile = await ask(database.outbox, post({ invocation_id: RUN }));
  assert.equal(meanwhile.status, 202);

  gate.resolve(SENT);
  await Promise.all(background);
  assert.equal(log.events().at(-1), "scheduler_run_completed");
  const [row] = await database.sql`select status from scheduler.notifications`;
  assert.equal(row?.["status"], "sent");
});

Deno.test("what is wrong with a request is answered at once, also to who prefers not to wait", async () => {
  await using database = openOutbox(await testDatabase());
  const { status, background } = await ask(
    database.outbox,
    post({ scenarios: ["birthday"] }, { prefer: "respond-async" }),
  );
  assert.equal(status, 400);
  assert.equal(background.length, 0);
});

Deno.test("without a database a run begins, fails and ends in the log, and the answer is 500 with its id", async () => {
  const database = await testDatabase();
  await using gone = openOutbox({ ...database, url: "postgresql://nobody@127.0.0.1:9/none" });
  const { status, answer, log } = await ask(gone.outbox, post({ invocation_id: RUN }));
  assert.equal(status, 500);
  assert.equal(answer.invocation_id, RUN);
  assert.equal(answer.error.type, "database_error");
  assert.deepEqual(log.events(), [
    "scheduler_run_started",
    "scheduler_run_failed",
    "scheduler_run_completed",
  ]);
  for (const entry of log.entries()) assert.equal(entry["invocation_id"], RUN);
  assert.equal(log.entries()[2]?.["completed"], false);
});
