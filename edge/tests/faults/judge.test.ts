// The judge of the fault runs, with each rule broken before its eyes.

import assert from "node:assert/strict";
import type { Accepted } from "../../../scripts/fake_fcm.ts";
import { judge } from "./judge.ts";
import {
  again,
  beforeTheJudge,
  first,
  FOURTH,
  fourth,
  idOf,
  last,
  type Planted,
  QUARANTINING,
  type Scene,
  testThatItLetsBe,
  testThatItSees,
  untouched,
  wasNotSent,
} from "./judge_scene.ts";

/** A lease of the last notification ran out before it was sent. */
const leaseRanOut = async ({ sql, log }: Scene, of = last) => {
  const id = idOf(of(log));
  await sql`update scheduler.notifications set attempts = 2 where id = ${id}`;
  await sql`update scheduler.push_attempts set attempt = 2 where notification_id = ${id}`;
};

/** The first device of the last mentor has its push; the second was tried in vain, and is left with this reason. */
const isLeftOut = async ({ sql, log }: Scene, reason: string | null, attempts = 1) => {
  const id = idOf(log.pop() as Accepted);
  await sql`
    update scheduler.push_attempts set outcome = 'retry', provider_message_id = null
    where id = (select max(id) from scheduler.push_attempts)
  `;
  await sql`
    update scheduler.notifications set status_reason = ${reason}, attempts = ${attempts} where id = ${id}
  `;
  await sql`update scheduler.push_attempts set attempt = ${attempts} where notification_id = ${id}`;
};

/** What was sent has no record and is cancelled, and its occurrence is pushed again. */
async function isLostAndPushedAnew(scene: Scene): Promise<void> {
  const id = idOf(fourth(scene.log));
  await scene.sql`delete from scheduler.push_attempts where notification_id = ${id}`;
  await scene.sql`
    update scheduler.notifications
    set status = 'cancelled', status_reason = 'mentor_not_active', sent_at = null
    where id = ${id}
  `;
  await isPushedAnew(scene);
}

/** The occurrence of the fourth mentor's candidate is decided on once more, and pushed. */
const isPushedAnew = async ({ sql, log }: Scene) => {
  const [anew] = await sql<{ id: number }[]>`
    insert into scheduler.notifications (
      user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, status, title, body,
      attempts, claimed_by, invocation_id, sent_at
    )
    select
      user_id, organisation_id, scenario_type, occurrence_key, evaluation_date + 1, 'sent', title, body,
      1, claimed_by, invocation_id, now()
    from scheduler.notifications where id = ${idOf(fourth(log))}
    returning id::integer
  `;
  const id = anew?.id ?? 0;
  await sql`
    insert into scheduler.scenario_cooldowns (
      user_id, scenario_type, cooldown_window_start, cooldown_until, notification_id
    )
    select user_id, scenario_type, current_date, current_date + 30, id
    from scheduler.notifications where id = ${id}
  `;
  await sql`
    insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
    select id, 1, sha256('device of 4'), 'sent', claimed_by from scheduler.notifications where id = ${id}
  `;
  await sql`
    update scheduler.invocations set total_candidates = total_candidates + 1 where as_of is not null
  `;
  log.push({ ...again(fourth(log)), data: { notification_id: String(id) } });
};

const PLANTED: Planted[] = [
  {
    what: "a candidate that failed",
    plant: ({ sql }) =>
      sql`update scheduler.notifications set status = 'failed' where id = (select max(id) from scheduler.notifications)`,
    rules: ["outcome", "ledger", "stale"],
  },
  {
    what: "a candidate that a sender still has",
    plant: ({ sql }) =>
      sql`update scheduler.notifications set status = 'sending' where id = (select max(id) from scheduler.notifications)`,
    rules: ["outcome", "drained", "ledger"],
  },
  {
    what: "a push that was recorded and never accepted",
    plant: ({ log }) => void log.pop(),
    lost: 1,
  },
  {
    what: "a device that was left out",
    plant: async ({ sql, log }) => {
      log.pop();
      await sql`delete from scheduler.push_attempts where id = (select max(id) from scheduler.push_attempts)`;
    },
    lost: 1,
  },
  {
    what: "a device that came before and was left out",
    plant: ({ sql }) =>
      sql`
        insert into public.device_tokens (token, user_id, last_seen_at)
        select 'earlier', ${FOURTH}, started_at - interval '1 second'
        from scheduler.invocations where job_name = 'dispatch-backlog'
      `,
    lost: 1,
  },
  {
    what: "a device that a notification was given up for too early",
    plant: async ({ sql, log }) => {
      log.pop();
      await sql`
        update scheduler.push_attempts set outcome = 'retry', provider_message_id = null
        where id = (select max(id) from scheduler.push_attempts)
      `;
    },
    lost: 1,
  },
  {
    what: "a push that was accepted twice",
    plant: ({ log }) => void log.push(again(last(log))),
    doubled: 1,
  },
  {
    what: "a push that was accepted twice since a lease ran out",
    plant: async (scene) => {
      scene.log.push(again(last(scene.log)));
      await leaseRanOut(scene);
    },
    ambiguous: 1,
  },
  {
    what: "a push that was accepted three times since one lease ran out",
    plant: async (scene) => {
      scene.log.push(again(last(scene.log)), again(last(scene.log)));
      await leaseRanOut(scene);
    },
    doubled: 1,
  },
  {
    what: "a push that was accepted twice since nobody knows what became of the first attempt",
    plant: async (scene) => {
      const { sql, log } = scene;
      log.push(again(last(log)));
      await leaseRanOut(scene);
      await sql`
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
        select notification_id, 1, token_hash, 'unknown', invocation_id
        from scheduler.push_attempts where attempt = 2
      `;
      await sql`
        with sent as (delete from scheduler.push_attempts where attempt = 2 returning *)
        insert into scheduler.push_attempts (
          notification_id, attempt, token_hash, outcome, invocation_id, provider_message_id
        )
        select notification_id, attempt, token_hash, outcome, invocation_id, provider_message_id from sent
      `;
    },
    ambiguous: 1,
  },
  {
    what: "a push that was in doubt and accepted again under another collapse key",
    plant: async (scene) => {
      const other = "another";
      const keys = { collapseKey: other, androidTag: other, apnsCollapseId: other };
      scene.log.push({ ...again(last(scene.log)), ...keys });
      await leaseRanOut(scene);
    },
    rules: ["once"],
    ambiguous: 1,
  },
  {
    what: "a push that shows beside itself on one platform",
    plant: ({ log }) => void (last(log).androidTag = "another"),
    rules: ["once"],
  },
  {
    what: "two occurrences under one collapse key",
    plant: ({ log }) => {
      const { collapseKey } = log[0] as Accepted;
      Object.assign(log[1] as Accepted, {
        collapseKey,
        androidTag: collapseKey,
        apnsCollapseId: collapseKey,
      });
    },
    rules: ["once"],
  },
  {
    what: "a push that was in doubt, to be quarantined, and accepted twice",
    plant: async (scene) => {
      scene.log.push(again(first(scene.log)));
      await leaseRanOut(scene, first);
    },
    rules: ["once"],
    doubled: 1,
  },
  {
    what: "a push that was in doubt, to be quarantined, and tried again",
    plant: (scene) => leaseRanOut(scene, first),
    rules: ["once"],
  },
  {
    what: "a push that nobody knows of, to be quarantined, and tried again",
    plant: async (scene) => {
      await leaseRanOut(scene, first);
      await scene.sql`
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
        overriding system value
        select notification_id, 1, token_hash, 'unknown', invocation_id
        from scheduler.push_attempts where attempt = 2
      `;
      await scene.sql`
        with sent as (delete from scheduler.push_attempts where attempt = 2 returning *)
        insert into scheduler.push_attempts (
          notification_id, attempt, token_hash, outcome, invocation_id, provider_message_id
        )
        select notification_id, attempt, token_hash, outcome, invocation_id, provider_message_id from sent
      `;
    },
    rules: ["once"],
  },
  {
    what: "a device that has a push and gets it again under a later lease, which ran out",
    plant: async (scene) => {
      const { sql, log } = scene;
      const id = idOf(last(log));
      log.push(again(last(log)));
      await sql`update scheduler.notifications set attempts = 3 where id = ${id}`;
      // The other device has it at the third attempt.
      await sql`
        with other as (
          delete from scheduler.push_attempts
          where id = (select min(id) from scheduler.push_attempts where notification_id = ${id})
          returning *
        )
        insert into scheduler.push_attempts (
          notification_id, attempt, token_hash, outcome, invocation_id, provider_message_id
        )
        select notification_id, 1, token_hash, 'retry', invocation_id, null from other
        union all
        select notification_id, 3, token_hash, outcome, invocation_id, provider_message_id from other
      `;
    },
    doubled: 1,
  },
  {
    what: "an occurrence that was cancelled when a device had it, decided on anew and pushed again",
    plant: async (scene) => {
      await scene.sql`
        update scheduler.notifications set status = 'cancelled', status_reason = 'mentor_not_active'
        where id = ${idOf(fourth(scene.log))}
      `;
      await isPushedAnew(scene);
    },
    rules: ["stale"],
    doubled: 1,
  },
  {
    what: "an occurrence in doubt that was cancelled, decided on anew and pushed again",
    plant: async (scene) => {
      await isLostAndPushedAnew(scene);
    },
    ambiguous: 2,
  },
  {
    what: "an occurrence that was accepted more often than its candidates can account for",
    plant: async (scene) => {
      await isLostAndPushedAnew(scene);
      scene.log.push(again(last(scene.log)));
    },
    doubled: 1,
  },
  {
    what: "a candidate that was cancelled when a device had it",
    plant: async ({ sql, log }) => {
      await sql`
        update scheduler.notifications set status = 'cancelled', status_reason = 'mentor_not_active'
        where id = ${idOf(fourth(log))}
      `;
      await sql`update scheduler.invocations set total_dispatched = 5 where total_dispatched = 6`;
    },
    rules: ["stale"],
  },
  {
    what: "a candidate that is quarantined where what is in doubt is sent again",
    plant: (scene) => wasNotSent(scene, { status: "quarantined", attempts: 1 }),
    lost: 1,
  },
  {
    what: "a candidate that is quarantined and was never in doubt",
    plant: (scene) => wasNotSent(scene, { status: "quarantined" }, first),
    lost: 1,
  },
  {
    what: "a candidate that is dead after seven attempts",
    plant: (scene) => wasNotSent(scene, { status: "dead", attempts: 7 }),
    lost: 1,
  },
  {
    what: "a candidate that expired before its time",
    plant: (scene) => wasNotSent(scene, { status: "expired" }),
    lost: 1,
  },
  {
    what: "a candidate that was cancelled without a reason",
    plant: (scene) => wasNotSent(scene, { status: "cancelled" }),
    lost: 1,
  },
  {
    what: "a reminder of a silence that was cancelled for a certification",
    plant: (scene) => wasNotSent(scene, { status: "cancelled", reason: "certification_renewed" }),
    lost: 1,
  },
  {
    what: "a candidate that was cancelled for want of a device that is there",
    plant: (scene) => wasNotSent(scene, { status: "cancelled", reason: "no_device" }),
    lost: 1,
  },
  ...["not_sent_in_time", "attempts_exhausted", "outcome_unknown", "certification_renewed", null]
    .map(
      (reason) => ({
        what: `a device that was left with a reason that is not true: ${reason}`,
        plant: (scene: Scene) => isLeftOut(scene, reason),
        lost: 1,
      }),
    ),
  {
    what: "a device that was left since somebody who reached a milestone is active",
    plant: async (scene) => {
      const id = idOf(last(scene.log));
      await isLeftOut(scene, "active_again");
      await scene.sql`
        update scheduler.notifications set scenario_type = 'milestone' where id = ${id}
      `;
    },
    lost: 1,
  },
  {
    what: "a push to another mentor's device",
    plant: ({ log }) => void log.push({ ...again(last(log)), token: "device of 1" }),
    rules: ["once", "stale"],
  },
  {
    what: "a push of no candidate",
    plant: ({ log }) => void log.push({ ...again(last(log)), data: { notification_id: "4711" } }),
    rules: ["once"],
  },
  {
    what: "a record by a run that did not hold the lease",
    plant: ({ sql }) =>
      sql`update scheduler.notifications set claimed_by = (select id from scheduler.invocations where job_name = 'scenario-evaluation')`,
    rules: ["stale", "ledger"],
  },
  {
    what: "an attempt that two runs recorded",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
        select notification_id, attempt, 'other'::bytea, 'failed', (select id from scheduler.invocations where job_name = 'scenario-evaluation')
        from scheduler.push_attempts order by id limit 1
      `,
    rules: ["stale"],
  },
  {
    what: "an attempt that was recorded twice",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
        select notification_id, attempt, token_hash, outcome, invocation_id
        from scheduler.push_attempts order by id limit 1
      `,
    rules: ["stale"],
  },
  {
    what: "a record that overwrote another's",
    plant: ({ sql }) =>
      sql`update scheduler.push_attempts set provider_message_id = 'projects/fake/messages/0:77%fake' where id = (select max(id) from scheduler.push_attempts)`,
    rules: ["stale"],
  },
  {
    what: "an acceptance that was recorded as a failure",
    plant: ({ sql }) =>
      sql`update scheduler.push_attempts set outcome = 'failed' where id = (select max(id) from scheduler.push_attempts)`,
    rules: ["stale"],
  },
  {
    what: "a notification that is sent without a record",
    plant: ({ sql }) => sql`delete from scheduler.push_attempts`,
    // With no record of the attempt, nobody could know.
    rules: ["stale", "ledger"],
  },
  {
    what: "windows that overlap",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
        select user_id, scenario_type, cooldown_until - 1, cooldown_until + 5
        from scheduler.scenario_cooldowns limit 1
      `,
    rules: ["windows"],
  },
  {
    what: "a window of no candidate",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.scenario_cooldowns (user_id, scenario_type, cooldown_window_start, cooldown_until)
        select user_id, scenario_type, cooldown_until + 10, cooldown_until + 15
        from scheduler.scenario_cooldowns limit 1
      `,
    rules: ["windows"],
  },
  {
    what: "a window of a candidate that is gone",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.scenario_cooldowns (
          user_id, scenario_type, cooldown_window_start, cooldown_until, notification_id
        )
        select user_id, scenario_type, cooldown_until + 10, cooldown_until + 15, 4711
        from scheduler.scenario_cooldowns limit 1
      `,
    rules: ["windows"],
  },
  {
    what: "two candidates for one occurrence",
    plant: async ({ sql, log }) => {
      await sql`drop index scheduler.one_notification_per_occurrence`;
      await sql`
        with copied as (
          insert into scheduler.notifications (
            user_id, organisation_id, scenario_type, occurrence_key, evaluation_date, status, title, body,
            deliver_after, expires_at
          )
          select
            user_id, organisation_id, scenario_type, occurrence_key, evaluation_date + 100, 'expired', title, body,
            now() - interval '2 hours', now() - interval '1 hour'
          from scheduler.notifications order by id desc limit 1
          returning *
        )
        insert into scheduler.scenario_cooldowns (
          user_id, scenario_type, cooldown_window_start, cooldown_until, notification_id
        )
        select user_id, scenario_type, current_date + 200, current_date + 210, id from copied
      `;
      await sql`update scheduler.notifications set invocation_id = (select id from scheduler.invocations where as_of is not null)`;
      await sql`update scheduler.invocations set total_candidates = total_candidates + 1 where as_of is not null`;
      assert.equal(log.length, 7);
    },
    rules: ["windows"],
  },
  {
    what: "a candidate whose window is gone",
    plant: ({ sql }) =>
      sql`delete from scheduler.scenario_cooldowns where id = (select max(id) from scheduler.scenario_cooldowns)`,
    rules: ["windows"],
  },
  {
    what: "a backlog that is left",
    plant: async ({ sql, log }) => {
      const { data } = log.pop() as Accepted;
      log.pop();
      const id = Number(data["notification_id"]);
      await sql`update scheduler.notifications set status = 'pending', attempts = 0, sent_at = null where id = ${id}`;
      await sql`delete from scheduler.push_attempts where notification_id = ${id}`;
      await sql`update scheduler.invocations set total_dispatched = 5 where total_dispatched = 6`;
    },
    rules: ["drained"],
  },
  {
    what: "a run that has no end",
    plant: ({ sql }) =>
      sql`insert into scheduler.invocations (job_name, status) values ('hlf-sync', 'requested')`,
    rules: ["ledger"],
  },
  {
    what: "a run that failed",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.invocations (job_name, status, finished_at, error_type)
        values ('dispatch-backlog', 'failed', now(), 'evaluation_logic_error')
      `,
    failedRuns: { evaluation_logic_error: 1 },
  },
  {
    what: "a request of which nobody knows what became",
    plant: ({ sql }) =>
      sql`
        insert into scheduler.requests (invocation_id, attempt, request_id, webhook_id)
        select id, 1, 1, '1' from scheduler.invocations limit 1
      `,
    rules: ["ledger"],
  },
  {
    what: "a run that worked and has no row",
    plant: ({ sql }) => sql`delete from scheduler.invocations where job_name = 'dispatch-backlog'`,
    rules: ["ledger"],
  },
  {
    what: "a run that tells of more than it sent",
    plant: ({ sql }) =>
      sql`update scheduler.invocations set total_dispatched = 7 where total_dispatched = 6`,
    rules: ["ledger"],
  },
  {
    what: "an evaluation that tells of fewer candidates than there are",
    plant: ({ sql }) =>
      sql`update scheduler.invocations set total_candidates = 5 where as_of is not null`,
    rules: ["ledger"],
  },
  {
    what: "an activity that the mentor's state has not seen",
    plant: ({ sql }) =>
      sql`update scheduler.mentor_state set activity_count = 1 where user_id = '00000000-0000-4000-8000-000000000003'`,
    rules: ["state"],
  },
  ...[
    "organisation_id = md5('organisation')::uuid",
    "timezone = 'UTC'",
    "locale = 'en'",
    "on_roster = false",
  ].map(
    (change) => ({
      what: `a mentor's state that was given ${change} by nobody`,
      plant: ({ sql }: Scene) =>
        sql.unsafe(`
          update scheduler.mentor_state set ${change}
          where user_id = '00000000-0000-4000-8000-000000000001'
        `),
      rules: ["state" as const],
    }),
  ),
  {
    what: "a number of active mentors that is wrong",
    plant: ({ sql }) =>
      sql`update scheduler.organisation_state set active_mentors = 1 where organisation_id = ${QUARANTINING}`,
    rules: ["state"],
  },
];

const RIGHT: Planted[] = [
  {
    what: "a candidate that is quarantined since a lease ran out",
    plant: (scene) => wasNotSent(scene, { status: "quarantined", attempts: 1 }, first),
  },
  {
    what: "a candidate that is dead after eight attempts",
    plant: (scene) => wasNotSent(scene, { status: "dead", attempts: 8 }),
  },
  {
    what: "a candidate whose time was over",
    plant: async (scene) => {
      const id = idOf(fourth(scene.log));
      await wasNotSent(scene, { status: "expired" });
      await scene.sql`
        update scheduler.notifications
        set deliver_after = now() - interval '2 hours', expires_at = now() - interval '1 hour'
        where id = ${id}
      `;
    },
  },
  ...["mentor_not_active", "opted_out", "active_again"].map((reason) => ({
    what: `a candidate that was cancelled as ${reason}`,
    plant: (scene: Scene) => wasNotSent(scene, { status: "cancelled", reason }),
  })),
  {
    what: "a candidate that was cancelled since the mentor has no device",
    plant: async (scene) => {
      await wasNotSent(scene, { status: "cancelled", reason: "no_device" });
      await scene
        .sql`update public.device_tokens set disabled_at = now() where user_id = ${FOURTH}`;
    },
  },
  {
    what: "a device for which it was the eighth attempt",
    plant: (scene) => isLeftOut(scene, null, 8),
  },
  {
    what: "a device for which the time was over",
    plant: async (scene) => {
      const id = idOf(last(scene.log));
      await isLeftOut(scene, "not_sent_in_time");
      await scene.sql`
        update scheduler.notifications
        set deliver_after = now() - interval '2 hours', expires_at = now() - interval '1 hour'
        where id = ${id}
      `;
    },
  },
  {
    what:
      "a device that is left since nobody knows what became of its second attempt, which is quarantined",
    plant: async ({ sql, log }) => {
      const id = idOf(first(log));
      await sql`
        insert into public.device_tokens (token, user_id, last_seen_at)
        select 'earlier', user_id, now() - interval '1 day'
        from scheduler.notifications where id = ${id}
      `;
      await sql`
        insert into scheduler.push_attempts (notification_id, attempt, token_hash, outcome, invocation_id)
        select id, 1, sha256('earlier'), 'retry', claimed_by
        from scheduler.notifications where id = ${id}
      `;
      await sql`
        update scheduler.notifications set attempts = 2, status_reason = 'outcome_unknown'
        where id = ${id}
      `;
      await sql`update scheduler.invocations set total_dispatched = 5 where total_dispatched = 6`;
    },
  },
  {
    what: "a device that came when another had it",
    plant: ({ sql }) =>
      sql`insert into public.device_tokens (token, user_id) values ('later', ${FOURTH})`,
  },
  {
    what: "a device whose mentor paused when another had it",
    plant: (scene) => isLeftOut(scene, "mentor_not_active"),
  },
];

beforeTheJudge();

Deno.test("where everything went well the judge has nothing to say", async () => {
  const { sql, log } = untouched();
  assert.deepEqual(await judge(sql, log), {
    candidates: 6,
    pushes: 7,
    acceptedOnce: 7,
    inDoubt: 0,
    ambiguous: 0,
    unsent: {},
    lost: [],
    doubled: [],
    failedRuns: {},
    broken: [],
  });
});

testThatItSees(PLANTED);
testThatItLetsBe(RIGHT);
