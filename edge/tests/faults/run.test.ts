// What goes wrong in a run of a fault is told of, whatever it is.

import assert from "node:assert/strict";
import { pause } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import { type Fault, fault } from "./fault.ts";
import { Progress } from "./load.ts";
import { stackOnOwnServer } from "./own_server.ts";
import { isGood, type Report, runFault } from "./run.ts";
import type { Stack } from "./stack.ts";
import { livingRuns } from "./waiting.ts";

const ownFault = (strike: Fault["strike"]): Fault => ({
  name: "a test's own",
  times: 1,
  timesInShort: 1,
  doubts: "none",
  strike,
});

const harming = (harm: (stack: Stack) => Promise<unknown>): Fault =>
  ownFault(async (stack) => {
    await harm(stack);
    return new Counts();
  });

async function forget({ evidence }: Report): Promise<void> {
  if (evidence) await Deno.remove(evidence, { recursive: true });
}

Deno.test("a fault that could not be done is told of", async () => {
  const report = await runFault(ownFault(() => Promise.reject(new Error("no such thing"))), 1, 1);
  await forget(report);
  assert.deepEqual(report.findings, ["the fault itself: no such thing"]);
  assert.equal(report.times, 0);
  assert.ok(!isGood(report));
});

Deno.test("a stack that could not be made is told of, and so is its fault", async () => {
  const report = await runFault(
    { ...harming(pause.bind(null, 0)), makeStack: () => Promise.reject(new Error("no room")) },
    1,
    1,
  );
  assert.deepEqual(report.findings, ["the stack: no room"]);
  assert.equal(report.fault, "a test's own");
  assert.ok(!isGood(report));
});

Deno.test("a fault that comes to no end is stopped, and told of", async () => {
  let end: unknown;
  const endless = harming(async (stack) => {
    stack.provider.latencyMilliseconds = 3000;
    try {
      for (;; await pause(20)) await stack.addDue(1);
    } catch (error) {
      end = error;
      throw error;
    }
  });
  const report = await runFault(endless, 1, 1, 1);
  await forget(report);
  assert.deepEqual(report.findings, ["the fault itself: it was not done in 1 s"]);
  assert.match(String(end), /a stack that was given up/);
  assert.ok(report.verdict.acceptedOnce > 0, "the rest was sent, and judged");
});

Deno.test("a server that a fault left down is brought back, and the rest is sent and judged", async () => {
  const leaving = fault({
    name: "a test's own",
    times: 1,
    timesInShort: 1,
    doubts: "doubles",
    failures: ["database_error"],
    makeStack: stackOnOwnServer,
    async strike({ extra: server, sql }) {
      await until(
        "something is sent",
        async () =>
          (await sql`select from scheduler.notifications where status = 'sent'`).length > 2,
      );
      await server.crash();
      throw new Error("the rest was not done");
    },
  });
  const report = await runFault(leaving, 1, 1);
  await forget(report);
  assert.deepEqual(report.findings, ["the fault itself: the rest was not done"]);
  assert.ok(report.verdict.acceptedOnce > 0);
});

Deno.test("a fault that does harm is told of, and what it left is kept", async () => {
  const harmful = harming(async ({ sql, sender }) => {
    await until(
      "something is sent",
      async () => (await sql`select from scheduler.notifications where status = 'sent'`).length > 2,
    );
    // One of which an attempt left no record, and one that has failed.
    await sql`
      with doubted as (
        update scheduler.notifications set attempts = 2
        where id = (select min(id) from scheduler.notifications where status = 'sent')
        returning id
      )
      update scheduler.push_attempts set attempt = 2
      where notification_id in (select id from doubted)
    `;
    await sql`
      update scheduler.notifications set status = 'failed'
      where id = (select max(id) from scheduler.notifications where status = 'sent')
    `;
    await sql`
      insert into scheduler.invocations (job_name, status, error_type, started_at, finished_at)
      values ('dispatch-backlog', 'failed', 'provider_error', now(), now())
    `;
    if (sender) Deno.kill(sender.pid, "SIGKILL");
    await sender?.ended;
  });
  const report = await runFault(harmful, 1, 1);
  for (
    const finding of [
      /^every candidate has an outcome: notification \d+ is failed$/m,
      /^\d+ pushes are in doubt, and none may be$/m,
      /^1 runs failed with provider_error$/m,
      /^a function ended by itself with SIGKILL: /m,
    ]
  ) assert.match(report.findings.join("\n"), finding);
  assert.ok(!isGood(report));

  const kept = async (name: string): Promise<Record<string, unknown>[]> =>
    JSON.parse(await Deno.readTextFile(`${report.evidence}/${name}.json`));
  const failed = (await kept("notifications")).filter(({ status }) => status === "failed");
  assert.equal(failed.length, 1);
  assert.ok((await kept("accepted")).length >= report.verdict.acceptedOnce);
  await forget(report);
});

Deno.test("a load that stands still is told of, unless the time is too short to tell", () => {
  const during = (seconds: number, completed: number, loops = 1) => {
    const progress = new Progress("writes", loops);
    for (let i = 0; i < completed; i++) progress.note(true, 0);
    for (let loop = 0; loop < loops; loop++) progress.note(false, seconds);
    return progress.findings();
  };
  assert.deepEqual(during(10, 4), ["the load stood still: 4 writes in 10 s"]);
  assert.deepEqual(during(10, 4, 2), ["the load stood still: 4 writes in 10 s"]);
  assert.deepEqual(during(10, 5), []);
  assert.deepEqual(during(4, 0), []);
});

Deno.test("a run lives until its function says that it ended, whatever else asks for it", () => {
  const said = (event: string, invocation_id: string) => JSON.stringify({ event, invocation_id });
  const started = (id: string) => said("scheduler_run_started", id);
  const completed = (id: string) => said("scheduler_run_completed", id);
  const first = [started("a"), started("b"), "{cut", started("a"), completed("a"), completed("b")];
  const living = livingRuns([{ log: first }, { log: [started("c"), "17"] }]);
  assert.deepEqual([...living], ["a", "c"]);
});
