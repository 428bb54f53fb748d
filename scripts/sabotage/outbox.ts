// What is claimed, cancelled and recorded.

import { inFunction, inMigrations, type Sabotage, tests } from "./change.ts";

const ISOLATION = "sql/tests/isolation/isolation.test.ts";
const CLAIMS = "sql/tests/races/claims.test.ts";

const stillTrue = (
  name: string,
  removed: string,
  noticing: string,
  find: string,
  put = "",
): Sabotage => ({
  name: `claim: ${name}`,
  removed,
  changes: [inFunction("take_notifications", find, put)],
  tests: tests(`sql/tests/claim_notifications/no_longer_true.test.sql: ${noticing}`),
});

export const CLAIM: Sabotage[] = [
  {
    name: "claim: locks",
    removed: "for update skip locked",
    changes: [
      inFunction(
        "take_notifications",
        "    limit looked_at\n    for update skip locked\n",
        "    limit looked_at\n",
      ),
    ],
    tests: tests(`${CLAIMS}: ten claimers`),
  },
  {
    name: "claim: waits for nobody",
    removed: "skip locked",
    changes: [
      inFunction(
        "take_notifications",
        "    limit looked_at\n    for update skip locked\n",
        "    limit looked_at\n    for update\n",
      ),
    ],
    tests: tests(`${CLAIMS}: passes over what another claim holds`),
  },
  {
    name: "claim: waits for no writer",
    removed: "what must be cancelled is left for later where its mentor is locked",
    changes: [
      inFunction(
        "take_notifications",
        "    order by mentor.user_id\n    for update skip locked\n",
        "    order by mentor.user_id\n",
      ),
    ],
    tests: tests(`${CLAIMS}: wait for an open transaction`),
  },
  {
    name: "claim: attempts",
    removed: "counted at the claim",
    changes: [
      inFunction(
        "take_notifications",
        "notification.attempts + (decided.verdict = 'sending')::integer",
        "notification.attempts",
      ),
    ],
    tests: tests(
      "sql/tests/claim_notifications/attempts_exhausted.test.sql: may die with a notification eight times",
    ),
  },
  {
    name: "claim: attempts that are enough",
    removed: "dead after eight",
    changes: [
      inFunction(
        "take_notifications",
        "        when looked_up.attempts >= scheduler.attempt_limit() then 'dead'\n",
      ),
    ],
    tests: tests("sql/tests/claim_notifications/attempts_exhausted.test.sql: it is dead"),
  },
  {
    name: "claim: a lease of its own",
    removed: "each claim has another lease_token",
    changes: [
      inFunction(
        "take_notifications",
        "    select gen_random_uuid() as token\n",
        "    select '00000000-0000-0000-0000-000000000000'::uuid as token\n",
      ),
    ],
    tests: tests("sql/tests/record_push_results/foreign_lease.test.sql: has recorded nothing"),
  },
  {
    name: "claim: a lease that holds",
    removed: "what is being sent is not due before its end",
    changes: [
      inMigrations(
        "      when 'sending' then coalesce(lease_expires_at, deliver_after)\n",
        "      when 'sending' then deliver_after\n",
      ),
    ],
    tests: tests(
      "sql/tests/claim_notifications/lease.test.sql: not claimed again while its lease lasts",
    ),
  },
  {
    name: "claim: a lease that ends",
    removed: "what was claimed and not recorded is due again",
    changes: [
      inMigrations("      when 'sending' then coalesce(lease_expires_at, deliver_after)\n"),
    ],
    tests: tests("sql/tests/claim_notifications/lease_ran_out_resend.test.sql: sends again"),
  },
  {
    name: "claim: quarantine",
    removed: "what may have left is parked where on_ambiguous says so",
    changes: [
      inFunction(
        "take_notifications",
        "        when looked_up.status = 'sending' and looked_up.on_ambiguous = 'quarantine' then 'quarantined'\n",
      ),
    ],
    tests: tests(
      "sql/tests/claim_notifications/lease_ran_out_quarantine.test.sql: quarantine sends nothing again",
    ),
  },
  stillTrue(
    "mentor is active",
    "the mentor who is not",
    "cancelled with the reason: a mentor who was paused",
    "        when mentor.active is not true then 'mentor_not_active'\n",
    "        when false then null\n",
  ),
  stillTrue(
    "organisation is not paused",
    "the organisation that is",
    "cancelled with the reason: a mentor whose organisation is paused",
    "        when rule.paused then 'organisation_paused'\n",
  ),
  stillTrue(
    "opted in",
    "the preference",
    "cancelled with the reason: a mentor who opted out",
    "          select not preference.push_enabled\n",
    "          select false\n",
  ),
  stillTrue(
    "still silent",
    "an activity since",
    "cancelled with the reason: a mentor active today",
    "          then 'active_again'\n",
    "          then null\n",
  ),
  stillTrue(
    "not renewed",
    "the certification that is",
    "cancelled with the reason: a certification renewed",
    "          ) is null then 'certification_renewed'\n",
    "          ) is null then null\n",
  ),
  stillTrue(
    "has a device",
    "the device that is gone",
    "cancelled with the reason: a mentor without any device any more",
    "        when receiver.devices is null then 'no_device'\n",
  ),
  {
    name: "claim: too late",
    removed: "past expires_at nothing is sent",
    changes: [
      inFunction(
        "take_notifications",
        "        when looked_up.expires_at <= now() then 'expired'\n",
      ),
    ],
    tests: tests("sql/tests/claim_notifications/expired.test.sql"),
  },
  {
    name: "claim: quiet hours",
    removed: "what is late waits for their end",
    changes: [
      inFunction(
        "take_notifications",
        "        when clock.allowed_at > now() then 'postponed'\n",
      ),
    ],
    tests: tests("sql/tests/claim_notifications/quiet_hours.test.sql"),
  },
  {
    name: "claim: devices that have it",
    removed: "a device that has a push gets it no second time",
    changes: [
      inFunction(
        "take_notifications",
        "                when latest.outcome = 'sent' then false\n",
        "                when latest.outcome = 'sent' then true\n",
      ),
    ],
    tests: tests("sql/tests/record_push_results/partly_sent.test.sql: the device that has it"),
  },
  {
    name: "claim: collapse key",
    removed: "one for an occurrence, not for a row",
    changes: [
      inFunction(
        "take_notifications",
        "      written.user_id || ' ' || written.scenario_type || ' ' || written.occurrence_key, 'UTF8'\n",
        "      written.id::text, 'UTF8'\n",
      ),
    ],
    tests: tests("sql/tests/claim_notifications/collapse_key.test.sql"),
  },
  {
    name: "claim: a run that is to stop",
    removed: "it is handed nothing more",
    changes: [
      inFunction(
        "claim_notifications",
        "run.stop_requested_at is not null",
        "false",
      ),
    ],
    tests: tests("sql/tests/stop_invocation/running.test.sql: no further page"),
  },
  {
    name: "cancel: windows",
    removed: "a window is released with its notification",
    changes: [
      inFunction(
        "release_windows",
        "  delete from scheduler.scenario_cooldowns as released where released.notification_id = any (cancelled);\n",
      ),
    ],
    tests: tests("sql/tests/cancel_notifications/pending_only.test.sql: is released"),
  },
  {
    name: "cancel: pending ones only",
    removed: "what is being sent can't be taken back",
    changes: [
      inFunction(
        "cancel_notifications",
        "  where notification.status = 'pending'\n",
        "  where notification.status in ('pending', 'sending')\n",
      ),
    ],
    tests: tests(
      "sql/tests/cancel_notifications/pending_only.test.sql: only what is pending is cancelled",
    ),
  },
];

export const RECORD: Sabotage[] = [
  {
    name: "record: fencing token",
    removed: "the lease is looked at, when the page is read and when it is written",
    changes: [
      inFunction(
        "write_push_results",
        "    where notification.status = 'sending' and notification.lease_token = lease.lease_token\n",
        "    where notification.status = 'sending'\n",
      ),
      inFunction(
        "write_push_results",
        "      and notification.status = 'sending'\n      and notification.lease_token = decided.lease_token\n",
        "      and notification.status = 'sending'\n",
      ),
    ],
    tests: tests("sql/tests/record_push_results/foreign_lease.test.sql: has recorded nothing"),
  },
  {
    name: "record: fencing token, at the moment of writing",
    removed: "a lease that is taken over between reading and writing",
    changes: [
      inFunction(
        "write_push_results",
        "      and notification.status = 'sending'\n      and notification.lease_token = decided.lease_token\n",
      ),
    ],
    tests: tests(`${CLAIMS}: takes over at this moment`),
  },
  {
    name: "record: quarantine",
    removed: "an unknown outcome is parked where on_ambiguous says so",
    changes: [
      inFunction(
        "write_push_results",
        "      lease.unknown and 'quarantine' = coalesce(",
        "      lease.unknown and '' = coalesce(",
      ),
    ],
    tests: tests("sql/tests/record_push_results/unknown.test.sql: quarantine parks it"),
  },
  {
    name: "record: what was not tried",
    removed: "it does not count as an attempt",
    changes: [
      inFunction(
        "write_push_results",
        "attempts = decided.attempts - decided.untried::integer,",
        "attempts = decided.attempts,",
      ),
    ],
    tests: tests("sql/tests/record_push_results/held.test.sql: it is no attempt"),
  },
  {
    name: "record: when the provider wishes",
    removed: "Retry-After is waited for",
    changes: [
      inFunction(
        "retry_delay",
        "least(greatest(coalesce(wished_seconds, 0), 0), 604800)",
        "least(greatest(coalesce(wished_seconds, 0), 0), 0)",
      ),
    ],
    tests: tests("sql/tests/retry_delay/waits.test.sql: what the provider wishes"),
  },
  {
    name: "record: devices of one who comes too late",
    removed: "only what was recorded just now puts a device away",
    changes: [
      inFunction(
        "record_push_results",
        "          and attempt.outcome = 'invalid_token'\n          and attempt.attempted_at = now()\n",
      ),
      inFunction(
        "record_push_results",
        "        join scheduler.push_attempts as attempt\n",
        "        left join scheduler.push_attempts as attempt\n",
      ),
    ],
    tests: tests("sql/tests/record_push_results/foreign_lease.test.sql: no device is put away"),
  },
  {
    name: "record: tokens",
    removed: "stored as hashes",
    changes: [
      inFunction(
        "write_push_results",
        "    select result.*, sha256(convert_to(result.token, 'UTF8')) as token_hash\n",
        "    select result.*, convert_to(result.token, 'UTF8') as token_hash\n",
      ),
    ],
    tests: tests("sql/tests/record_push_results/tokens_are_hashed.test.sql: holds the token"),
  },
  {
    name: "record: refused devices",
    removed: "of two who put them away one waits for none",
    changes: [inFunction("disable_devices", "    for update skip locked\n")],
    tests: tests(`${ISOLATION}: refused devices`),
  },
];
