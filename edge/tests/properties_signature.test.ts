// What the database signs and what the function believes, beyond signature.test.ts: they
// agree to the byte, and nothing near a good request is good. SEED=… repeats it.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { choicesBy, givenSeed, randomFrom, report, testDatabase } from "../../scripts/testing.ts";
import { authenticate } from "../shared/auth.ts";

const SEED = givenSeed();
const REQUESTS = 300;
const TOLERANCE_SECONDS = 300;

const { below, oneOf } = choicesBy(randomFrom(SEED));
const many = (least: number, most: number, letters: string[]) =>
  Array.from({ length: least + below(most - least + 1) }, () => oneOf(letters)).join("");

interface Request {
  id: string;
  body: string;
  secret: string;
  /** Seconds since 1970, with a fraction. */
  at: number;
}

const PLAIN = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"];
const ODD = [...'æøåÆ€🙂\ufeff\u2028\n\t\\"{}.,: ', "\u0001", "é", "e\u0301"];

const requests: Request[] = Array.from({ length: REQUESTS }, () => ({
  id: many(1, 80, PLAIN),
  body: many(0, oneOf([3, 60, 2000]), [...PLAIN, ...ODD]),
  secret: many(64, 64, [...oneOf(["0123456789abcdef", "0123456789ABCDEF"])]),
  at: 1_700_000_000 + below(1_000_000_000) + oneOf([0, 0.5, 0.999]),
}));

type Headers_ = Record<string, string>;

/** Whether a request is let in at some time by the clock. */
async function isGood(headers: Headers_, body: string, secret: string, now: number) {
  const clock = Date.now;
  Date.now = () => now * 1000;
  try {
    return await authenticate(new Headers(headers), body, [secret]) !== undefined;
  } finally {
    Date.now = clock;
  }
}

async function sign(): Promise<Headers_[]> {
  const database = await testDatabase();
  try {
    const rows = await database.sql<{ headers: Headers_ }[]>`
      select scheduler.sign_webhook(webhook_id => id, asked_at => to_timestamp(at), body => body, secret => secret) as headers
      from unnest(
        ${requests.map(({ id }) => id)}::text[], ${requests.map(({ body }) => body)}::text[],
        ${requests.map(({ secret }) => secret)}::text[], ${requests.map(({ at }) => at)}::float8[]
      ) with ordinality as request (id, body, secret, at, position)
      order by position
    `;
    return rows.map(({ headers }) => headers);
  } finally {
    await database.drop();
  }
}
const signed = await sign();

Deno.test("the database, the library and the definition sign any request alike, to the byte", () => {
  assert.equal(signed.length, REQUESTS);
  for (const [position, { id, body, secret, at }] of requests.entries()) {
    const stamp = Math.floor(at);
    const key = Uint8Array.from(secret.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    const hmac = createHmac("sha256", key).update(`${id}.${stamp}.${body}`).digest("base64");
    const library = new Webhook(key, { format: "raw" }).sign(id, new Date(stamp * 1000), body);
    assert.equal(library, `v1,${hmac}`);
    assert.deepEqual(signed[position], {
      "webhook-id": id,
      "webhook-timestamp": String(stamp),
      "webhook-signature": library,
    }, `SEED=${SEED}, request ${position}`);
  }
  report(`signatures: ${REQUESTS} random requests (SEED=${SEED})`);
});

Deno.test("a request is good for three hundred seconds to either side of its stamp, and not for one more", async () => {
  for (const [position, { body, secret, at }] of requests.entries()) {
    const stamp = Math.floor(at);
    const headers = signed[position] ?? {};
    for (
      const [offset, good] of [
        [0, true],
        [-TOLERANCE_SECONDS, true],
        [TOLERANCE_SECONDS, true],
        [TOLERANCE_SECONDS + 0.999, true],
        [-TOLERANCE_SECONDS - 1, false],
        [TOLERANCE_SECONDS + 1, false],
        [oneOf([-1, 1]) * (TOLERANCE_SECONDS + 1 + below(1e9)), false],
      ] as const
    ) {
      assert.equal(
        await isGood(headers, body, secret, stamp + offset),
        good,
        `SEED=${SEED}, request ${position}, ${offset} seconds after its stamp`,
      );
    }
  }
});

Deno.test("with any one letter of the id, the time, the signature or the body another, gone or one more, it is refused", async () => {
  let refused = 0;
  for (const [position, { body, secret, at }] of requests.entries()) {
    const headers = signed[position] ?? {};
    const parts: Headers_ = { ...headers, body };
    assert.ok(await isGood(headers, body, secret, at));
    for (const [name, text] of Object.entries(parts)) {
      const letters = [...text];
      const place = below(letters.length);
      const letter = oneOf(PLAIN.filter((each) => each !== letters[place]));
      const changes = [letters.toSpliced(place, 0, letter)];
      if (letters.length > 0) {
        changes.push(letters.with(place, letter), letters.toSpliced(place, 1));
      }
      for (const changed of changes.map((each) => each.join(""))) {
        if (changed === text) continue;
        // The number is what counts, however it is written.
        if (name === "webhook-timestamp" && parseInt(changed) === parseInt(text)) continue;
        const { body: said, ...others } = { ...parts, [name]: changed };
        assert.ok(
          !await isGood(others, said ?? "", secret, at),
          `SEED=${SEED}, request ${position}: ${name} ${JSON.stringify([text, changed])}`,
        );
        refused++;
      }
    }
    const wrong = below(secret.length);
    const other = secret.slice(0, wrong) + oneOf([..."01"].filter((digit) =>
      digit !== secret[wrong]
    )) +
      secret.slice(wrong + 1);
    assert.ok(!await isGood(headers, body, other, at), `SEED=${SEED}, request ${position}`);
  }
  assert.ok(refused > REQUESTS * 8);
});
