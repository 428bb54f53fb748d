// Random cron expressions, against one who looks at every minute of every day that fits. SEED=… repeats them.

import { deepStrictEqual, ok } from "node:assert/strict";
import {
  choicesBy,
  givenSeed,
  randomFrom,
  report,
  testDatabase,
} from "../../../scripts/testing.ts";

const SEED = givenSeed();
const EXPRESSIONS = 300;
const RUBBISH = 600;
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
/** Eight years: from one 29 February to the next, across 2100, which has none. */
const LONGEST_WALK_DAYS = 2922;

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const WEEKDAYS = "sun mon tue wed thu fri sat".split(" ");

interface Place {
  name: string;
  least: number;
  most: number;
  names: string[];
}
const PLACES: Place[] = [
  { name: "minute", least: 0, most: 59, names: [] },
  { name: "hour", least: 0, most: 23, names: [] },
  { name: "day of the month", least: 1, most: 31, names: [] },
  { name: "month", least: 1, most: 12, names: MONTHS },
  { name: "day of the week", least: 0, most: 7, names: WEEKDAYS },
];

interface Field {
  text: string;
  values: Set<number>;
}

interface Schedule {
  text: string;
  isDay(at: number): boolean;
  comesOn(at: number): boolean;
}

class Writer {
  readonly below: (limit: number) => number;
  readonly oneOf: <T>(all: readonly T[]) => T;

  constructor(readonly random: () => number) {
    ({ below: this.below, oneOf: this.oneOf } = choicesBy(random));
  }

  #number(value: number, { least, names }: Place): string {
    const name = names[value - least];
    if (name && this.random() < 0.3) {
      return this.oneOf([name, name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1)]);
    }
    return this.random() < 0.2 ? String(value).padStart(2, "0") : String(value);
  }

  #item(place: Place): Field {
    const { least, most } = place;
    const low = least + this.below(most - least + 1);
    const kind = this.random();
    if (kind < 0.5) return { text: this.#number(low, place), values: new Set([low]) };
    const isStar = kind < 0.7;
    const from = isStar ? least : low;
    const to = isStar ? most : low + this.below(most - low + 1);
    const step = this.random() < 0.5 ? 1 + this.below(this.oneOf([3, 20, 99])) : undefined;
    const values = new Set<number>();
    for (let value = from; value <= to; value += step ?? 1) values.add(value);
    const range = isStar ? "*" : `${this.#number(from, place)}-${this.#number(to, place)}`;
    return { text: step ? `${range}/${step}` : range, values };
  }

  field(place: Place): Field {
    if (this.random() < 0.35) return { text: "*", values: all(place) };
    const items = Array.from({ length: this.oneOf([1, 1, 1, 2, 4]) }, () => this.#item(place));
    return {
      text: items.map(({ text }) => text).join(","),
      values: new Set(items.flatMap(({ values }) => [...values])),
    };
  }

  schedule(): Schedule {
    const fields = PLACES.map((place) => this.field(place));
    const [minutes, hours, days, months, weekdays] = fields as [Field, Field, Field, Field, Field];
    const either = !days.text.startsWith("*") && !weekdays.text.startsWith("*");
    const blanks = () => this.oneOf([" ", " ", " ", "  ", "\t"]);
    return {
      text: fields.map(({ text }) => text).reduce((said, text) => said + blanks() + text),
      comesOn(at) {
        const minute = at / MINUTE;
        return minutes.values.has(minute % 60) && hours.values.has(Math.floor(minute / 60) % 24) &&
          this.isDay(at);
      },
      isDay(at) {
        const day = new Date(at);
        const weekday = day.getUTCDay();
        const onDay = days.values.has(day.getUTCDate());
        const onWeekday = weekdays.values.has(weekday) || (weekday === 0 && weekdays.values.has(7));
        return months.values.has(day.getUTCMonth() + 1) &&
          (either ? onDay || onWeekday : onDay && onWeekday);
      },
    };
  }

  /** Often at midnight, at the end of a month or about a leap day. */
  moment(): Date {
    const year = this.oneOf([2024, 2026, 2027, 2028, 2096, 2100]);
    const day = this.random() < 0.4
      ? this.oneOf([Date.UTC(year, 1, 28), Date.UTC(year, 2, 1), Date.UTC(year, 11, 31)])
      : Date.UTC(year, 0, 1 + this.below(366));
    const inDay = this.random() < 0.3
      ? this.oneOf([0, 1, 86_399_999, 43_200_000])
      : this.below(86_400_000);
    return new Date(day + inDay);
  }

  /** An item that cannot be read, whatever stands around it. */
  badItem({ least, most, names }: Place): string {
    const value = least + this.below(most - least);
    return this.oneOf([
      String(most + 1 + this.below(40)),
      ...(least > 0 ? ["0", "0-3"] : []),
      `${value + 1}-${value}`,
      `${value}-${most + 1}`,
      `${value}-`,
      `-${value}`,
      `${value}/2`,
      "*/0",
      "*/",
      "*/100",
      `*-${value}`,
      `${value}-${value}-${value}`,
      "",
      "?",
      "L",
      "1.5",
      "٣",
      "１",
      "999999999999",
      names.length > 0 ? `${names[0]}x` : "mon",
      "foo",
    ]);
  }
}

function all({ least, most }: Place): Set<number> {
  return new Set(Array.from({ length: most - least + 1 }, (_, position) => least + position));
}

/** The first minute that matches after one, or the last that is not after it, if there is one. */
function walk(schedule: Schedule, from: number, step: 1 | -1): number | null {
  const today = Math.floor(from / DAY);
  for (let days = 0; days <= LONGEST_WALK_DAYS; days++) {
    const day = (today + step * days) * DAY;
    if (!schedule.isDay(day)) continue;
    for (let minutes = 0; minutes < 1440; minutes++) {
      const at = day + (step === 1 ? minutes : 1439 - minutes) * MINUTE;
      if ((step === 1) === (at > from) && schedule.comesOn(at)) return at;
    }
  }
  return null;
}

Deno.test("the next and the previous tick of any schedule are those that one finds who looks at every minute", async () => {
  const database = await testDatabase();
  try {
    const writer = new Writer(randomFrom(SEED));
    const cases = Array.from({ length: EXPRESSIONS }, () => ({
      schedule: writer.schedule(),
      at: writer.moment(),
    }));
    const ticks = await database.sql<
      Record<"next" | "previous" | "itself" | "again", number | null>[]
    >`
      select
        extract(epoch from next)::float8 * 1000 as next,
        extract(epoch from previous)::float8 * 1000 as previous,
        extract(epoch from scheduler.previous_tick(schedule, next))::float8 * 1000 as itself,
        extract(epoch from scheduler.next_tick(schedule, previous - interval '1 microsecond'))::float8 * 1000 as again
      from unnest(
        ${cases.map(({ schedule }) => schedule.text)}::text[],
        ${cases.map(({ at }) => at.toISOString())}::timestamptz[]
      ) with ordinality as given (schedule, at, position)
      cross join lateral (
        select scheduler.next_tick(schedule, at) as next, scheduler.previous_tick(schedule, at) as previous
      ) as tick
      order by position
    `;
    let found = 0;
    let never = 0;
    for (const [position, { schedule, at }] of cases.entries()) {
      const said = `SEED=${SEED} ${JSON.stringify(schedule.text)} at ${at.toISOString()}`;
      const minute = Math.floor(at.getTime() / MINUTE) * MINUTE;
      const [next, previous] = [walk(schedule, minute, 1), walk(schedule, minute, -1)];
      deepStrictEqual(
        { ...ticks[position] },
        { next, previous, itself: next, again: previous },
        said,
      );
      if (next === null) never++;
      else found++;
    }
    ok(found > EXPRESSIONS / 2, "most come in eight years");
    report(`schedules: ${EXPRESSIONS} random ones, ${never} that never come (SEED=${SEED})`);
  } finally {
    await database.drop();
  }
});

Deno.test("a schedule with one item that can't be read is refused with that item and its field", async () => {
  const database = await testDatabase();
  try {
    const writer = new Writer(randomFrom(SEED));
    for (let tried = 0; tried < RUBBISH; tried++) {
      const fields = PLACES.map((place) => writer.field(place).text);
      const wrong = writer.below(PLACES.length);
      const place = PLACES[wrong] as Place;
      const bad = writer.badItem(place);
      const items = (fields[wrong] ?? "").split(",");
      items.splice(writer.below(items.length + 1), 0, bad);
      fields[wrong] = items.join(",");
      const schedule = fields.join(" ");
      const error = await database.sql`select scheduler.read_schedule(${schedule})`.then(
        () => ({ code: "none", message: "it was read" }),
        (error) => error as { code: string; message: string },
      );
      deepStrictEqual(
        [error.code, error.message],
        [
          "22023",
          `the schedule '${schedule}' can't be read: '${bad.toLowerCase()}' is no ${place.name}`,
        ],
        `SEED=${SEED} ${JSON.stringify(schedule)}`,
      );
    }
  } finally {
    await database.drop();
  }
});

Deno.test("whatever a schedule is, it is read or refused, and never an error of another kind", async () => {
  const database = await testDatabase();
  try {
    const writer = new Writer(randomFrom(SEED));
    const letters = [..."0123456789  *,-/", "\t", "jan", "MON", "٣", "é", "'", "%", "\\", "{", "}"];
    const texts = Array.from(
      { length: RUBBISH },
      () => Array.from({ length: writer.below(24) }, () => writer.oneOf(letters)).join(""),
    );
    await database.sql.unsafe(`
      create function pg_temp.answer(schedule text) returns text language plpgsql as $$
      begin
        perform scheduler.read_schedule(schedule);
        return 'read';
      exception when others then return sqlstate;
      end $$
    `);
    const answers = await database.sql<{ text: string; answer: string }[]>`
      select text, pg_temp.answer(text) as answer from unnest(${texts}::text[]) as text
    `;
    const others = answers.filter(({ answer }) => !["read", "22023"].includes(answer));
    deepStrictEqual(others, [], `SEED=${SEED}`);
    ok(answers.some(({ answer }) => answer === "22023"));
  } finally {
    await database.drop();
  }
});
