// The whole way of a certification: from the portal to mentors who are paused, resumed or
// told in time, with the function as a process, on a real PostgreSQL.

import assert from "node:assert/strict";
import { pause } from "../../scripts/testing.ts";
import { heldBy, inPortalWorld, type PortalWorld } from "./portal_world.ts";
import { logOf } from "./world.ts";

const EXPIRED = "active to paused by certification-expiry certification_expired";
const RENEWED = "paused to active by certification-expiry certification_renewed";

/** Four mentors: whose course ran out, runs out in a week, never does, and ran out but for a later one. */
async function fourMentors(world: PortalWorld) {
  const [gone = "", soon = "", never = "", twice = ""] = await world.addMentors(4);
  const yesterday = await world.day(-1);
  world.certify("gone", gone, yesterday);
  world.certify("soon", soon, await world.day(7));
  world.certify("never", never, null);
  world.certify("twice, the first", twice, yesterday);
  world.certify("twice, the second", twice, await world.day(200));
  return { gone, soon, never, twice };
}

Deno.test("a night takes certifications over from the portal, pauses those whose ran out, and the day pushes those whose will", async () => {
  await inPortalWorld(async (world) => {
    const { gone, soon, never, twice } = await fourMentors(world);
    const scheduler = await world.start();
    const { status, answer } = await world.sync(scheduler);
    assert.equal(status, 200);
    assert.deepEqual([answer["completed"], answer["pages_processed"]], [true, 2]);
    assert.deepEqual(await world.held(), heldBy(world.portal));
    assert.deepEqual(new Set(Object.values(await world.statuses())), new Set(["active"]));

    await world.schedule(scheduler);
    // The expiry waits for the portal.
    assert.deepEqual(await world.night(), [
      ["hlf-sync requested"],
      ["certification-expiry completed"],
    ]);
    assert.deepEqual(await world.statuses(), {
      [gone]: "paused",
      [soon]: "active",
      [never]: "active",
      [twice]: "active",
    });
    assert.deepEqual(await world.history(gone), [EXPIRED]);
    for (const other of [soon, never, twice]) assert.deepEqual(await world.history(other), []);
    const [, second, expiry] = await world.runs();
    assert.deepEqual(second?.details, {
      portal: "hlf",
      pages: 2,
      received: 5,
      applied: 0,
      revoked: 0,
      rejected: {},
      completed: true,
    });
    assert.deepEqual(expiry?.details, { certification_expired: 1 });

    const day = await world.world.run(scheduler);
    assert.equal(day.answer["total_dispatched"], 1);
    const devices = await world.sql<{ token: string }[]>`
      select token from public.device_tokens where user_id = ${soon}
    `;
    assert.deepEqual(world.world.fake.accepted.map(({ token }) => token), [devices[0]?.token]);

    const said = JSON.stringify([scheduler.log, scheduler.complaints, await world.runs()]);
    for (const seen of [gone, "Course", "the second", await world.day(7), "fake-client"]) {
      assert.ok(!said.includes(seen), `${seen} in ${said}`);
    }
  });
});

Deno.test("a renewal in the portal resumes the mentor, and a certification that is removed there pauses her again", async () => {
  await inPortalWorld(async (world) => {
    const { gone, soon } = await fourMentors(world);
    const scheduler = await world.start();
    await world.sync(scheduler);
    await world.schedule(scheduler);
    await world.night();
    assert.equal((await world.statuses())[gone], "paused");

    world.certify("gone", gone, await world.day(365));
    world.portal.remove("soon");
    await world.dayPasses();
    await world.night();
    assert.deepEqual(await world.held(), heldBy(world.portal));
    const statuses = await world.statuses();
    assert.deepEqual([statuses[gone], statuses[soon]], ["active", "paused"]);
    assert.deepEqual(await world.history(gone), [EXPIRED, RENEWED]);
    assert.deepEqual(await world.history(soon), [EXPIRED]);
    assert.equal((await world.world.run(scheduler)).answer["total_dispatched"], 0);

    // Once a week everything is asked for: what was erased without a trace is missed then.
    world.portal.erase("gone");
    await world.dayPasses();
    await world.night();
    assert.equal((await world.statuses())[gone], "active");
    await world.weekPasses();
    await world.dayPasses();
    await world.night();
    assert.equal((await world.held()).find((one) => one.user_id === gone)?.revoked, true);
    assert.deepEqual(await world.history(gone), [EXPIRED, RENEWED, EXPIRED]);

    // Nothing new: nothing happens.
    const before = [await world.held(), await world.statuses(), await world.history(gone)];
    await world.dayPasses();
    await world.night();
    assert.deepEqual(
      [await world.held(), await world.statuses(), await world.history(gone)],
      before,
    );
  });
});

Deno.test("whom a person paused stays paused, whatever the portal says", async () => {
  await inPortalWorld(async (world) => {
    const { soon, gone } = await fourMentors(world);
    await world.sql`update public.peer_mentors set status = 'paused' where id = ${soon}`;
    const scheduler = await world.start();
    await world.sync(scheduler);
    await world.schedule(scheduler);
    await world.night();
    // She is paused for the course by now, and by a person since.
    await world.sql`update public.peer_mentors set status = 'active' where id = ${gone}`;
    await world.sql`update public.peer_mentors set status = 'paused' where id = ${gone}`;
    world.certify("soon", soon, await world.day(365));
    world.certify("gone", gone, await world.day(365));
    await world.dayPasses();
    await world.night();
    const statuses = await world.statuses();
    assert.deepEqual([statuses[soon], statuses[gone]], ["paused", "paused"]);
    assert.deepEqual(await world.history(soon), ["active to paused by postgres"]);
  });
});

Deno.test("a portal that is switched off is not asked, and log and ledger say so; the expiry runs all the same", async () => {
  await inPortalWorld(async (world) => {
    await fourMentors(world);
    for (const off of ["", "false", "0"]) {
      const scheduler = await world.start({ HLF_SYNC_ENABLED: off, HLF_FIELDS: "rubbish" });
      const { status, answer } = await world.sync(scheduler);
      assert.deepEqual([status, answer["completed"]], [200, true]);
      const run = await world.lastRun();
      const note = "HLF_SYNC_ENABLED is off: nothing was fetched, and nothing changed";
      assert.deepEqual([run?.status, run?.details, run?.has_times], ["completed", { note }, true]);
      const log = await logOf(scheduler, answer["invocation_id"]);
      assert.ok(
        log.some((entry) => entry.event === "scheduler_run_noted" && entry["note"] === note),
      );
    }
    assert.deepEqual(world.portal.asked, []);
    assert.deepEqual(await world.held(), []);
    await world.schedule(await world.start({ HLF_SYNC_ENABLED: "" }));
    for (let night = 0; night < 2; night++) {
      // It is not waited for: it never does anything.
      assert.deepEqual(await world.night(), [
        ["certification-expiry completed", "hlf-sync requested"],
      ]);
      await world.dayPasses();
    }
  });
});

Deno.test("a portal whose configuration can't be used fails the sync with the reason, and the pushes go out", async () => {
  await inPortalWorld(async (world) => {
    await fourMentors(world);
    await world.sync(await world.start());
    for (
      const [wrong, reason] of [
        [{ HLF_CLIENT_SECRET: "" }, /HLF_CLIENT_SECRET is missing/],
        [{ HLF_API_URL: "http://portal.example.org" }, /HLF_API_URL must be an https address/],
        [{ HLF_PAGE_SIZE: "many" }, /HLF_PAGE_SIZE must be a whole number/],
        [{ HLF_SYNC_ENABLED: "perhaps" }, /HLF_SYNC_ENABLED must be true or false/],
      ] as const
    ) {
      const scheduler = await world.start(wrong);
      const { status, answer } = await world.sync(scheduler);
      assert.equal(status, 500);
      const run = await world.lastRun();
      assert.deepEqual([run?.status, run?.error_type, run?.has_times], [
        "failed",
        "provider_error",
        true,
      ]);
      assert.match(String(run?.error_message), reason);
      const log = await logOf(scheduler, answer["invocation_id"]);
      const failed = log.find((entry) => entry.event === "scheduler_run_failed");
      assert.match(String(failed?.["error_message"]), reason);
      assert.match(scheduler.complaints.join("\n"), reason);
    }
    const { status, answer } = await world.world.run(await world.start({ HLF_FIELDS: "{" }));
    assert.deepEqual([status, answer["total_dispatched"]], [200, 1]);
    assert.deepEqual(await world.held(), heldBy(world.portal));
  });
});

Deno.test("a sync that fails does not keep the expiry, and an expiry that fails does not keep the sync", async () => {
  let down = false;
  await inPortalWorld(async (world) => {
    const { gone, soon } = await fourMentors(world);
    const scheduler = await world.start();
    await world.sync(scheduler);
    await world.schedule(scheduler);

    down = true;
    assert.deepEqual(await world.night(), [
      ["hlf-sync requested"],
      ["certification-expiry completed"],
    ]);
    assert.equal((await world.statuses())[gone], "paused");
    const failed = (await world.runs()).filter(({ status }) => status === "failed");
    assert.ok(failed.length > 0);
    for (const { job_name, error_type } of failed) {
      assert.deepEqual([job_name, error_type], ["hlf-sync", "authentication_error"]);
    }

    down = false;
    await world.dayPasses();
    world.certify("soon", soon, await world.day(-1));
    await world.sql.unsafe(`
      create function public.broken() returns trigger language plpgsql as $$
      begin
        raise exception 'broken';
      end $$;
      create trigger broken before insert on public.mentor_status_history
        for each row execute function public.broken();
    `);
    await world.night();
    assert.deepEqual(await world.held(), heldBy(world.portal));
    assert.equal((await world.statuses())[soon], "active");
    const run = (await world.runs()).findLast(({ job_name }) =>
      job_name === "certification-expiry"
    );
    assert.deepEqual([run?.status, run?.error_type, run?.has_times], [
      "failed",
      "database_error",
      true,
    ]);

    await world.sql`drop trigger broken on public.mentor_status_history`;
    await world.dayPasses();
    await world.night();
    assert.equal((await world.statuses())[soon], "paused");
    assert.deepEqual(await world.history(soon), [EXPIRED]);
  }, {
    trouble: ({ to }) => down && to === "page" ? { kind: "status", status: 403 } : undefined,
  });
});

Deno.test("a sync that runs out of time is begun again by the minute's ticks, where it was, until it is through", async () => {
  await inPortalWorld(async (world) => {
    const mentors = await world.addMentors(20);
    for (const [i, mentor] of mentors.entries()) world.certify(`${100 + i}`, mentor, null);
    const scheduler = await world.start({ TIMEOUT_THRESHOLD_MS: "600", HLF_PAGE_SIZE: "2" });
    await world.schedule(scheduler);
    await world.night();
    const runs = (await world.runs()).filter(({ job_name }) => job_name === "hlf-sync");
    assert.ok(runs.length >= 2, `${runs.length} runs`);
    assert.deepEqual(runs.map(({ status }) => status), [
      ...runs.slice(1).map(() => "partial"),
      "completed",
    ]);
    assert.equal(runs.reduce((sum, run) => sum + (run.pages_processed ?? 0), 0), 10);
    assert.equal(world.portal.asked.filter(({ to }) => to === "page").length, 10);
    assert.deepEqual(await world.held(), heldBy(world.portal));
  }, { onPage: () => pause(200) });
});

Deno.test("a job that there is none of is answered with those that there are, and leaves a failed row", async () => {
  await inPortalWorld(async (world) => {
    const scheduler = await world.start();
    const { status, answer } = await world.world.run(scheduler, { job_name: "hlf-synch" });
    assert.equal(status, 404);
    assert.deepEqual(answer["error"], {
      type: "unknown_job",
      message:
        "There is no such job. Known are: scenario-evaluation, dispatch-backlog, certification-expiry, hlf-sync.",
    });
    const run = await world.lastRun();
    assert.deepEqual([run?.job_name, run?.status, run?.has_times], ["hlf-synch", "failed", true]);
  });
});
