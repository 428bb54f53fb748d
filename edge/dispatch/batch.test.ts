// Runs on a real outbox: pages, the time guard, failures, and what the log says.

import assert from "node:assert/strict";
import { testDatabase } from "../../scripts/testing.ts";
import { handleScheduledInvocation } from "./handler.ts";
import type { PushOutcome } from "./providers/provider.ts";
import { memoryProvider, openOutbox, post, prepare } from "./testing.ts";

type Setup = Omit<Parameters<typeof prepare>[0], "outbox">;
type Body = Record<string, unknown>;

const SENT: PushOutcome = { outcome: "sent", message_id: "m" };
const FAILED: PushOutcome = {
  outcome: "failed",
  error_type: "provider_error",
  error_code: "INVALID_ARGUMENT",
};
const BACKLOG = { job_name: "dispatch-backlog" };

/** A database with so many pushes that are due, numbered from 1. */
async function withWaiting(count: number) {
  const database = openOutbox(await testDatabase());
  await database.sql`alter table scheduler.notifications alter column id restart with 1`;
  if (count > 0) await database.sql`select tests.waiting() from generate_series(1, ${count})`;
  return {
    ...database,
    [Symbol.asyncDispose]: database[Symbol.asyncDispose],
    async run(setup: Setup = {}, body: Body = BACKLOG) {
      const prepared = prepare({ outbox: database.outbox, ...setup });
      const response = await handleScheduledInvocation(post(body), prepared.dependencies);
      return { ...prepared, status: response.status, answer: await response.json() };
    },
    async statuses(): Promise<Record<string, number>> {
      const rows = await database.sql<{ status: string; count: number }[]>`
        select status, count(*)::integer from scheduler.notifications group by status
      `;
      return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
    },
  };
}

Deno.test("without mentors a run is complete, with nothing in it", async () => {
  await using world = await withWaiting(0);
  const { status, answer, log } = await world.run({}, {});
  assert.equal(status, 200);
  const { invocation_id, duration_ms, ...figures } = answer;
  assert.match(invocation_id, /^[0-9a-f-]{36}$/);
  assert.ok(duration_ms >= 0);
  assert.deepEqual(figures, {
    total_active_mentors: 0,
    total_evaluated: 0,
    total_dispatched: 0,
    total_suppressed: 0,
    total_errors: 0,
    pages_processed: 0,
    completed: true,
    partial: false,
    remaining_unprocessed_count: 0,
  });
  assert.deepEqual(log.events(), ["scheduler_run_started", "scheduler_run_completed"]);
  assert.deepEqual({ ...log.entries()[1], ...answer }, log.entries()[1]);
});

Deno.test("pages follow one another until nothing is due, and each push is sent once", async () => {
  await using world = await withWaiting(23);
  const provider = memoryProvider();
  const { answer } = await world.run({ provider, pageSize: 5 });
  assert.equal(answer.total_dispatched, 23);
  assert.equal(answer.pages_processed, 5);
  assert.equal(answer.completed, true);
  assert.equal(new Set(provider.messages.map(({ notificationId }) => notificationId)).size, 23);
  assert.equal(provider.messages.length, 23);
  assert.deepEqual(await world.statuses(), { sent: 23 });
});

Deno.test("a backlog is sent without evaluating anything", async () => {
  await using world = await withWaiting(1);
  await world.sql`select tests.mentor()`;
  const { answer } = await world.run();
  assert.equal(answer.total_dispatched, 1);
  assert.deepEqual(await world.statuses(), { sent: 1 });
});

Deno.test("a dry run evaluates, and neither writes nor sends", async () => {
  await using world = await withWaiting(2);
  await world.sql`select tests.mentor() from generate_series(1, 3)`;
  const provider = memoryProvider(() => assert.fail("nothing may be sent"));
  const { status, answer } = await world.run({ provider }, { dry_run: true });
  assert.equal(status, 200);
  assert.equal(answer.total_active_mentors, 5);
  assert.equal(answer.total_dispatched, 0);
  assert.deepEqual(await world.statuses(), { pending: 2 });
});

Deno.test("when the time is up no further page begins, and the answer says how much is left", async () => {
  await using world = await withWaiting(10);
  let now = 0;
  const provider = memoryProvider(() => {
    now += 1500;
    return SENT;
  });
  const { status, answer, log } = await world.run({
    provider,
    pageSize: 2,
    concurrency: 1,
    timeoutThresholdMs: 5000,
    clock: () => now,
  });
  assert.equal(status, 200);
  assert.equal(answer.partial, true);
  assert.equal(answer.completed, false);
  assert.equal(answer.duration_ms, now);
  // A page that has begun is sent to its end.
  const { total_dispatched, remaining_unprocessed_count } = answer;
  assert.ok(total_dispatched >= 4 && total_dispatched < 10 && total_dispatched % 2 === 0);
  assert.equal(remaining_unprocessed_count, 10 - total_dispatched);
  assert.deepEqual(await world.statuses(), {
    sent: total_dispatched,
    pending: remaining_unprocessed_count,
  });
  assert.deepEqual(log.events(), [
    "scheduler_run_started",
    "scheduler_run_partial",
    "scheduler_run_completed",
  ]);
  assert.equal(log.entries()[1]?.["remaining_unprocessed_count"], remaining_unprocessed_count);

  const rest = await world.run({ provider, pageSize: 2 });
  assert.equal(rest.answer.total_dispatched, remaining_unprocessed_count);
  assert.equal(rest.answer.completed, true);
});

Deno.test("without any time a run sends nothing and says that all is left", async () => {
  await using world = await withWaiting(3);
  const { answer } = await world.run({ timeoutThresholdMs: 0 });
  assert.equal(answer.partial, true);
  assert.equal(answer.pages_processed, 0);
  assert.equal(answer.remaining_unprocessed_count, 3);
  const { answer: later } = await world.run();
  assert.equal(later.completed, true);
});

Deno.test("a push that fails is counted, said of its mentor, and the batch goes on", async () => {
  await using world = await withWaiting(6);
  const { answer, log, status } = await world.run({
    provider: memoryProvider(({ notificationId }) => notificationId === 2 ? FAILED : SENT),
    pageSize: 2,
  });
  assert.equal(status, 200);
  assert.equal(answer.total_dispatched, 5);
  assert.equal(answer.total_errors, 1);
  assert.equal(answer.completed, true);
  const [mentor] = await world.sql<{ user_id: string }[]>`
    select user_id from scheduler.notifications where id = 2
  `;
  const { timestamp: _, ...entry } = log.entries()[1] ?? { event: "" };
  assert.deepEqual(entry, {
    level: "warn",
    component: "scenario-scheduler",
    event: "mentor_evaluation_error",
    invocation_id: answer.invocation_id,
    peer_mentor_id: mentor?.user_id,
    error_type: "provider_error",
    error_message: "memory: INVALID_ARGUMENT, failed",
  });
});

Deno.test("a provider that throws at every push ends no run", async () => {
  await using world = await withWaiting(4);
  const provider = memoryProvider(() => {
    throw new TypeError("it broke");
  });
  const { status, answer, log } = await world.run({ provider });
  assert.equal(status, 200);
  assert.equal(answer.total_errors, 4);
  assert.equal(log.events().at(-1), "scheduler_run_completed");
  assert.deepEqual(await world.statuses(), { pending: 4 });
});

Deno.test("past fifty mentors the log of a run says only how many of each type there are", async () => {
  await using world = await withWaiting(70);
  const invalid: PushOutcome = {
    outcome: "invalid_token",
    error_type: "invalid_token",
    error_code: "UNREGISTERED",
  };
  const { answer, log } = await world.run({
    provider: memoryProvider(({ notificationId }) => notificationId % 2 ? FAILED : invalid),
    pageSize: 20,
  });
  assert.equal(answer.total_errors, 70);
  const events = log.events();
  assert.equal(events.filter((event) => event === "mentor_evaluation_error").length, 50);
  assert.deepEqual(events.slice(-2), [
    "mentor_evaluation_errors_aggregated",
    "scheduler_run_completed",
  ]);
  const written = new Map<unknown, number>();
  for (const { error_type } of log.entries()) {
    written.set(error_type, (written.get(error_type) ?? 0) + 1);
  }
  const counts = log.entries().at(-2)?.["counts"];
  assert.deepEqual(counts, {
    provider_error: 35 - (written.get("provider_error") ?? 0),
    invalid_token: 35 - (written.get("invalid_token") ?? 0),
  });
});

Deno.test("a provider that takes nothing from us ends the run: failed before the 500, then completed", async () => {
  await using world = await withWaiting(8);
  const provider = memoryProvider(() => ({
    outcome: "held",
    reach: "run",
    error_type: "authentication_error",
    error_code: "UNAUTHENTICATED",
  }));
  const { status, answer, log } = await world.run({ provider, pageSize: 2, concurrency: 1 });
  assert.equal(status, 500);
  assert.equal(provider.messages.length, 1);
  assert.equal(answer.error.type, "authentication_error");
  assert.deepEqual(Object.keys(answer).sort(), ["error", "invocation_id"]);
  assert.deepEqual(log.events().slice(-2), ["scheduler_run_failed", "scheduler_run_completed"]);
  assert.equal(log.entries().at(-2)?.["error_type"], "authentication_error");
  assert.equal(log.entries().at(-1)?.["completed"], false);
  assert.deepEqual(await world.statuses(), { pending: 8 });
});

Deno.test("devices that a provider of another account refuses are not put away when there are many: two at the most, where a page has no more", async () => {
  for (const [pageSize, most] of [[500, 0], [4, 0], [3, 0], [2, 2], [1, 2]] as const) {
    await using world = await withWaiting(12);
    const provider = memoryProvider(() => ({
      outcome: "invalid_token",
      reach: "run_if_many",
      error_type: "invalid_token",
      error_code: "SENDER_ID_MISMATCH",
    }));
    assert.equal((await world.run({ provider, pageSize, concurrency: 4 })).status, 500);
    const [disabled] = await world.sql<{ count: number }[]>`
      select count(*)::integer from public.device_tokens where disabled_at is not null
    `;
    assert.ok(disabled && disabled.count <= most, `${disabled?.count} with pages of ${pageSize}`);
  }
});

Deno.test("a process that was stopped past its lease sends nothing more when it goes on", async () => {
  await using world = await withWaiting(6);
  let now = 0;
  const provider = memoryProvider(() => {
    if (provider.messages.length === 2) now += 2 * 3600 * 1000; // it sleeps
    return SENT;
  });
  await world.run({ provider, concurrency: 1, clock: () => now });
  assert.equal(provider.messages.length, 2);
  assert.deepEqual(await world.statuses(), { sent: 2, pending: 4 });
});

Deno.test("what another sender has taken over is not recorded, and counts as an error", async () => {
  await using world = await withWaiting(2);
  const provider = memoryProvider(async ({ notificationId }) => {
    if (notificationId === 1) {
      await world
        .sql`update scheduler.notifications set lease_token = gen_random_uuid() where id = 1`;
    }
    return SENT;
  });
  const { answer, log } = await world.run({ provider });
  assert.equal(answer.total_dispatched, 1);
  assert.equal(answer.total_errors, 1);
  assert.equal(log.entries()[1]?.["error_type"], "timeout_error");
  assert.deepEqual(await world.statuses(), { sending: 1, sent: 1 });
});

Deno.test("an evaluation that fails ends the run, and the log and the ledger say so", async () => {
  await using world = await withWaiting(2);
  await world.sql.unsafe(`
    create function scheduler.broken() returns trigger language plpgsql
    as $$ begin raise exception 'kanari' using errcode = 'P0001'; end $$;
    create trigger broken before insert on scheduler.notifications execute function scheduler.broken();
  `);
  await world.sql`select tests.mentor()`;
  const { status, answer, log } = await world.run({}, {});
  assert.equal(status, 500);
  assert.equal(answer.error.type, "database_error");
  assert.deepEqual(log.events(), [
    "scheduler_run_started",
    "scheduler_run_failed",
    "scheduler_run_completed",
  ]);
  assert.ok(!JSON.stringify([answer, log.lines]).includes("kanari"));
  const [ledger] = await world.sql<{ status: string; error_type: string }[]>`
    select status, error_type from scheduler.invocations where id = ${answer.invocation_id}
  `;
  assert.deepEqual({ ...ledger }, { status: "failed", error_type: "database_error" });
});

Deno.test("a database that is gone in the middle of a run is said in the log, and the run is closed there", async () => {
  await using world = await withWaiting(3);
  const provider = memoryProvider(async () => {
    await world.sql.unsafe("alter function public.record_push_results rename to gone");
    await world.sql.unsafe("alter function public.finish_invocation rename to gone_too");
    return SENT;
  });
  const { status, answer, log } = await world.run({ provider, pageSize: 1 });
  assert.equal(status, 500);
  assert.equal(answer.error.type, "database_error");
  assert.deepEqual(log.events().slice(-2), ["scheduler_run_failed", "scheduler_run_completed"]);
  assert.equal(log.events().filter((event) => event === "scheduler_run_failed").length, 1);
});
