// What must not be seen is put wherever something comes in, and looked for
// wherever something comes out.

import assert from "node:assert/strict";
import { startFakeFcm } from "../../scripts/fake_fcm.ts";
import { testDatabase } from "../../scripts/testing.ts";
import { readConfiguration } from "../shared/configuration.ts";
import { handleScheduledInvocation } from "./handler.ts";
import { fcmProvider } from "./providers/fcm.ts";
import { openOutbox, post, prepare, SECRET } from "./testing.ts";

const NAME = "Kanarifugl Fjærkledd";
const TOKEN = "dKanariTokenOfADevice:APA91bHkanariKANARIkanariKANARIkanari";
const MAIL = "kanarifugl@fjaerkledd.example";
const PHONE = "+47 987 65 432";
const ID = "ca9a41f0-9d1e-4c0a-8b1d-ca9a41f0ca9a";
const CANARIES = [NAME, TOKEN, MAIL, PHONE, ID];
const ALL = CANARIES.join(" ");

function unseen(output: unknown, where: string): void {
  const text = typeof output === "string" ? output : JSON.stringify(output);
  for (const canary of [...CANARIES, SECRET, "987 65", "fjaerkledd", "Fjærkledd"]) {
    assert.ok(!text.includes(canary), `${canary} in ${where}: ${text}`);
  }
}

Deno.test("nothing of a body is repeated, whatever field it stands in", async () => {
  const database = await testDatabase();
  await using open = openOutbox(database);
  const fields = [
    "job_name",
    "invocation_id",
    "scheduled_for",
    "triggered_by",
    "scenarios",
    "organisation_ids",
    "dry_run",
  ];
  const bodies = [
    ALL,
    JSON.stringify(ALL),
    ...CANARIES.flatMap((canary) => [
      JSON.stringify({ [canary]: canary }),
      ...fields.flatMap((field) => [
        // As one text, and as one of a list. An id is one that the contract repeats.
        ...(field === "invocation_id" && canary === ID ? [] : [{ [field]: canary }]),
        { [field]: [canary] },
        { [field]: { [canary]: canary } },
      ]).map((body) => JSON.stringify(body)),
    ]),
  ];
  for (const body of bodies) {
    const { dependencies, log } = prepare({ outbox: open.outbox });
    const response = await handleScheduledInvocation(post(body), dependencies);
    unseen(await response.text(), `the answer to ${body}`);
    unseen(log.lines, "the log");
  }
  const ledger = await open.sql`select row_to_json(i)::text as row from scheduler.invocations i`;
  unseen(ledger, "the ledger");
});

Deno.test("what a device's row names as its provider is not repeated", async () => {
  await using open = openOutbox(await testDatabase());
  await open.sql`select tests.waiting() from generate_series(1, ${CANARIES.length})`;
  const waiting = await open.sql<
    { user_id: string }[]
  >`select user_id from scheduler.notifications`;
  for (const [i, canary] of CANARIES.entries()) {
    await open.sql`
      update public.device_tokens set provider = ${canary} where user_id = ${
      waiting[i]?.user_id ?? null
    }
    `;
  }
  const { dependencies, log } = prepare({ outbox: open.outbox });
  const request = post({ job_name: "dispatch-backlog" });
  unseen(await (await handleScheduledInvocation(request, dependencies)).text(), "the answer");
  unseen(log.lines, "the log");
  const said = log.entries().filter(({ event }) => event === "mentor_evaluation_error");
  assert.equal(said.length, CANARIES.length);
  const ledger = await open.sql`select row_to_json(i)::text as row from scheduler.invocations i`;
  unseen(ledger, "the ledger");
});

Deno.test("nothing of a request's headers is repeated, whether it is let in or not", async () => {
  await using open = openOutbox(await testDatabase());
  const canary = `${TOKEN} ${MAIL} ${PHONE} ${ID}`;
  const names = [
    "x-scheduler-secret",
    "authorization",
    "webhook-id",
    "content-type",
    "prefer",
    "user-agent",
    "x-forwarded-for",
  ];
  for (const name of names) {
    const { dependencies, log } = prepare({ outbox: open.outbox });
    const response = await handleScheduledInvocation(post("{}", { [name]: canary }), dependencies);
    unseen(await response.text(), `the answer to ${name}`);
    unseen([...response.headers], "the headers of the answer");
    unseen(log.lines, "the log");
  }
});

Deno.test("nothing of a push, a device or what a provider says is repeated", async () => {
  let turn = 0;
  const message = `${ALL}\n    at ${NAME} (file:///kanari.ts:1:1)`;
  const fake = await startFakeFcm({
    answer: () => {
      const answers = [
        { kind: "accept" },
        { kind: "error", status: 400, errorCode: "INVALID_ARGUMENT", message },
        { kind: "error", status: 404, errorCode: "UNREGISTERED", message },
        { kind: "error", status: 500, errorCode: TOKEN, grpcStatus: NAME, message },
        { kind: "error", status: 429, errorCode: MAIL, message, retryAfter: PHONE },
        { kind: "raw", status: 200, body: ALL },
        { kind: "raw", status: 503, body: `<html>${ALL}` },
        { kind: "raw", status: 418, body: JSON.stringify({ error: ALL }) },
        { kind: "close" },
        { kind: "error", status: 401, message },
      ] as const;
      return answers[turn++] ?? { kind: "error", status: 403, message };
    },
  });
  try {
    await using open = openOutbox(await testDatabase());
    await open.sql`select tests.waiting() from generate_series(1, 12)`;
    await open.sql`update public.device_tokens set token = ${TOKEN} || token`;
    await open.sql`
      update scheduler.notifications
      set title = ${NAME}, body = ${ALL}, data = jsonb_build_object('canary', ${ALL}::text)
    `;
    const environment: Record<string, string> = {
      SCHEDULER_DB_URL: "postgresql://nobody@127.0.0.1/none",
      FCM_SERVICE_ACCOUNT: fake.serviceAccount,
      FCM_ENDPOINT: fake.endpoint,
    };
    const { fcm } = await readConfiguration((name) => environment[name]);
    assert.ok(fcm);
    const { dependencies, log } = prepare({
      outbox: open.outbox,
      provider: fcmProvider(fcm, 2000),
      concurrency: 1,
    });
    const request = post({ job_name: "dispatch-backlog" });
    const response = await handleScheduledInvocation(request, dependencies);
    assert.equal(response.status, 500);
    unseen(await response.text(), "the answer");
    unseen(log.lines, "the log");
    const mentors = log.events().filter((event) => event === "mentor_evaluation_error");
    assert.ok(mentors.length >= 9);
    const [ledger] = await open
      .sql`select row_to_json(i)::text as row from scheduler.invocations i`;
    unseen(ledger?.["row"], "the ledger");
    const attempts = await open
      .sql`select row_to_json(a)::text as row from scheduler.push_attempts a`;
    unseen(attempts, "the attempts");
  } finally {
    await fake.stop();
  }
});

Deno.test("nothing of what the database says of a failure is repeated", async () => {
  for (const table of ["invocations", "notifications"]) {
    await using open = openOutbox(await testDatabase());
    await open.sql`select tests.mentor()`;
    await open.sql.unsafe(`
      create function scheduler.broken() returns trigger language plpgsql as $$
      begin
        raise exception '${ALL}'
          using detail = '${ALL}', hint = '${ALL}', table = '${TOKEN}', constraint = '${TOKEN}';
      end $$;
      create trigger broken before insert on scheduler.${table} execute function scheduler.broken();
    `);
    const { dependencies, log } = prepare({ outbox: open.outbox });
    const response = await handleScheduledInvocation(post("{}"), dependencies);
    assert.equal(response.status, 500);
    unseen(await response.text(), "the answer");
    unseen(log.lines, "the log");
    assert.ok(log.events().includes("scheduler_run_failed"));
  }
});
