// Runs that the function took on and did not end: they are found by their
// silence, and what they had not done is done by another.

import assert from "node:assert/strict";
import type { EdgeFunction } from "../../scripts/edge_function.ts";
import { report } from "../../scripts/testing.ts";
import {
  acceptsByToken,
  DAILY,
  freePort,
  inWorld,
  MINUTELY,
  notOnce,
  until,
  type World,
} from "./world.ts";

const ABANDONED = { ...DAILY, status: "abandoned", error_type: "timeout_error" };
const RETRY = { ...DAILY, triggered_by: "retry" };

/** Keeps evaluations waiting. Returns what lets them go on. */
async function holdEvaluations(world: World): Promise<() => Promise<void>> {
  const holder = world.database.session();
  await holder`select pg_advisory_lock(hashtextextended('scenario-scheduler evaluation', 0))`;
  return async () => {
    await holder`select pg_advisory_unlock_all()`;
  };
}

async function untilItEvaluates(world: World, backend: string): Promise<void> {
  await until("it evaluates", async () => {
    const held = await world.sql`
      select from pg_stat_activity where application_name = ${backend} and wait_event = 'advisory'
    `;
    return held.length === 1;
  });
}

async function kill(world: World, victim: EdgeFunction, backend: string): Promise<void> {
  victim.kill("SIGKILL");
  await victim.ended;
  await world.sql`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${backend}
  `;
  await until("its backends are gone", async () => await world.backends(backend) === 0);
}

/** A function that can be followed by another on its port, and that the database asks. */
async function scheduled(
  world: World,
  settings: Record<string, string> = {},
): Promise<{ start: (backend: string) => Promise<EdgeFunction> }> {
  const port = freePort();
  await world.schedule(`http://127.0.0.1:${port}/`);
  await world.startNetWorker();
  return {
    start: (backend) =>
      world.start({ SCHEDULER_DB_URL: world.urlAs(backend), ...settings }, world.fake, port),
  };
}

Deno.test("a function that is killed while it evaluates is asked again, under a row of its own", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(6);
    const { start } = await scheduled(world);
    const victim = await start("victim");
    const goOn = await holdEvaluations(world);
    await world.tick("scenario-scheduler-daily");
    await untilItEvaluates(world, "victim");
    await kill(world, victim, "victim");
    await goOn();

    await world.tick("scenario-scheduler-dispatch");
    assert.deepEqual(
      (await world.ledger()).map(({ status }) => status),
      ["running"],
      "it may still be alive: it gave a sign of life just now",
    );
    await start("second");
    await world.fallSilent();
    assert.deepEqual(await world.tick("scenario-scheduler-dispatch"), []);
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch");
    assert.deepEqual(await world.ledger(), [ABANDONED, { ...RETRY, attempt: 2 }]);
    const [retry] = await world.sql<{ retries: boolean; same: boolean }[]>`
      select retry.retry_of = dead.id as retries, retry.scheduled_for = dead.scheduled_for as same
      from scheduler.invocations as retry
      cross join scheduler.invocations as dead
      where retry.status = 'completed' and dead.status = 'abandoned'
    `;
    assert.deepEqual({ ...retry }, { retries: true, same: true });
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.match(await world.status("job scenario-evaluation"), /^ok: last run completed/);
  });
});

Deno.test("an evaluation that goes on in the database when its function is killed stands, or is made again", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(6);
    const { start } = await scheduled(world);
    const victim = await start("victim");
    const goOn = await holdEvaluations(world);
    await world.tick("scenario-scheduler-daily");
    await untilItEvaluates(world, "victim");
    victim.kill("SIGKILL");
    await victim.ended;
    await goOn();
    await until("its backends are gone", async () => await world.backends("victim") === 0);
    const stands = (await world.outbox())["pending"] === 6;

    await start("second");
    await world.fallSilent();
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.ledger(), [
      ABANDONED,
      stands ? MINUTELY : { ...RETRY, attempt: 2 },
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a function that is killed while it sends is followed by the minute's run: none is lost, only those in doubt come twice", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(30);
    const { start } = await scheduled(world, { PAGE_SIZE: "5", PUSH_CONCURRENCY: "3" });
    const victim = await start("victim");
    const killed = Promise.withResolvers<void>();
    onAccept = async () => {
      if (world.fake.acceptedCount < 12) return;
      onAccept = undefined;
      await kill(world, victim, "victim");
      killed.resolve();
    };
    await world.tick("scenario-scheduler-daily");
    await killed.promise;

    // Those that it had not claimed need not wait until it is given up.
    await start("second");
    await world.tick("scenario-scheduler-dispatch", -1);
    await until("the minute's run ends", async () => {
      return (await world.ledger()).some((run) =>
        run.job_name === MINUTELY.job_name && run.status === "completed"
      );
    });
    const { sending = 0, sent = 0, ...others } = await world.outbox();
    assert.deepEqual(others, {});
    assert.ok(sending > 0 && sending <= 10, `${sending} are in doubt`);
    assert.equal(sent + sending, 30);

    const inDoubt = await world.leasesRunOut();
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.ledger(), [ABANDONED, MINUTELY, MINUTELY]);
    assert.deepEqual(await world.outbox(), { sent: 30 });
    const counts = acceptsByToken(world.fake);
    assert.deepEqual(tokens.filter((token) => !counts.has(token)), []);
    const rows = await world.sql<{ token: string }[]>`
      select device.token from scheduler.notifications as n
      join public.device_tokens as device on device.user_id = n.user_id
      where n.id = any (${inDoubt})
    `;
    const doubtful = new Set(rows.map(({ token }) => token));
    const twice = [...counts].filter(([, count]) => count > 1);
    assert.ok(twice.length > 0, "the one that was accepted when its sender died");
    assert.ok(twice.every(([token, count]) => count === 2 && doubtful.has(token)));
    for (const [token] of twice) {
      const keys = world.fake.accepted.filter((push) => push.token === token)
        .map((push) => push.collapseKey);
      assert.equal(new Set(keys).size, 1);
    }
    report(`killed while it sent: ${doubtful.size} of 30 in doubt, ${twice.length} accepted twice`);
  }, { latencyMilliseconds: 40, onAccept: () => onAccept?.() });
});

Deno.test("a function that stood still, was given up and goes on sends nothing that another has sent", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(8);
    const { start } = await scheduled(world);
    const sleeper = await start("sleeper");
    const goOn = await holdEvaluations(world);
    await world.tick("scenario-scheduler-daily");
    await untilItEvaluates(world, "sleeper");
    sleeper.kill("SIGSTOP");
    await goOn();
    await until("the evaluation is done", async () => (await world.outbox())["pending"] === 8);

    await world.schedule((await world.start()).url);
    await world.fallSilent();
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual((await world.ledger()).map(({ status }) => status), [
      "abandoned",
      "completed",
    ]);

    sleeper.kill("SIGCONT");
    await until("it ends its run", async () => {
      return (await world.ledger()).every((run) => run.status === "completed");
    });
    assert.equal(world.fake.requests, 8);
  });
});

Deno.test("a run that dies each time is begun four times, and no more", async () => {
  await inWorld(async (world) => {
    await world.addMentors(2);
    const { start } = await scheduled(world);
    const goOn = await holdEvaluations(world);
    let victim = await start("victim0");
    await world.tick("scenario-scheduler-daily");
    // The next is asked at once, after ten minutes and after three hours.
    for (const [i, minutes] of [0, 11, 181].entries()) {
      await untilItEvaluates(world, `victim${i}`);
      await kill(world, victim, `victim${i}`);
      victim = await start(`victim${i + 1}`);
      await world.fallSilent();
      // The tick that finds it dead is that of the moment, and the next one comes later.
      await world.tick("scenario-scheduler-dispatch");
      await world.tick("scenario-scheduler-dispatch", minutes);
    }
    await untilItEvaluates(world, "victim3");
    await kill(world, victim, "victim3");
    await world.fallSilent();
    await world.tick("scenario-scheduler-dispatch", 182);
    await world.tick("scenario-scheduler-dispatch", 190);
    await goOn();
    assert.deepEqual(
      (await world.ledger()).map(({ status, triggered_by, attempt }) => [
        status,
        triggered_by,
        attempt,
      ]),
      [
        ["abandoned", "pg_cron", 1],
        ["abandoned", "retry", 2],
        ["abandoned", "retry", 3],
        ["abandoned", "retry", 4],
      ],
    );
    assert.match(await world.status("job scenario-evaluation"), /^warn: last run abandoned/);
    assert.match(
      await world.status("job scenario-evaluation"),
      /the function was killed or stalled/,
    );
  });
});

Deno.test("a run whose evaluation fails is begun anew, once it can be done", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(4);
    const { start } = await scheduled(world);
    await start("scheduler");
    await world.sql`
      alter table scheduler.notifications add constraint nothing_goes_in check (false) not valid
    `;
    await world.tick("scenario-scheduler-daily");
    await world.runsEnd();
    await world.sql`alter table scheduler.notifications drop constraint nothing_goes_in`;
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.ledger(), [
      { ...DAILY, status: "failed", error_type: "database_error" },
      { ...RETRY, attempt: 2 },
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a run that failed after it had evaluated is not begun anew: the minute's run sends the rest", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(4);
    const port = freePort();
    await world.schedule(`http://127.0.0.1:${port}/`);
    await world.startNetWorker();
    const stranger = await world.anotherFake();
    const account = {
      ...JSON.parse(world.fake.serviceAccount),
      private_key: JSON.parse(stranger.serviceAccount).private_key,
    };
    const bad = { FCM_SERVICE_ACCOUNT: JSON.stringify(account) };
    const wronglySetUp = await world.start(bad, world.fake, port);
    await world.tick("scenario-scheduler-daily");
    await world.runsEnd();
    await wronglySetUp.stop();
    await world.start({}, world.fake, port);
    await world.retriesAreDue();
    await world.tick("scenario-scheduler-dispatch");
    await world.runsEnd();
    await world.tick("scenario-scheduler-dispatch", 1);
    assert.deepEqual(await world.ledger(), [
      { ...DAILY, status: "failed", error_type: "authentication_error" },
      MINUTELY,
    ]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});
