// What was accepted, held against what the tables say of each candidate and attempt.

import { createHash } from "node:crypto";
import type { Accepted } from "../../../scripts/fake_fcm.ts";
import type { Sql } from "../../../scripts/server.ts";
import type { Breaks, Verdict } from "./judge.ts";

interface Attempt {
  notification_id: number;
  attempt: number;
  device: string;
  outcome: string;
  provider_message_id: string | null;
  invocation_id: string | null;
}

interface Row {
  id: number;
  user_id: string;
  scenario_type: string;
  occurrence_key: string;
  status: string;
  status_reason: string | null;
  attempts: number;
  claimed_by: string | null;
  at_most_once: boolean;
  is_past_its_time: boolean;
  devices: string[];
  /** Those of them that came when another device had it, which are not sent it any more. */
  later_devices: string[];
}

interface Candidate extends Row {
  made: Attempt[];
  /** Attempts of which there is no record: their leases ran out, and nobody knows what was sent. */
  unrecorded: number[];
}

interface Push {
  candidate: Candidate;
  device: string;
  accepted: Accepted[];
  attempts: Attempt[];
}

type VerdictOnPushes = Omit<Verdict, "failedRuns" | "broken">;

const OUTCOMES = new Set(["sent", "pending", "dead", "expired", "cancelled", "quarantined"]);
/** The promised one: the engine's own word is no evidence. */
const ATTEMPT_LIMIT = 8;
const FOR_GOOD = new Set(["sent", "failed", "invalid_token"]);

export async function judgePushes(
  sql: Sql,
  accepts: readonly Accepted[],
  breaks: Breaks,
): Promise<VerdictOnPushes> {
  const candidates = await readCandidates(sql);
  const pushes = gatherPushes(candidates, accepts, breaks);
  const verdict: VerdictOnPushes = {
    candidates: candidates.length,
    pushes: pushes.length,
    acceptedOnce: 0,
    inDoubt: 0,
    ambiguous: 0,
    unsent: {},
    lost: [],
    doubled: [],
  };
  for (const push of pushes) {
    if (push.accepted.length === 0) judgeUnsent(push, verdict);
    else judgeRecordsOfAccepted(push, breaks);
  }
  const same = (push: Push) => `${occurrenceOf(push.candidate)} ${push.device}`;
  for (const anew of Map.groupBy(pushes, same).values()) judgeAccepts(anew, verdict);
  judgeCollapseKeys(pushes, breaks);
  for (const candidate of candidates) {
    if (!OUTCOMES.has(candidate.status)) {
      breaks("outcome", `notification ${candidate.id} is ${candidate.status}`);
    }
    judgeRecords(candidate, breaks);
    judgeQuarantine(candidate, breaks);
  }
  return verdict;
}

async function readCandidates(sql: Sql): Promise<Candidate[]> {
  const rows = await sql<Row[]>`
    select
      n.id::integer, n.user_id, n.scenario_type, n.occurrence_key, n.status, n.status_reason, n.attempts,
      n.claimed_by, n.expires_at <= now() as is_past_its_time,
      'quarantine' = coalesce(own.on_ambiguous, fallback.on_ambiguous, 'resend') as at_most_once,
      array(
        select encode(sha256(convert_to(device.token, 'UTF8')), 'hex')
        from public.device_tokens as device
        where device.user_id = n.user_id and device.disabled_at is null
      ) as devices,
      array(
        select encode(sha256(convert_to(device.token, 'UTF8')), 'hex')
        from public.device_tokens as device
        where device.user_id = n.user_id and device.last_seen_at > (
          select min(run.started_at)
          from scheduler.push_attempts as attempt
          join scheduler.invocations as run on run.id = attempt.invocation_id
          where attempt.notification_id = n.id and attempt.outcome = 'sent'
        )
      ) as later_devices
    from scheduler.notifications as n
    left join scheduler.organisation_settings as own on own.organisation_id = n.organisation_id
    left join scheduler.organisation_settings as fallback on fallback.organisation_id is null
    order by n.id
  `;
  const attempts = await sql<Attempt[]>`
    select
      notification_id::integer, attempt, encode(token_hash, 'hex') as device, outcome,
      provider_message_id, invocation_id
    from scheduler.push_attempts order by id
  `;
  const made = Map.groupBy(attempts, (attempt) => attempt.notification_id);
  return rows.map((row) => {
    const own = made.get(row.id) ?? [];
    return { ...row, made: own, unrecorded: unrecordedOf(row, own) };
  });
}

/** What was held was not tried, and its number is given to the next attempt. */
const wasTried = ({ outcome }: Attempt) => outcome !== "held";

function unrecordedOf({ status, attempts }: Row, made: readonly Attempt[]): number[] {
  const recorded = new Set(made.filter(wasTried).map(({ attempt }) => attempt));
  const ended = status === "sending" ? attempts - 1 : attempts;
  const numbers = Array.from({ length: ended }, (_, index) => index + 1);
  return numbers.filter((number) => !recorded.has(number));
}

const hashOf = (token: string) => createHash("sha256").update(token).digest("hex");

function gatherPushes(
  candidates: readonly Candidate[],
  accepts: readonly Accepted[],
  breaks: Breaks,
): Push[] {
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const pushes = new Map<string, Push>();
  const pushOf = (candidate: Candidate, device: string): Push => {
    const key = `${candidate.id} ${device}`;
    const push = pushes.get(key) ?? { candidate, device, accepted: [], attempts: [] };
    pushes.set(key, push);
    return push;
  };
  for (const candidate of candidates) {
    for (const device of candidate.devices) pushOf(candidate, device);
    for (const attempt of candidate.made) pushOf(candidate, attempt.device).attempts.push(attempt);
  }
  for (const accepted of accepts) {
    const candidate = byId.get(Number(accepted.data["notification_id"]));
    if (candidate) pushOf(candidate, hashOf(accepted.token)).accepted.push(accepted);
    else breaks("once", `something was accepted that is no candidate: ${accepted.messageId}`);
  }
  return [...pushes.values()];
}

const occurrenceOf = ({ user_id, scenario_type, occurrence_key }: Candidate) =>
  `${user_id} ${scenario_type} ${occurrence_key}`;

const nameOf = ({ candidate, device }: Push) =>
  `notification ${candidate.id} on device ${device.slice(0, 8)}`;

const isRecorded = ({ attempts }: Push) => attempts.some(({ outcome }) => outcome === "sent");

/** How often nobody knows whether the device was sent it. Once that is settled for good, it is not tried again. */
function doubtsOf({ candidate, attempts }: Push): number {
  const settled = attempts.find(({ outcome }) => FOR_GOOD.has(outcome))?.attempt ?? Infinity;
  const unknown = attempts.filter(({ outcome }) => outcome === "unknown")
    .map(({ attempt }) => attempt);
  return [...candidate.unrecorded, ...unknown].filter((attempt) => attempt < settled).length;
}

/** The first attempt of which nobody knows, at one device at least, whether it was sent. */
function firstDoubt({ made, unrecorded }: Candidate): number | undefined {
  const unknown = made.filter(({ outcome }) => outcome === "unknown").map((one) => one.attempt);
  const doubts = [...unrecorded, ...unknown];
  return doubts.length > 0 ? Math.min(...doubts) : undefined;
}

function judgeUnsent(push: Push, verdict: VerdictOnPushes): void {
  if (isRecorded(push)) {
    verdict.lost.push(`${nameOf(push)} is recorded as sent`);
    return;
  }
  const why = whyUnsent(push);
  if (why !== undefined) verdict.unsent[why] = 1 + (verdict.unsent[why] ?? 0);
  else {
    const { status, status_reason } = push.candidate;
    const said = status_reason === null ? status : `${status}, ${status_reason}`;
    verdict.lost.push(`${nameOf(push)} is to have it: that it is ${said} is no reason`);
  }
}

/** Why a push was not accepted, if that is true; of a notification that is sent, for its device. */
function whyUnsent(push: Push): string | undefined {
  const { candidate, device, attempts } = push;
  const { status, status_reason, at_most_once, is_past_its_time } = candidate;
  const isQuarantined = at_most_once && firstDoubt(candidate) !== undefined;
  const isDead = candidate.attempts >= ATTEMPT_LIMIT;
  switch (status) {
    case "quarantined":
      return isQuarantined ? status : undefined;
    case "dead":
      return isDead ? status : undefined;
    case "expired":
      return is_past_its_time ? status : undefined;
    case "cancelled":
      return isNoLongerWanted(push) ? status : undefined;
    case "sent": {
      // Whoever recorded that one device has it recorded what became of the others.
      const outcome = attempts.at(-1)?.outcome;
      if (outcome === undefined) {
        return candidate.later_devices.includes(device) ? "sent before a device came" : undefined;
      }
      if (FOR_GOOD.has(outcome)) return `${outcome} to a device`;
      if (isQuarantined) return "quarantined to a device";
      if (isDead) return "dead to a device";
      if (status_reason === "not_sent_in_time" && is_past_its_time) return "expired to a device";
      return isNoLongerWanted(push) ? "cancelled to a device" : undefined;
    }
    default:
      return status; // which is no outcome, or none yet: those have rules of their own
  }
}

/** Mentors under load come and go, are active, opt out and in, and renew: what was so then need not be so now. */
function isNoLongerWanted({ candidate, device }: Push): boolean {
  switch (candidate.status_reason) {
    case "mentor_not_active":
    case "opted_out":
      return true;
    case "active_again":
      return candidate.scenario_type === "inactivity";
    case "certification_renewed":
      return candidate.scenario_type === "expiry";
    case "no_device":
      return !candidate.devices.includes(device);
    default:
      return false;
  }
}

function judgeRecordsOfAccepted(push: Push, breaks: Breaks): void {
  const { candidate, device, accepted, attempts } = push;
  if (!candidate.devices.includes(device)) {
    breaks("once", `${nameOf(push)} was accepted, and the device is not the mentor's`);
  }
  const ids = new Set(accepted.map(({ messageId }) => messageId));
  for (const { provider_message_id } of attempts) {
    if (provider_message_id && !ids.has(provider_message_id.split("/").at(-1) ?? "")) {
      breaks("stale", `${nameOf(push)} is recorded under an id that was given to another`);
    }
  }
  if (doubtsOf(push) === 0 && !isRecorded(push)) {
    breaks("stale", `${nameOf(push)} was accepted, and no record says so though none is missing`);
  }
}

/** Of one occurrence to one device, by however many candidates: what is cancelled may be decided on anew. */
function judgeAccepts(pushes: readonly Push[], verdict: VerdictOnPushes): void {
  const accepted = pushes.filter((push) => push.accepted.length > 0);
  const times = accepted.reduce((sum, push) => sum + push.accepted.length, 0);
  const doubts = pushes.reduce((sum, push) => sum + doubtsOf(push), 0);
  if (doubts > 0) verdict.inDoubt += pushes.length;
  if (times === 1) verdict.acceptedOnce++;
  if (times <= 1) return;

  const name = accepted.map(nameOf).join(", ");
  const isUnderWay = pushes.some(({ candidate }) => candidate.status === "sending");
  // Each doubt accounts for one acceptance, and a record for one.
  const accountedFor = doubts + Number(pushes.some(isRecorded) || isUnderWay);
  if (times > accountedFor) {
    verdict.doubled.push(`${name}: ${times} times, where ${accountedFor} can be accounted for`);
  } else if (pushes.some(({ candidate }) => candidate.at_most_once)) {
    verdict.doubled.push(`${name}: ${times} times, and it was to be quarantined`);
  } else verdict.ambiguous += accepted.length;
}

/** One key an occurrence at every attempt, and another for every other. */
function judgeCollapseKeys(pushes: readonly Push[], breaks: Breaks): void {
  const occurrences = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const { candidate, accepted } of pushes) {
    const occurrence = occurrenceOf(candidate);
    for (const { collapseKey, androidTag, apnsCollapseId } of accepted) {
      if (androidTag !== collapseKey || apnsCollapseId !== collapseKey || collapseKey === "") {
        breaks("once", `notification ${candidate.id} has not one collapse key for all platforms`);
      }
      const key = keys.get(occurrence) ?? collapseKey;
      keys.set(occurrence, key);
      if (key !== collapseKey) {
        breaks("once", `notification ${candidate.id} was accepted under another collapse key`);
      }
      const other = occurrences.get(collapseKey) ?? occurrence;
      occurrences.set(collapseKey, other);
      if (other !== occurrence) {
        breaks("once", `notification ${candidate.id} has the collapse key of another occurrence`);
      }
    }
  }
}

/** Who lost the lease has recorded nothing: all that is said of an attempt is said by who made it. */
function judgeRecords({ id, status, claimed_by, attempts, made }: Candidate, breaks: Breaks): void {
  const last = made.at(-1);
  const isOfLastClaim = last && status !== "sending" &&
    last.attempt === attempts + (wasTried(last) ? 0 : 1);
  if (isOfLastClaim && last.invocation_id !== claimed_by) {
    breaks("stale", `notification ${id} was recorded by a run that had not claimed it last`);
  }
  const tried = made.filter(wasTried);
  for (const [attempt, rows] of Map.groupBy(tried, (row) => row.attempt)) {
    if (new Set(rows.map((row) => row.invocation_id)).size > 1) {
      breaks("stale", `attempt ${attempt} of notification ${id} was recorded by two runs`);
    }
    if (new Set(rows.map((row) => row.device)).size < rows.length) {
      breaks("stale", `attempt ${attempt} of notification ${id} was recorded twice`);
    }
  }
  for (const rows of Map.groupBy(tried, (row) => row.device).values()) {
    const sent = rows.findIndex(({ outcome }) => outcome === "sent");
    if (sent >= 0 && sent < rows.length - 1) {
      breaks("stale", `notification ${id} was tried again on a device that had it`);
    }
  }
  const hasArrived = made.some(({ outcome }) => outcome === "sent");
  if (status === "sent" && !hasArrived) {
    breaks("stale", `notification ${id} is sent, and no record says so`);
  }
  // At other devices it may still be tried.
  if (hasArrived && !["sent", "pending", "sending"].includes(status)) {
    breaks("stale", `notification ${id} is ${status}, and a record says that it was sent`);
  }
}

function judgeQuarantine(candidate: Candidate, breaks: Breaks): void {
  const doubt = firstDoubt(candidate);
  if (!candidate.at_most_once || doubt === undefined) return;
  const last = Math.max(candidate.attempts, ...candidate.made.map(({ attempt }) => attempt));
  if (last > doubt) {
    breaks("once", `notification ${candidate.id} was in doubt, to be quarantined, and tried again`);
  }
}
