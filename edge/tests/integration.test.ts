// The whole way of a push, from a mentor who is due to an accepted message, on
// a real PostgreSQL, with the function as a process and a fake FCM over HTTP.

import assert from "node:assert/strict";
import { Webhook } from "standardwebhooks";
import { pause, report } from "../../scripts/testing.ts";
import { acceptsByToken, inWorld, logOf, notOnce, until } from "./world.ts";

const TITLES = new Map([
  ["nb", "Det er en stund siden sist"],
  ["nn", "Det er ei stund sidan sist"],
  ["en", "It has been a while"],
]);

Deno.test("fifty mentors are all pushed once, each in the mentor's language", async () => {
  await inWorld(async (world) => {
    const languages = new Map<string, string>();
    for (const [locale, count] of [["nb", 20], ["nn", 15], ["en", 15]] as const) {
      for (const token of await world.addMentors(count, { locale })) languages.set(token, locale);
    }
    const scheduler = await world.start();
    const { status, answer } = await world.run(scheduler, { triggered_by: "pg_cron" });

    assert.equal(status, 200);
    const { invocation_id, duration_ms, ...figures } = answer;
    assert.deepEqual(figures, {
      total_active_mentors: 50,
      total_evaluated: 50,
      total_dispatched: 50,
      total_suppressed: 0,
      total_errors: 0,
      pages_processed: 1,
      completed: true,
      partial: false,
      remaining_unprocessed_count: 0,
    });
    assert.ok(Number(duration_ms) > 0);

    assert.deepEqual(notOnce([...languages.keys()], world.fake), []);
    const outbox = await world.sql<
      { id: string; token: string; status: string; attempts: number; leased: boolean }[]
    >`
      select n.id::text, d.token, n.status, n.attempts, n.lease_token is not null as leased
      from scheduler.notifications as n
      join public.device_tokens as d on d.user_id = n.user_id
    `;
    const idOf = new Map(outbox.map((row) => [row.token, row.id]));
    for (const message of world.fake.accepted) {
      const id = idOf.get(message.token);
      assert.equal(message.title, TITLES.get(languages.get(message.token) ?? ""));
      assert.match(message.collapseKey, /^[!-~]{1,64}$/); // what APNs takes
      assert.equal(message.androidTag, message.collapseKey);
      assert.equal(message.apnsCollapseId, message.collapseKey);
      assert.equal(message.data["notification_id"], id);
      assert.ok(message.ttlSeconds > 71 * 3600 && message.ttlSeconds <= 72 * 3600);
    }
    assert.equal(new Set(world.fake.accepted.map((message) => message.collapseKey)).size, 50);
    assert.deepEqual(await world.outbox(), { sent: 50 });
    assert.ok(outbox.every((row) => row.attempts === 1 && !row.leased));

    const attempts = await world.sql<{ message: string }[]>`
      select attempt.provider_message_id as message
      from scheduler.push_attempts as attempt
      join scheduler.notifications as n on n.id = attempt.notification_id
      join public.device_tokens as d
        on d.user_id = n.user_id and sha256(convert_to(d.token, 'UTF8')) = attempt.token_hash
      where attempt.outcome = 'sent' and attempt.attempt = 1 and attempt.provider = 'fcm'
        and attempt.invocation_id = ${String(invocation_id)}
    `;
    assert.equal(new Set(attempts.map((row) => row.message)).size, 50);
    assert.deepEqual(await world.attempts(), { sent: 50 });

    const [ledger] = await world.sql`
      select
        status, triggered_by, total_active_mentors, total_evaluated, total_candidates, total_dispatched,
        total_suppressed, total_errors, pages_processed, finished_at >= started_at as in_order
      from scheduler.invocations where id = ${String(invocation_id)}
    `;
    assert.deepEqual({ ...ledger }, {
      status: "completed",
      triggered_by: "pg_cron",
      total_active_mentors: 50,
      total_evaluated: 50,
      total_candidates: 50,
      total_dispatched: 50,
      total_suppressed: 0,
      total_errors: 0,
      pages_processed: 1,
      in_order: true,
    });
    assert.deepEqual((await logOf(scheduler, invocation_id)).map((entry) => entry.event), [
      "scheduler_run_started",
      "scheduler_run_completed",
    ]);

    const again = await world.run(scheduler);
    assert.equal(again.status, 200);
    assert.equal(again.answer["total_dispatched"], 0);
    assert.equal(world.fake.requests, 50, "a second run sends none");
  });
});

Deno.test("250 mentors go out in three pages of at most 100", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(250);
    const { status, answer } = await world.run(await world.start({ PAGE_SIZE: "100" }));
    assert.equal(status, 200);
    assert.equal(answer["pages_processed"], 3);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("500 mentors are pushed in far less than the time of a run, fifty at a time", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(500);
    const { answer } = await world.run(await world.start());
    assert.equal(answer["total_dispatched"], 500);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.equal(world.fake.maxInFlight, 50);
    assert.ok(Number(answer["duration_ms"]) < 10_000, `it took ${answer["duration_ms"]} ms`);
    report(`500 mentors evaluated and pushed in ${answer["duration_ms"]} ms`);
  }, { latencyMilliseconds: 50 });
});

Deno.test("runs of two jobs at once share the work, and nobody is pushed twice", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(120);
    const settings = { PAGE_SIZE: "10", PUSH_CONCURRENCY: "5" };
    const both = await Promise.all([world.start(settings), world.start(settings)]);
    await world.sql`select from public.run_scenario_evaluation()`;
    const jobs = ["scenario-evaluation", "dispatch-backlog"];
    const runs = await Promise.all(both.map((one, i) => world.run(one, { job_name: jobs[i] })));
    const sent = runs.map(({ answer }) => Number(answer["total_dispatched"]));
    assert.deepEqual(runs.map(({ status }) => status), [200, 200]);
    assert.ok(sent.every((count) => count > 0), `they sent ${sent}`);
    assert.equal(sent.reduce((sum, count) => sum + count), 120);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.attempts(), { sent: 120 });
  }, { latencyMilliseconds: 40 });
});

Deno.test("a mentor who became active between evaluation and sending gets none", async () => {
  await inWorld(async (world) => {
    const [active = "", ...others] = await world.addMentors(3);
    await world.sql`select from public.run_scenario_evaluation()`;
    await world.sql`
      insert into public.activities (user_id, activity_date)
      select user_id, current_date from public.device_tokens where token = ${active}
    `;
    const { answer } = await world.run(await world.start(), { job_name: "dispatch-backlog" });
    assert.equal(answer["total_dispatched"], 2);
    assert.deepEqual(notOnce(others, world.fake), []);
    const [row] = await world.sql`
      select n.status_reason, count(w.id)::integer as windows
      from scheduler.notifications as n
      left join scheduler.scenario_cooldowns as w on w.notification_id = n.id
      where n.status = 'cancelled'
      group by n.status_reason
    `;
    assert.deepEqual({ ...row }, { status_reason: "active_again", windows: 0 });
  });
});

Deno.test("every device of a mentor gets the push, under one collapse key", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(5, { devices: 3 });
    const { answer } = await world.run(await world.start());
    assert.equal(answer["total_dispatched"], 5);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.equal(new Set(world.fake.accepted.map((message) => message.collapseKey)).size, 5);
    assert.deepEqual(await world.attempts(), { sent: 15 });
  });
});

Deno.test("a dead token is put away, and keeps nobody else from a push", async () => {
  await inWorld(async (world) => {
    const good = await world.addMentors(20);
    await world.addMentors(3, { token: "unregistered" });
    await world.addMentors(2, { token: "invalid-token" });
    await world.addMentors(1, { token: "invalid-message" });
    // One of these has two devices, and the push arrives at the good one.
    await world.sql`
      insert into public.device_tokens (token, user_id)
      select 'second device', user_id from public.device_tokens where token like 'unregistered%'
      order by token limit 1
    `;
    const scheduler = await world.start();
    const { status, answer } = await world.run(scheduler);
    assert.equal(status, 200);
    assert.equal(answer["total_dispatched"], 21);
    assert.equal(answer["total_errors"], 6);
    assert.deepEqual(notOnce([...good, "second device"], world.fake), []);
    assert.deepEqual(await world.outbox(), { sent: 21, failed: 5 });
    assert.deepEqual(await world.attempts(), { sent: 21, invalid_token: 5, failed: 1 });
    const disabled = await world.sql<{ token: string }[]>`
      select token from public.device_tokens where disabled_at is not null
    `;
    assert.equal(disabled.length, 5);
    assert.ok(disabled.every(({ token }) => /^(unregistered|invalid-token) /.test(token)));

    const errors = (await logOf(scheduler, answer["invocation_id"])).filter((entry) =>
      entry.event === "mentor_evaluation_error"
    );
    const types = errors.map((entry) => entry["error_type"]).sort();
    assert.deepEqual(types, [...Array(5).fill("invalid_token"), "provider_error"]);
    assert.doesNotMatch(scheduler.log.join("\n"), /unregistered|invalid-token/);

    const requests = world.fake.requests;
    await world.retriesAreDue();
    await world.run(scheduler);
    assert.equal(world.fake.requests, requests, "what failed for good is not tried again");
  });
});

Deno.test("what FCM could not take just now is tried again later, and arrives", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(10);
    const scheduler = await world.start();
    const first = await world.run(scheduler);
    assert.equal(first.status, 200);
    assert.equal(first.answer["total_dispatched"], 5);
    assert.equal(first.answer["total_errors"], 5);
    const [waiting] = await world.sql`
      select count(*)::integer as count, min(next_attempt_at) > now() + interval '25 seconds' as later
      from scheduler.notifications where status = 'pending'
    `;
    assert.deepEqual({ ...waiting }, { count: 5, later: true });

    await world.run(scheduler);
    assert.equal(world.fake.requests, 10, "not before its time");
    await world.retriesAreDue();
    const second = await world.run(scheduler);
    assert.equal(second.answer["total_dispatched"], 5);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    assert.deepEqual(await world.outbox(), { sent: 10 });
    assert.deepEqual(await world.attempts(), { sent: 10, retry: 5 });
  }, {
    answer: ({ token, attempt }) =>
      attempt === 1 && Number(token.split(" of ")[1]) % 2 === 0
        ? { kind: "error", status: 503, errorCode: "UNAVAILABLE", retryAfter: "30" }
        : undefined,
  });
});

Deno.test("many devices of another FCM project stop the run, and none is put away", async () => {
  await inWorld(async (world) => {
    await world.addMentors(100, { token: "mismatch" });
    const scheduler = await world.start({ PUSH_CONCURRENCY: "10" });
    const { status, answer } = await world.run(scheduler);
    assert.equal(status, 500);
    assert.ok(world.fake.requests < 100, `${world.fake.requests} were tried`);
    assert.deepEqual(await world.outbox(), { pending: 100 });
    const [disabled] = await world.sql`
      select count(*)::integer as count from public.device_tokens where disabled_at is not null
    `;
    assert.equal(disabled?.["count"], 0);
    const log = await logOf(scheduler, answer["invocation_id"]);
    assert.ok(log.some((entry) => entry.event === "scheduler_run_failed"));
    const [ledger] = await world.sql`
      select status, error_type, remaining_unprocessed_count from scheduler.invocations
      where id = ${String(answer["invocation_id"])}
    `;
    assert.equal(ledger?.["status"], "failed");
  });
});

Deno.test("a bad service account stops the run; nothing is lost, and once mended all arrive", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(60);
    const stranger = await world.anotherFake();
    const account = {
      ...JSON.parse(world.fake.serviceAccount),
      private_key: JSON.parse(stranger.serviceAccount).private_key,
    };
    const bad = await world.start({ FCM_SERVICE_ACCOUNT: JSON.stringify(account) });
    const { status, answer } = await world.run(bad);
    assert.equal(status, 500);
    assert.deepEqual(Object.keys(answer).sort(), ["error", "invocation_id"]);
    assert.equal(Object(answer["error"]).type, "authentication_error");
    assert.doesNotMatch(JSON.stringify(answer), /PRIVATE|http|grant/);
    assert.equal(world.fake.requests, 0);
    assert.deepEqual(await world.outbox(), { pending: 60 });
    const [attempts] = await world.sql`
      select max(attempts) as most from scheduler.notifications
    `;
    assert.equal(attempts?.["most"], 0, "what was not tried is no attempt");

    await world.retriesAreDue();
    const mended = await world.run(await world.start());
    assert.equal(mended.answer["total_dispatched"], 60);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  });
});

Deno.test("a run that is out of time leaves the rest to the next one", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(60);
    const settings = { PAGE_SIZE: "10", PUSH_CONCURRENCY: "2", TIMEOUT_THRESHOLD_MS: "2500" };
    const scheduler = await world.start(settings);
    const { status, answer } = await world.run(scheduler);
    assert.equal(status, 200);
    assert.equal(answer["partial"], true);
    assert.equal(answer["completed"], false);
    const sent = Number(answer["total_dispatched"]);
    assert.ok(sent > 0 && sent < 60, `${sent} were sent`);
    assert.equal(sent, 10 * Number(answer["pages_processed"]), "a page is never broken off");
    assert.equal(answer["remaining_unprocessed_count"], 60 - sent);
    assert.deepEqual(
      (await logOf(scheduler, answer["invocation_id"])).map((entry) => entry.event),
      ["scheduler_run_started", "scheduler_run_partial", "scheduler_run_completed"],
    );

    const next = await world.run(await world.start({ ...settings, PUSH_CONCURRENCY: "20" }), {
      job_name: "dispatch-backlog",
    });
    assert.equal(next.answer["completed"], true);
    assert.equal(next.answer["total_dispatched"], 60 - sent);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  }, { latencyMilliseconds: 150 });
});

Deno.test("with Prefer: respond-async the answer comes at once, and the work goes on", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(20);
    const scheduler = await world.start();
    const response = await fetch(scheduler.url, {
      method: "POST",
      headers: { "x-scheduler-secret": world.secret, prefer: "respond-async" },
    });
    assert.equal(response.status, 202);
    assert.equal(response.headers.get("preference-applied"), "respond-async");
    const { invocation_id } = await response.json();
    assert.equal(world.fake.acceptedCount, 0);
    await logOf(scheduler, invocation_id);
    assert.deepEqual(notOnce(tokens, world.fake), []);
    const [ledger] = await world.sql`
      select status, total_dispatched from scheduler.invocations where id = ${invocation_id}
    `;
    assert.deepEqual({ ...ledger }, { status: "completed", total_dispatched: 20 });
  }, { latencyMilliseconds: 500 });
});

Deno.test("a caller that hangs up does not stop the run", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(20);
    const scheduler = await world.start({ PAGE_SIZE: "5", PUSH_CONCURRENCY: "2" });
    const invocation_id = crypto.randomUUID();
    const caller = new AbortController();
    const call = fetch(scheduler.url, {
      method: "POST",
      headers: { "x-scheduler-secret": world.secret, "content-type": "application/json" },
      body: JSON.stringify({ invocation_id }),
      signal: caller.signal,
    });
    call.catch(() => {});
    await until("it sends", () => world.fake.acceptedCount > 0);
    caller.abort();
    await assert.rejects(call);
    assert.ok(world.fake.acceptedCount < 20);
    await logOf(scheduler, invocation_id);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  }, { latencyMilliseconds: 60 });
});

Deno.test("a signed request runs once, whichever process it reaches again", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(20);
    const both = await Promise.all([world.start(), world.start()]);
    const body = JSON.stringify({ triggered_by: "pg_cron" });
    const signedAt = new Date();
    const headers = {
      "content-type": "application/json",
      "webhook-id": "msg_once",
      "webhook-timestamp": String(Math.floor(signedAt.getTime() / 1000)),
      "webhook-signature": new Webhook(world.secret, { format: "raw" })
        .sign("msg_once", signedAt, body),
    };
    const ask = async (url: string) => {
      const response = await fetch(url, { method: "POST", headers, body });
      return { status: response.status, answer: await response.json() };
    };
    const answers = await Promise.all([0, 1, 0, 1].map((i) => ask(both[i]?.url ?? "")));
    const [ran, ...more] = answers.filter(({ answer }) => !answer.replayed);
    assert.equal(more.length, 0);
    assert.equal(ran?.answer.total_dispatched, 20);
    const replays = answers.filter(({ answer }) => answer.replayed);
    assert.ok(replays.every(({ status }) => status === 202 || status === 200));

    const later = await ask(both[1]?.url ?? "");
    assert.equal(later.status, 200);
    assert.equal(later.answer.replayed, true);
    assert.equal(later.answer.invocation_id, ran?.answer.invocation_id);
    assert.equal(later.answer.total_dispatched, 20);
    assert.deepEqual(notOnce(tokens, world.fake), []);
  }, { latencyMilliseconds: 100 });
});

Deno.test("a push whose answer was lost is sent again under its collapse key, or parked", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(4, { token: "device" });
    const parked = await world.addMentors(4, {
      organisation: "bbbbbbbb-0000-4000-8000-000000000000",
    });
    await world.sql`
      insert into scheduler.organisation_settings (organisation_id, on_ambiguous)
      values ('bbbbbbbb-0000-4000-8000-000000000000', 'quarantine')
    `;
    const scheduler = await world.start();
    await world.run(scheduler);
    assert.deepEqual(await world.outbox(), { pending: 4, quarantined: 4 });
    await world.retriesAreDue();
    await world.run(scheduler);
    assert.deepEqual(await world.outbox(), { sent: 4, quarantined: 4 });
    const counts = acceptsByToken(world.fake);
    assert.ok(tokens.every((token) => counts.get(token) === 2));
    assert.ok(parked.every((token) => counts.get(token) === 1));
    assert.equal(new Set(world.fake.accepted.map((message) => message.collapseKey)).size, 8);
  }, { answer: ({ attempt }) => attempt === 1 ? { kind: "accept_then_close" } : undefined });
});

Deno.test("a process that is told to end while it sends has its page finished by the next", async () => {
  await inWorld(async (world) => {
    const tokens = await world.addMentors(30);
    const settings = { PAGE_SIZE: "10", PUSH_CONCURRENCY: "5" };
    const first = await world.start(settings);
    const cut = world.run(first).catch(() => undefined);
    await until("some are sent", () => world.fake.acceptedCount >= 12);
    await first.stop();
    await cut;
    await pause(200); // a statement that was on its way is done then
    const inDoubt = await world.leasesRunOut();
    assert.ok(inDoubt.length <= 20, "at most two pages are in doubt");
    await world.run(await world.start(settings));
    assert.deepEqual(await world.outbox(), { sent: 30 });
    const counts = acceptsByToken(world.fake);
    assert.deepEqual(tokens.filter((token) => !counts.has(token)), []);
    assert.ok([...counts.values()].filter((count) => count > 1).length <= inDoubt.length);
  }, { latencyMilliseconds: 60 });
});
