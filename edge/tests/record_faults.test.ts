// What FCM took is recorded and counted, whatever befalls the database meanwhile.

import assert from "node:assert/strict";
import { pause } from "../../scripts/testing.ts";
import { Proxy } from "./proxy.ts";
import { inWorld, notOnce } from "./world.ts";

Deno.test("a record that the database was too slow for is tried again (57014)", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    const scheduler = await world.start({
      SCHEDULER_DB_URL: `${world.urlAs("slow")}&statement_timeout=500`,
    });
    const locked = Promise.withResolvers<void>();
    let holding: Promise<unknown> | undefined;
    onAccept = () => {
      holding ??= world.database.session().begin(async (holder) => {
        await holder`lock table scheduler.push_attempts in exclusive mode`;
        locked.resolve();
        await pause(1200);
      });
      return locked.promise;
    };
    const { status } = await world.run(scheduler);
    await holding;
    assert.deepEqual([status, await world.outbox()], [200, { sent: 10 }]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  }, { onAccept: () => onAccept?.() });
});

Deno.test("a record that found no free connection is tried again (53300)", async () => {
  let onAccept: (() => Promise<void>) | undefined;
  await inWorld(async (world) => {
    const admin = world.database.session("supabase_admin");
    // A login of its own: what is done to it, no other test feels.
    const login = `dispatcher_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.unsafe(`create role ${login} login password 'x' in role scheduler_dispatcher`);
    try {
      const tokens = await world.addMentors(10);
      const scheduler = await world.start({
        SCHEDULER_DB_URL: world.database.url.replace(/\/\/.*@/, `//${login}:x@`),
      });
      let done: Promise<void> | undefined;
      onAccept = () =>
        done ??= (async () => {
          await admin.unsafe(`alter role ${login} connection limit 0`);
          await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${login}`;
          pause(700).then(() => admin.unsafe(`alter role ${login} connection limit -1`));
        })();
      const { status } = await world.run(scheduler);
      await pause(800);
      assert.deepEqual([status, await world.outbox()], [200, { sent: 10 }]);
      assert.deepEqual(notOnce(tokens, world.fake), []);
    } finally {
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${login}`;
      await admin.unsafe(`drop role ${login}`);
    }
  }, { onAccept: () => onAccept?.() });
});

Deno.test("a record whose answer was lost is counted as sent, not as errors", async () => {
  const proxy = new Proxy();
  try {
    await inWorld(async (world) => {
      await world.addMentors(10);
      const scheduler = await world.start({ SCHEDULER_DB_URL: proxy.url(world.database.url) });
      proxy.breakAt({ at: "record_push_results", when: "after" });
      const { answer } = await world.run(scheduler);
      assert.deepEqual(await world.outbox(), { sent: 10 });
      assert.deepEqual([answer["total_dispatched"], answer["total_errors"]], [10, 0]);
    });
  } finally {
    await proxy.end();
  }
});

Deno.test("a run whose end could not be written is ended in the ledger over a new connection", async () => {
  const proxy = new Proxy();
  try {
    await inWorld(async (world) => {
      await world.addMentors(10);
      const scheduler = await world.start({ SCHEDULER_DB_URL: proxy.url(world.database.url) });
      proxy.breakAt({ at: "finish_invocation", when: "before" });
      const { status } = await world.run(scheduler);
      const [row] = await world.sql`select status from scheduler.invocations`;
      assert.deepEqual([status, row?.["status"]], [200, "completed"]);
    });
  } finally {
    await proxy.end();
  }
});

Deno.test("an id of FCM's that jsonb can't hold does not keep a page from being recorded", async () => {
  await inWorld(async (world) => {
    await world.addMentors(10);
    const { status } = await world.run(await world.start());
    assert.deepEqual([status, await world.outbox()], [200, { sent: 10 }]);
  }, {
    answer: ({ token }) =>
      token === "device 1 of 1"
        ? { kind: "raw", status: 200, body: '{"name":"a\\u0000b"}' }
        : undefined,
  });
});

Deno.test("eight devices a run of another FCM project are not put away, run after run", async () => {
  await inWorld(async (world) => {
    const scheduler = await world.start();
    for (let run = 0; run < 3; run++) {
      await world.addMentors(8, { token: "mismatch" });
      await world.run(scheduler);
    }
    const [row] = await world
      .sql`select count(*)::integer as count from public.device_tokens where disabled_at is not null`;
    assert.equal(row?.["count"], 0);
  });
});

Deno.test("a failed run that is asked for again under its id is not answered with 200", async () => {
  const proxy = new Proxy();
  try {
    await inWorld(async (world) => {
      await world.addMentors(10);
      const scheduler = await world.start({ SCHEDULER_DB_URL: proxy.url(world.database.url) });
      proxy.breakAt({ at: "claim_notifications", when: "before" });
      const invocation_id = crypto.randomUUID();
      assert.equal((await world.run(scheduler, { invocation_id })).status, 500);
      const { status, answer } = await world.run(scheduler, { invocation_id });
      assert.notEqual(status, 200, JSON.stringify(answer));
    });
  } finally {
    await proxy.end();
  }
});

Deno.test("what is still true is sent, however much stands before it that is not", async () => {
  await inWorld(async (world) => {
    await world.sql`
      insert into scheduler.notifications (user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, deliver_after, expires_at, title, body)
      select md5('gone ' || n)::uuid, 'aaaaaaaa-0000-4000-8000-000000000000', 'inactivity', 'inactivity:2025-01-01:1', current_date,
        now() - interval '1 hour', now() + interval '1 day', 'title', 'body'
      from generate_series(1, 40000) as n`;
    const tokens = await world.addMentors(10);
    const fn = await world.start();
    const { status, answer } = await world.run(fn);
    assert.deepEqual([status, answer["completed"], answer["total_dispatched"]], [200, true, 10]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a run that waits long for the database disturbs no other run of its process", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    const scheduler = await world.start();
    const locked = Promise.withResolvers<void>();
    // Longer than the first contact of a run may take.
    const holding = world.database.session().begin(async (holder) => {
      await holder`select pg_advisory_xact_lock(hashtextextended('scenario-scheduler evaluation', 0))`;
      locked.resolve();
      await pause(11_000);
    });
    await locked.promise;
    const runs = [
      world.run(scheduler),
      world.run(scheduler),
      world.run(scheduler, { job_name: "dispatch-backlog" }),
    ];
    const statuses = (await Promise.all(runs)).map(({ status }) => status);
    await holding;
    assert.deepEqual(statuses, [200, 200, 200]);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});
