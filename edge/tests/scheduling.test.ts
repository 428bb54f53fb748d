// From pg_cron's tick to an accepted push: on a server without pg_cron and
// pg_net their stand-ins run the jobs and make the requests; all else is real.

import assert from "node:assert/strict";
import { startCronWorker } from "../../scripts/cron_worker.ts";
import { invoke } from "../../scripts/edge_function.ts";
import {
  acceptsByToken,
  DAILY,
  inWorld,
  logOf,
  MINUTELY,
  notOnce,
  until,
  type World,
} from "./world.ts";

const ACCEPTED = { attempt: 1, outcome: "accepted", http_status: 202, error: null };

/** The pushes that were decided on, and wait for their time. */
async function evaluate(world: World): Promise<void> {
  await world.sql`select from public.run_scenario_evaluation()`;
}

Deno.test("pg_cron's daily entry ends in a push to every mentor who is due, and the ledger tells it", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(12, { devices: 2 });
    const scheduler = await world.start();
    await world.schedule(scheduler.url);
    await world.startNetWorker();
    const cron = await startCronWorker(world.database.adminUrl);
    try {
      const fired = await cron.fire("scenario-scheduler-daily");
      assert.deepEqual([fired.status, fired.return_message], ["succeeded", "1 row"]);
      await world.runsEnd();
      assert.equal((await cron.fire("scenario-scheduler-dispatch")).status, "succeeded");
    } finally {
      await cron.stop();
    }

    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.ledger(), [DAILY]);
    assert.deepEqual(await world.requests(), [ACCEPTED]);
    const [run] = await world.sql<Record<string, unknown>[]>`
      select
        run.id, run.total_dispatched,
        run.request_id = request.request_id as of_request,
        run.webhook_id = request.webhook_id and run.webhook_id = format('run_%s_1', run.id) as of_webhook,
        run.scheduled_for = scheduler.previous_tick(job.schedule, run.requested_at) as on_schedule,
        run.requested_at <= run.started_at and run.started_at <= run.finished_at as in_order
      from scheduler.invocations as run
      join scheduler.requests as request on request.invocation_id = run.id
      join scheduler.jobs as job on job.job_name = run.job_name
    `;
    const { id, ...rest } = { ...run };
    assert.deepEqual(rest, {
      total_dispatched: 12,
      of_request: true,
      of_webhook: true,
      on_schedule: true,
      in_order: true,
    });
    assert.deepEqual((await logOf(scheduler, id)).map((entry) => entry.event), [
      "scheduler_run_started",
      "scheduler_run_completed",
    ]);
    assert.match(await world.status("requests"), /^ok: /);
  });
});

Deno.test("the dispatch entry asks for nothing while nothing is due, and once something is, for a run", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(3);
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    const cron = await startCronWorker(world.database.adminUrl);
    try {
      await cron.fire("scenario-scheduler-dispatch");
      await cron.fire("scenario-scheduler-dispatch");
      assert.deepEqual(await world.ledger(), []);
      assert.equal((await world.sql`select from net._http_response`).length, 0);

      await evaluate(world);
      await world.sql`delete from scheduler.invocations`;
      await cron.fire("scenario-scheduler-dispatch");
      await world.runsEnd();
    } finally {
      await cron.stop();
    }
    assert.deepEqual((await world.ledger()).map(({ job_name, status }) => [job_name, status]), [
      ["dispatch-backlog", "completed"],
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

/** The daily tick came due so long ago, and pg_cron did not run then. */
async function missTheTick(world: World, ago: string): Promise<void> {
  await world.sql`
    update scheduler.jobs
    set schedule = to_char(now() at time zone 'UTC' - ${ago}::interval, 'MI HH24') || ' * * *'
    where job_name = 'scenario-evaluation'
  `;
  await world.sql`
    update scheduler.jobs set last_tick_for = now() - ${ago}::interval - interval '10 minutes'
    where job_name = 'scenario-evaluation'
  `;
}

Deno.test("a daily tick that pg_cron missed is made up for once, by the next tick of another entry", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(6);
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    await missTheTick(world, "1 hour");

    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), [
      "scenario-evaluation requested",
    ]);
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    const [run] = await world.sql<{ late: boolean }[]>`
      select scheduled_for between requested_at - interval '62 minutes' and requested_at - interval '1 hour' as late
      from scheduler.invocations
    `;
    assert.equal(run?.late, true, "it is for the tick that was missed");

    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), []);
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 1), []);
    // pg_cron comes late with it.
    assert.deepEqual(await world.tick("scenario-scheduler-daily"), ["scenario-evaluation skipped"]);
    const caughtUp = { ...DAILY, triggered_by: "catch_up" };
    assert.deepEqual(await world.ledger(), [
      caughtUp,
      { ...DAILY, status: "skipped", status_reason: "duplicate_tick", http_status: null },
    ]);
    assert.equal(world.fake.requests, 6);
  });
});

Deno.test("a daily tick that was missed for longer than it is made up for leaves a row that says so", async () => {
  await inWorld(async (world) => {
    await world.addMentors(2);
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    await missTheTick(world, "13 hours");

    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), [
      "scenario-evaluation skipped",
    ]);
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 1), []);
    assert.deepEqual(await world.ledger(), [{
      ...DAILY,
      status: "skipped",
      status_reason: "missed",
      triggered_by: "catch_up",
      http_status: null,
    }]);
    assert.equal(world.fake.requests, 0);
  });
});

Deno.test("a tick that is made up for in the mentors' quiet hours sends nothing before they end", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(4);
    await world.schedule((await world.start()).url);
    await world.startNetWorker();
    const [hours] = await world.sql<{ begin: string; end: string }[]>`
      select
        to_char(now() at time zone 'Europe/Oslo' - interval '1 hour', 'HH24:MI') as begin,
        to_char(now() at time zone 'Europe/Oslo' + interval '2 hours', 'HH24:MI') as end
    `;
    await world.sql`
      update scheduler.organisation_settings
      set quiet_start = ${hours?.begin ?? ""}::time, quiet_end = ${hours?.end ?? ""}::time
      where organisation_id is null
    `;
    await missTheTick(world, "1 hour");
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();

    assert.deepEqual(await world.ledger(), [{
      ...DAILY,
      triggered_by: "catch_up",
      http_status: null,
    }]);
    const ends = await world.sql<{ ends: string }[]>`
      select distinct to_char(deliver_after at time zone 'Europe/Oslo', 'HH24:MI') as ends
      from scheduler.notifications where deliver_after > now()
    `;
    assert.deepEqual(ends.map((row) => row.ends), [hours?.end]);
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 1), []);
    assert.equal(world.fake.requests, 0);

    // The quiet hours end.
    await world.sql`
      update scheduler.organisation_settings set quiet_start = null, quiet_end = null
      where organisation_id is null
    `;
    await world.sql`update scheduler.notifications set deliver_after = now()`;
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch", 2), [
      "dispatch-backlog requested",
    ]);
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a tick that comes while the run of the last one is on is skipped, and nobody is pushed twice", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(40);
    const scheduler = await world.start({ PAGE_SIZE: "4", PUSH_CONCURRENCY: "2" });
    await world.schedule(scheduler.url);
    await world.startNetWorker();
    await evaluate(world);
    await world.sql`delete from scheduler.invocations`;

    await world.tick("scenario-scheduler-dispatch", -1);
    await until("it sends", () => world.fake.acceptedCount > 0);
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), ["dispatch-backlog skipped"]);
    const byHand = await invoke(scheduler.url, world.secret, { job_name: "dispatch-backlog" });
    assert.equal(byHand.answer["skipped"], true);
    assert.ok(world.fake.acceptedCount < 40, "the run was still on");
    await world.runsEnd();
    const skipped = { ...MINUTELY, status: "skipped", status_reason: "overlap", http_status: null };
    assert.deepEqual(await world.ledger(), [
      MINUTELY,
      skipped,
      { ...skipped, triggered_by: "request" },
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.equal(world.fake.requests, 40);
  }, { latencyMilliseconds: 60 });
});

Deno.test("a tick that comes while the request of the last one is not made yet is skipped", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(5);
    await world.schedule((await world.start()).url);
    await evaluate(world);
    await world.tick("scenario-scheduler-dispatch", -1);
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), ["dispatch-backlog skipped"]);
    await world.startNetWorker();
    await world.runsEnd();
    assert.equal((await world.requests()).length, 1);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("both entries may fire at once, again and again: each mentor is pushed once", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(60);
    const settings = { PAGE_SIZE: "5", PUSH_CONCURRENCY: "3" };
    await world.schedule((await world.start(settings)).url);
    await world.startNetWorker();
    const cron = await startCronWorker(world.database.adminUrl);
    try {
      for (let round = 0; acceptsByToken(world.fake).size < 60; round++) {
        assert.ok(round < 100, "they do not get it");
        const entries = ["scenario-scheduler-daily", "scenario-scheduler-dispatch"];
        const fired = await Promise.all(entries.map((entry) => cron.fire(entry)));
        assert.deepEqual(fired.map(({ status }) => status), ["succeeded", "succeeded"]);
      }
    } finally {
      await cron.stop();
    }
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    const daily = (await world.ledger()).filter((run) => run.job_name === DAILY.job_name);
    assert.equal(daily.filter((run) => run.status === "completed").length, 1);
    assert.ok(daily.every((run) => run.status === "completed" || run.status === "skipped"));
  }, { latencyMilliseconds: 20 });
});
