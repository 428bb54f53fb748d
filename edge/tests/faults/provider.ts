// A provider that refuses, fails after it took the push, says nothing, or talks
// nonsense. Each answer is given for at most three attempts of a push, so that
// none comes to its last one.

import { createHash } from "node:crypto";
import type { Answer } from "../../../scripts/fake_fcm.ts";
import { randomFrom } from "../../../scripts/testing.ts";
import { until } from "../world.ts";
import { Counts } from "./counts.ts";
import type { Fault } from "./fault.ts";
import type { Stack } from "./stack.ts";

const AT_MOST_EACH = 3;
const SHARE = 0.6;

const pick = <T>(random: () => number, ...from: T[]): T =>
  from[Math.floor(random() * from.length)] as T;

const NOT_FCM: Answer[] = [
  { kind: "raw", status: 200, body: "<!DOCTYPE html>", contentType: "text/html" },
  { kind: "raw", status: 200, body: '{"name": ' },
  { kind: "raw", status: 200, body: '{"name": 17}' },
  { kind: "raw", status: 200, body: "" },
  { kind: "raw", status: 502, body: "<h1>Bad gateway</h1>", contentType: "text/html" },
  { kind: "raw", status: 503, body: '{"error": "\u0000"}' },
];
const afterAccepting = (answer: Answer): Answer => ({ kind: "accept_then", answer });

/** It may only be said to be certain that nothing was sent where nothing was. */
const rubbish = (random: () => number): Answer => {
  const answer = pick(random, ...NOT_FCM);
  const isARefusal = answer.kind === "raw" && answer.status === 503;
  return !isARefusal && random() < 0.5 ? afterAccepting(answer) : answer;
};

/** FCM's own words: without Retry-After, wait for a minute at least. */
const QUOTA_SECONDS = 60;

/** How long an answer says to wait, if it does. */
const wishOf = (answer: Answer): number | undefined =>
  answer.kind === "error" && answer.status === 429
    ? Number(answer.retryAfter ?? QUOTA_SECONDS)
    : undefined;

/** What waits for its next attempt is due, and how long it would have waited, by its collapse key. */
async function retriesAreDue(stack: Stack): Promise<{ key: string; seconds: number }[]> {
  return await stack.sql<{ key: string; seconds: number }[]>`
    with waiting as (
      select
        n.id,
        encode(sha256(convert_to(
          n.user_id || ' ' || n.scenario_type || ' ' || n.occurrence_key, 'UTF8'
        )), 'hex') as key,
        extract(epoch from n.next_attempt_at - latest.attempted_at)::double precision as seconds
      from scheduler.notifications as n
      cross join lateral (
        select attempt.attempted_at from scheduler.push_attempts as attempt
        where attempt.notification_id = n.id
        order by attempt.id desc
        limit 1
      ) as latest
      where n.status = 'pending' and n.next_attempt_at > now()
      order by n.id
      for update of n
    )
    update scheduler.notifications as n set next_attempt_at = now()
    from waiting
    where n.id = waiting.id
    returning waiting.key, waiting.seconds
  `;
}

async function answerWith(
  stack: Stack,
  times: number,
  random: () => number,
  answer: (random: () => number) => Answer,
): Promise<Counts> {
  const counts = new Counts<string>(["pushes met it", "answers came after accepting"]);
  const seed = random();
  /** How often each push came, and how often it was answered so. */
  const pushes = new Map<string, { came: number; met: number }>();
  /** How long each notification is to wait at least. */
  const wishes = new Map<string, number>();
  let total = 0;
  stack.provider.answer = ({ token, collapseKey }) => {
    const name = `${token} ${collapseKey}`;
    const push = pushes.get(name) ?? { came: 0, met: 0 };
    pushes.set(name, push);
    // By the push, so that it does not matter which comes first.
    const draws = createHash("sha256").update(`${seed} ${name} ${push.came++}`).digest();
    const drawn = randomFrom(draws.readUInt32LE());
    if (total >= times || push.met >= AT_MOST_EACH || drawn() > SHARE) return undefined;
    total++;
    if (push.met++ === 0) counts.add("pushes met it");
    const chosen = answer(drawn);
    if (chosen.kind.startsWith("accept") || chosen.kind === "drip") {
      counts.add("answers came after accepting");
    }
    const wish = wishOf(chosen);
    if (wish) wishes.set(collapseKey, Math.max(wish, wishes.get(collapseKey) ?? 0));
    return chosen;
  };
  await until(`the provider has answered so ${times} times`, async () => {
    if (await stack.waiting() < 40) await stack.addDue(10);
    await stack.evaluate();
    const isDone = total >= times;
    // What it wished last is to be in the tables.
    if (isDone && wishes.size > 0) await stack.world.runsEnd();
    for (const { key, seconds } of await retriesAreDue(stack)) {
      const wish = wishes.get(key);
      if (wish === undefined) continue;
      wishes.delete(key);
      if (seconds < wish) {
        throw new Error(`a push would come again after ${seconds} s, and ${wish} were wished`);
      }
      counts.add("waits were as long as wished");
    }
    return isDone;
  }, 60 + times);
  return counts;
}

function answering(
  name: string,
  times: number,
  timesInShort: number,
  answer: (random: () => number) => Answer,
  doubts: Fault["doubts"] = "doubles",
): Fault {
  return {
    name: `provider ${name}`,
    times,
    timesInShort,
    doubts,
    strike: (stack, wanted, random) => answerWith(stack, wanted, random, answer),
  };
}

export const PROVIDER_FAULTS: readonly Fault[] = [
  answering(
    "answers 429",
    300,
    10,
    (random) => ({
      kind: "error",
      status: 429,
      errorCode: "QUOTA_EXCEEDED",
      ...pick(random, {}, { retryAfter: "120" }),
    }),
    "none",
  ),
  answering(
    "answers 500 after accepting",
    300,
    10,
    () => afterAccepting({ kind: "error", status: 500, errorCode: "INTERNAL" }),
  ),
  answering(
    "hangs",
    100,
    5,
    (random) => pick(random, { kind: "hang" }, afterAccepting({ kind: "hang" })),
  ),
  answering("gives half an answer", 300, 10, () => ({ kind: "accept_then_close" })),
  answering("answers rubbish", 300, 12, rubbish),
  answering("drips its answer slowly", 100, 5, (random) => ({
    kind: "drip",
    milliseconds: pick(random, 2000, 12_000),
  })),
];
