import assert from "node:assert/strict";
import { ERROR_TYPES } from "./errors.ts";
import { StructuredLogger, type Summary } from "./logger.ts";

const RUN = "8d7f6a52-3c0e-4a8e-9a51-0b7c1d2e3f40";
const MENTOR = "5f0c9b1a-7e2d-4c3b-8a19-6d5e4f3c2b1a";
const COMMON = ["timestamp", "level", "component", "event", "invocation_id"];
const FIGURES = [
  "total_active_mentors",
  "total_evaluated",
  "total_dispatched",
  "total_suppressed",
  "total_errors",
  "pages_processed",
  "duration_ms",
  "completed",
  "partial",
  "remaining_unprocessed_count",
];

const summary: Summary = {
  invocation_id: RUN,
  total_active_mentors: 12,
  total_evaluated: 12,
  total_dispatched: 3,
  total_suppressed: 2,
  total_errors: 1,
  pages_processed: 1,
  duration_ms: 40,
  completed: true,
  partial: false,
  remaining_unprocessed_count: 0,
};
const wrong = { error_type: "provider_error", error_message: "fcm: INTERNAL, unknown" } as const;

function listen() {
  const lines: string[] = [];
  const logger = new StructuredLogger(
    (line) => lines.push(line),
    () => new Date("2026-03-01T06:00:00.250Z"),
  );
  const entries = (): Record<string, unknown>[] =>
    lines.map((line) => {
      assert.ok(!line.includes("\n"));
      return JSON.parse(line);
    });
  return { logger, run: logger.run(RUN), entries };
}

Deno.test("every entry has a time in UTC, a level, the component, the event and the invocation", () => {
  const { run, entries } = listen();
  run.started("pg_cron");
  run.mentorError(MENTOR, wrong);
  run.failed(wrong);
  run.completed({ ...summary, partial: true });
  for (const entry of entries()) {
    assert.equal(entry["timestamp"], "2026-03-01T06:00:00.250Z");
    assert.equal(entry["component"], "scenario-scheduler");
    assert.equal(entry["invocation_id"], RUN);
    assert.ok(["info", "warn", "error"].includes(String(entry["level"])));
  }
  assert.deepEqual(entries().map(({ event }) => event), [
    "scheduler_run_started",
    "mentor_evaluation_error",
    "scheduler_run_failed",
    "scheduler_run_partial",
    "scheduler_run_completed",
  ]);
});

Deno.test("each event has exactly its fields", () => {
  const { run, entries } = listen();
  run.started("pg_cron");
  run.mentorError(MENTOR, wrong);
  run.failed(wrong);
  run.completed({ ...summary, completed: false, partial: true, remaining_unprocessed_count: 9 });
  const [started, mentor, failed, partial, completed] = entries().map((entry) =>
    Object.keys(entry).filter((name) => !COMMON.includes(name)).sort()
  );
  assert.deepEqual(started, ["triggered_by"]);
  assert.deepEqual(mentor, ["error_message", "error_type", "peer_mentor_id"]);
  assert.deepEqual(failed, ["error_message", "error_type"]);
  assert.deepEqual(partial, ["pages_processed", "remaining_unprocessed_count"]);
  assert.deepEqual(completed, [...FIGURES].sort());
});

Deno.test("what only one job counts, and why a run did nothing, are entries of their own", () => {
  const { run, entries } = listen();
  run.counted({ received: 3, rejected_unknown_member: 1 });
  run.noted("switched off by kari@example.org");
  const [counted, noted] = entries();
  assert.deepEqual([counted?.["event"], counted?.["counts"]], [
    "scheduler_run_counted",
    { received: 3, rejected_unknown_member: 1 },
  ]);
  assert.deepEqual([noted?.["event"], noted?.["note"]], [
    "scheduler_run_noted",
    "switched off by [email]",
  ]);
});

Deno.test("a run that did everything is not said to be partial", () => {
  const { run, entries } = listen();
  run.completed(summary);
  assert.deepEqual(entries().map(({ event }) => event), ["scheduler_run_completed"]);
});

Deno.test("fifty mentors have an entry each; the rest of the run is one, with counts by type", () => {
  const { run, entries } = listen();
  for (let i = 0; i < 50; i++) run.mentorError(MENTOR, wrong);
  for (const error_type of ERROR_TYPES) run.mentorError(MENTOR, { ...wrong, error_type });
  run.mentorError(MENTOR, wrong);
  run.completed(summary);
  const events = entries().map(({ event }) => event);
  assert.equal(events.filter((event) => event === "mentor_evaluation_error").length, 50);
  assert.deepEqual(events.slice(50), [
    "mentor_evaluation_errors_aggregated",
    "scheduler_run_completed",
  ]);
  const aggregated = entries()[50] ?? {};
  assert.deepEqual(aggregated["counts"], {
    ...Object.fromEntries(ERROR_TYPES.map((type) => [type, 1])),
    provider_error: 2,
  });
  assert.deepEqual(Object.keys(aggregated).sort(), [...COMMON, "counts"].sort());
});

Deno.test("fifty mentors and no more need no aggregated entry", () => {
  const { run, entries } = listen();
  for (let i = 0; i < 50; i++) run.mentorError(MENTOR, wrong);
  run.completed(summary);
  assert.equal(entries().length, 51);
  assert.equal(entries()[50]?.["event"], "scheduler_run_completed");
});

Deno.test("each run has fifty entries of its own", () => {
  const { logger, run, entries } = listen();
  for (let i = 0; i < 60; i++) run.mentorError(MENTOR, wrong);
  logger.run("another").mentorError(MENTOR, wrong);
  assert.equal(entries().length, 51);
});

Deno.test("a field that is not on the list is not written", () => {
  const { logger, entries } = listen();
  const fields = { invocation_id: RUN, device_token: "kanaritoken", title: "kanarititle" };
  logger.entry("info", "scheduler_run_started", fields);
  assert.deepEqual(Object.keys(entries()[0] ?? {}).sort(), [...COMMON].sort());
});

Deno.test("a request to the API is one entry, an error where the API is at fault", () => {
  const { logger, entries } = listen();
  const request = {
    request_id: RUN,
    method: "GET",
    route: "/api/v1/scheduler-invocations/{id}",
    duration_ms: 4,
  };
  logger.request({ ...request, status: 404 });
  logger.request({ ...request, status: 500, ...wrong });
  assert.deepEqual(entries().map(({ event, level, status }) => [event, level, status]), [
    ["api_request", "info", 404],
    ["api_request", "error", 500],
  ]);
  assert.equal(entries()[0]?.["route"], request.route);
  assert.equal(entries()[1]?.["error_message"], wrong.error_message);
});

Deno.test("messages and labels are sanitized, and stay on one line", () => {
  const { run, entries } = listen();
  run.started(`by ${MENTOR}\nand more`);
  run.failed({
    error_type: "database_error",
    error_message: `${MENTOR} kanari@example.org\n at x`,
  });
  const [started, failed] = entries();
  assert.equal(started?.["triggered_by"], "by [id]");
  assert.equal(failed?.["error_message"], "[id] [email]");
});
