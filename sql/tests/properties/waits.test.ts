// Random attempts and wishes: how long is waited. SEED=… repeats them.

import { deepStrictEqual, ok } from "node:assert/strict";
import {
  choicesBy,
  givenSeed,
  randomFrom,
  report,
  testDatabase,
} from "../../../scripts/testing.ts";

const SEED = givenSeed();
const TRIED = 3000;

const { below, oneOf } = choicesBy(randomFrom(SEED));

Deno.test("after any attempt and with any wish, the wait is a quarter about three times the last, or the wish, a week at most", async () => {
  const database = await testDatabase();
  try {
    const cases = Array.from({ length: TRIED }, () => ({
      attempt: oneOf<number | null>([
        1 + below(9),
        below(200) - 100,
        2 ** 31 - 1,
        -(2 ** 31),
        null,
      ]),
      wish: oneOf([
        null,
        "NaN",
        "Infinity",
        String(below(1_000_000)),
        String(below(100_000) - 50_000),
        `${below(10)}e${below(300)}`,
        `0.${below(1_000_000)}`,
      ]),
    }));
    const drawn = await database.sql<{ attempt: number; wish: string; seconds: number }[]>`
      select attempt, wish::text, extract(epoch from scheduler.retry_delay(attempt => attempt, wished_seconds => wish))::float8 as seconds
      from unnest(
        ${cases.map(({ attempt }) => attempt)}::integer[], ${
      cases.map(({ wish }) => wish)
    }::numeric[]
      ) as given (attempt, wish)
    `;
    const WEEK = 7 * 86_400;
    const wrong = drawn.filter(({ attempt, wish, seconds }) => {
      const middle = 60 * 3 ** (Math.min(Math.max(attempt ?? 1, 1), 7) - 1);
      // PostgreSQL holds what is no number to be greater than any.
      const wished = Math.min(wish === "NaN" ? WEEK : Number(wish ?? 0), WEEK);
      const [least, most] = [0.75, 1.25].map((share) => Math.max(share * middle, wished));
      return !(seconds >= (least ?? 0) - 1e-3 && seconds <= (most ?? 0) + 1e-3);
    });
    deepStrictEqual(wrong, [], `SEED=${SEED}`);
    strictlyLonger(drawn);
    report(`waits: ${TRIED} random ones within their bounds (SEED=${SEED})`);
  } finally {
    await database.drop();
  }
});

/** No draw of an attempt is as long as one of the next, as far as they grow. */
function strictlyLonger(drawn: { attempt: number; wish: string | null; seconds: number }[]): void {
  const unwished = drawn.filter(({ wish }) => wish === null || Number(wish) <= 0);
  for (let attempt = 1; attempt < 7; attempt++) {
    const of = (which: number) =>
      unwished.filter((each) => each.attempt === which).map(({ seconds }) => seconds);
    const [longest, shortest] = [Math.max(...of(attempt)), Math.min(...of(attempt + 1))];
    ok(longest > 0 && Number.isFinite(shortest), `SEED=${SEED}: attempt ${attempt} was not drawn`);
    ok(longest < shortest, `SEED=${SEED}: ${longest} s after attempt ${attempt}, then ${shortest}`);
  }
}

Deno.test("a run is asked for again after ever longer waits, within the time in which it can be made up for, three times at most", async () => {
  const database = await testDatabase();
  try {
    const minutes = Array.from({ length: 500 }, () => 1 + below(oneOf([100, 10_000, 1_000_000])));
    const waits = await database.sql<{ minutes: number; waits: number[] }[]>`
      select minutes, array(
        select coalesce(extract(epoch from scheduler.wait_before_asking(attempt, make_interval(mins => minutes)))::float8 / 60, -1)
        from generate_series(1, 6) as attempt order by attempt
      ) as waits
      from unnest(${minutes}::integer[]) as minutes
    `;
    const wrong = waits.filter(({ minutes, waits: [first, second, third, ...others] }) => {
      const grows = first === 0 && (second ?? 0) > 0 && (third ?? 0) >= (second ?? 0);
      const fits = (second ?? 0) + (third ?? 0) <= minutes;
      return !grows || !fits || others.some((wait) => wait !== -1);
    });
    deepStrictEqual(wrong, [], `SEED=${SEED}`);
    const [unbounded] = await database.sql<{ waits: string[] }[]>`
      select array(
        select coalesce(scheduler.wait_before_asking(attempt, null)::text, 'no more') from generate_series(1, 5) as attempt
      ) as waits
    `;
    deepStrictEqual(unbounded?.waits, ["00:00:00", "00:00:00", "00:00:00", "no more", "no more"]);
  } finally {
    await database.drop();
  }
});
