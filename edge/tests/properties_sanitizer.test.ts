// Texts built around what must not be logged, several at a time. SEED=… repeats them;
// each by itself is in edge/shared/sanitize.test.ts.

import assert from "node:assert/strict";
import { choicesBy, givenSeed, randomFrom, report } from "../../scripts/testing.ts";
import { sanitize } from "../shared/sanitize.ts";

const SEED = givenSeed();
const TEXTS = 10_000;
/** Far more than a text takes on a busy machine, far less than one takes that grows with its square. */
const LONGEST_MS = 500;

const { below, oneOf } = choicesBy(randomFrom(SEED));
const many = (least: number, most: number, letters: string) =>
  Array.from({ length: least + below(most - least + 1) }, () => oneOf([...letters])).join("");

const LOWER = "abcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";
const BASE64 = LOWER + LOWER.toUpperCase() + DIGITS + "_-";
const LIMIT = 6;

function uuid(): string {
  const hex = (length: number) => many(length, length, DIGITS + "abcdef");
  const id = [hex(8), hex(4), hex(4), hex(4), hex(12)].join(oneOf(["-", "-", ""]));
  return oneOf([id, id.toUpperCase()]);
}

interface Secret {
  text: string;
  /** What of it tells something. */
  hidden: string[];
}

const whole = (text: string): Secret => ({ text, hidden: [text] });

const SECRETS: (() => Secret)[] = [
  () => whole(uuid()),
  // A JWT and a token of FCM's.
  () => whole(`eyJ${many(20, 60, BASE64)}.${many(20, 90, BASE64)}.${many(43, 43, BASE64)}`),
  () => whole(`${many(22, 22, BASE64)}:APA91b${many(100, 140, BASE64)}`),
  () => {
    const inside = many(22, 22, BASE64);
    return { text: `ExponentPushToken[${inside}]`, hidden: [inside] };
  },
  () => whole(`${many(8, 20, LOWER + ".")}@${many(8, 20, LOWER)}.${oneOf(["no", "org"])}`),
  () =>
    whole(
      oneOf(["", "+47 ", "0047", "+47", "(+47) "]) +
        oneOf(["### ## ###", "########", "## ## ## ##", "###-##-###", "##.##.##.##"]).replace(
          /#/g,
          () => String(1 + below(9)),
        ),
    ),
  () => whole(many(6, 40, DIGITS)),
  () => {
    const hidden = [many(6, 12, LOWER), many(8, 30, BASE64), many(6, 20, LOWER)];
    const [user, password, host] = hidden;
    return { text: `postgresql://${user}:${password}@${host}:5432/postgres`, hidden };
  },
  () => {
    const hidden = [many(6, 12, LOWER), many(6, 12, LOWER), many(6, 12, LOWER)];
    const [name, folder, file] = hidden;
    return {
      text: `${oneOf(["\n   ", "\r\n", ""])} at ${name} (file:///srv/${folder}/${file}.ts:1:2)`,
      hidden,
    };
  },
];

/** Words that nobody has to hide, and what is thrown between them. */
const BETWEEN = [
  " ",
  ": ",
  ", ",
  " (",
  ") ",
  '"',
  "\t",
  "\u00a0",
  " = ",
  "; ",
  " - ",
  "'",
  "\u2028",
];
const WORDS = [
  "the",
  "database",
  "answered",
  "no",
  "token",
  "at",
  "user",
  "æøå",
  "🙂",
  "failed",
  "[",
];

/** What says something: a number is the same however it is spaced. */
const said = (text: string) => text.replace(/[\s.()/+-]/g, "");

/** A piece of a secret that is in a text, and longer than anybody may see. */
function survivor(secret: string, text: string): string | undefined {
  const [hidden, seen] = [said(secret), said(text)];
  for (let from = 0; from + LIMIT <= hidden.length; from++) {
    const piece = hidden.slice(from, from + LIMIT);
    if (seen.includes(piece)) return piece;
  }
  return undefined;
}

function build(): { text: string; secrets: string[] } {
  const secrets: string[] = [];
  const parts: string[] = [];
  for (let i = below(3); i >= 0; i--) {
    for (let words = below(4); words > 0; words--) parts.push(oneOf(WORDS), oneOf(BETWEEN));
    const secret = oneOf(SECRETS)();
    secrets.push(...secret.hidden);
    parts.push(secret.text, oneOf(BETWEEN));
  }
  return { text: parts.join("") + oneOf(WORDS), secrets };
}

Deno.test("of a text with several secrets among words, six letters of none survive, nor six digits", () => {
  for (let tried = 0; tried < TEXTS; tried++) {
    const { text, secrets } = build();
    const logged = sanitize(text);
    for (const secret of secrets) {
      const piece = survivor(secret, logged);
      assert.equal(piece, undefined, `SEED=${SEED} ${JSON.stringify({ text, logged })}`);
    }
    assert.ok(!/\d{6}/.test(logged), `SEED=${SEED} ${JSON.stringify({ text, logged })}`);
    assert.ok(logged.length <= 300 && !/[\r\n]/.test(logged));
  }
  report(`sanitizer: ${TEXTS} random texts (SEED=${SEED})`);
});

Deno.test("what is sanitized twice loses at most its end: nothing comes up again", () => {
  let same = 0;
  for (let tried = 0; tried < TEXTS; tried++) {
    const { text, secrets } = build();
    const once = sanitize(text);
    const twice = sanitize(once);
    // What stands for a secret has no blanks, so that a frame's beginning may show only now.
    assert.ok(once.startsWith(twice), `SEED=${SEED} ${JSON.stringify({ text, once, twice })}`);
    assert.equal(sanitize(twice), twice, `SEED=${SEED} ${JSON.stringify(text)}`);
    for (const secret of secrets) {
      assert.equal(survivor(secret, twice), undefined, `SEED=${SEED} ${JSON.stringify(text)}`);
    }
    if (once === twice) same++;
  }
  assert.ok(same > TEXTS * 0.99, `${same} of ${TEXTS} stayed as they were`);
});

Deno.test("no text takes long, however it is made to mislead", () => {
  const long = 200_000;
  const pieces = [
    "a",
    "1",
    "1 ",
    "1-(",
    " ",
    " at ",
    " at a:1",
    ":1",
    "a@",
    "@",
    "a.",
    "ø",
    "ø@ø.",
    "[",
    "a[",
    "a[a",
    "://",
    "a://",
    "host=",
    "host = ",
    "abcdef01-",
    "0a0a0a0a-0a0a-",
    "(",
    "+",
    "=",
    "\u2028",
    "\u0000 ",
    "\n",
    "🙂",
  ];
  let longest = 0;
  const time = (text: string) => {
    const started = performance.now();
    sanitize(text);
    const took = performance.now() - started;
    longest = Math.max(longest, took);
    assert.ok(
      took < LONGEST_MS,
      `SEED=${SEED}: ${took} ms for ${JSON.stringify(text.slice(0, 80))}`,
    );
  };
  for (const piece of pieces) time(piece.repeat(long / piece.length));
  for (let tried = 0; tried < 300; tried++) {
    const [first, second, third] = [oneOf(pieces), oneOf(pieces), oneOf(pieces)];
    time((first.repeat(1 + below(3)) + second.repeat(1 + below(3))).repeat(2000) + third);
    time(first.repeat(below(700)) + second.repeat(below(700)) + third.repeat(below(700)));
  }
  report(`sanitizer: ${longest.toFixed(0)} ms for the text that took longest (SEED=${SEED})`);
});
