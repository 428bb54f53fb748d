import assert from "node:assert/strict";
import fc from "fast-check";
import { isLabel, sanitize } from "./sanitize.ts";

const around = fc.string({ unit: "grapheme", maxLength: 40 });
const letters = (least: number, most: number) =>
  fc.string({
    unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    minLength: least,
    maxLength: most,
  });
const digits = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: least, maxLength: most });

/** The longest text that both have. */
function common(left: string, right: string): string {
  let longest = "";
  for (let from = 0; from < left.length; from++) {
    while (right.includes(left.slice(from, from + longest.length + 1))) {
      if (from + longest.length >= left.length) break;
      longest = left.slice(from, from + longest.length + 1);
    }
  }
  return longest;
}

/** What stands where something was: its letters are nobody's. */
const STAND_INS = /\[(?:url|connection|id|token|number|email)\]/g;

/** Of none of them so much survives that one could use it, wherever they stand. */
function neverSurvives(secrets: fc.Arbitrary<string>, longest = 11): void {
  fc.assert(fc.property(around, secrets, around, (before, secret, after) => {
    fc.pre(common(secret, `${before} ${after}`).length <= 3); // else it would be found there
    const said = sanitize(`${before} ${secret} ${after}`).replaceAll(STAND_INS, "|");
    const found = common(secret, said);
    assert.ok(found.length <= longest, `${JSON.stringify(found)} of ${JSON.stringify(secret)}`);
  }));
}

Deno.test("a UUID never survives, with hyphens or without, in whatever letters", () => {
  neverSurvives(fc.uuid());
  neverSurvives(fc.uuid().map((id) => id.replaceAll("-", "")));
  neverSurvives(fc.uuid().map((id) => id.toUpperCase()));
});

Deno.test("a UUID that touches other text never survives", () => {
  fc.assert(fc.property(around, fc.uuid(), around, (before, id, after) => {
    assert.ok(!sanitize(before + id + after).includes(id));
  }));
});

Deno.test("an e-mail address never survives, nor its parts", () => {
  const address = fc.tuple(letters(12, 20), letters(12, 20), fc.constantFrom("no", "example.org"));
  neverSurvives(address.map(([name, host, top]) => `${name}@${host}.${top}`), 5);
  neverSurvives(address.map(([name, host, top]) => `${name}.æøå+push@${host}.${top}`), 5);
  assert.equal(sanitize("to a@[192.0.2.4], gone"), "to [email], gone");
});

Deno.test("a phone number never survives, however it is written", () => {
  for (
    const number of [
      "91234567",
      "912 34 567",
      "91 23 45 67",
      "912-34-567",
      "91.23.45.67",
      "+4791234567",
      "+47 912 34 567",
      "0047 912 34 567",
      "(+47) 912 34 567",
      "+47 (0) 912 34 567",
      "+47/912/34/567",
      "+1 (555) 010-9999",
      "+47\t912\t34\t567",
      "+47\u00a0912\u00a034\u00a0567",
    ]
  ) {
    assert.equal(sanitize(`call ${number} now`).match(/\d/), null, number);
    assert.equal(sanitize(number).match(/\d/), null, number);
    assert.equal(sanitize(`tel:${number}.`).match(/\d/), null, number);
  }
});

Deno.test("a long run of digits never survives", () => {
  neverSurvives(digits(6, 40), 5);
  fc.assert(fc.property(around, digits(6, 40), (text, run) => {
    assert.ok(!/\d{6}/.test(sanitize(text + run)));
  }));
});

Deno.test("a token never survives, nor a usable piece of it", () => {
  const inTokens = fc.constantFrom(..."abcdefghijkLMNOPQRSTUVWXYZ_:-");
  neverSurvives(fc.string({ unit: inTokens, minLength: 24, maxLength: 200 }));
  const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 33 });
  neverSurvives(hex);
  neverSurvives(letters(16, 40).map((inside) => `ExponentPushToken[${inside}]`));
  neverSurvives(
    fc.tuple(letters(10, 20), digits(6, 9), letters(10, 20)).map((parts) => parts.join("")),
  );
});

Deno.test("a JWT never survives, nor its claims", () => {
  const part = letters(20, 80);
  neverSurvives(fc.tuple(part, part).map(([claims, sign]) => `eyJhbGciOiJIUzI.${claims}.${sign}`));
});

Deno.test("a connection string never survives, nor its password or its host", () => {
  const parts = fc.tuple(letters(4, 30), letters(4, 30), letters(4, 30));
  neverSurvives(
    parts.map(([user, password, host]) => `postgresql://${user}:${password}@${host}:5432/postgres`),
    3,
  );
  assert.equal(sanitize("at postgres://a:b!c@d/e, gone"), "at [url] gone");
  assert.equal(sanitize("at _postgres://a:b@c/d gone"), "at _[url] gone");
  const keywords = parts.map(([user, password, host]) =>
    `host=${host} port=5432 user=${user} password = ${password} dbname=postgres`
  );
  neverSurvives(keywords, 3);
});

Deno.test("a stack trace never survives", () => {
  const stack = new Error("it broke").stack ?? "";
  assert.equal(sanitize(stack), "Error: it broke");
  assert.equal(sanitize(stack.replaceAll("\n", "\r\n")), "Error: it broke");
  assert.equal(sanitize(stack.replaceAll("\n", " ")), "Error: it broke");
  assert.equal(sanitize(stack.replaceAll("\n", "\r")), "Error: it broke");
  for (
    const frame of [
      "/srv/app/index.ts:10:5",
      "new Foo (/srv/app/foo.ts:1:2)",
      "async Foo.bar (file:///srv/app/foo.ts:1:2)",
      "async file:///srv/app/foo.ts:1:2",
      "ext:core/01_core.js:1:2",
    ]
  ) assert.equal(sanitize(`it broke at ${frame}`), "it broke", frame);
});

Deno.test("what comes out is one line, and bounded", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (text) => {
    const said = sanitize(text);
    assert.ok(said.length <= 300);
    // deno-lint-ignore no-control-regex -- these are looked for
    assert.ok(!/[\u0000-\u001f\u007f]/.test(said));
  }));
  assert.equal(sanitize("word ".repeat(1000)).length, 300);
});

Deno.test("an ordinary message stays as it is", () => {
  for (
    const message of [
      "the database answered 42501",
      "fcm: UNREGISTERED, invalid_token",
      "the token endpoint answered 503",
      "unknown scenario 'inactive'. Known are expiry, inactivity, milestone.",
    ]
  ) assert.equal(sanitize(message), message);
});

Deno.test("an id or a token that a long address touches leaves nothing of itself", () => {
  for (const secret of ["9c06d90a-1234-4abc-8def-0123456789ab", "dK3nar1Tok3n-dK3nar1Tok3n-dK3n"]) {
    for (const between of ["'", "+", ".", "%"]) {
      const said = sanitize(`${secret}${between}${"a".repeat(50)}@example.org`);
      for (let at = 0; at + 6 <= secret.length; at++) {
        assert.ok(!said.includes(secret.slice(at, at + 6)), said);
      }
      assert.ok(!said.includes("@example"), said);
    }
  }
});

Deno.test("a label is words with a number at most; an id, a long number and a token are none", () => {
  const labels = ["request", "pg_cron", "scenario-scheduler-daily", "ci.main:v12", "run2"];
  for (const label of labels) assert.ok(isLabel(label), label);
  const others = [
    "",
    "two words",
    "_a",
    "a_",
    "a\n",
    "a".repeat(64),
    "dK3nar1Tok3n",
    "+47 912 34 567",
  ];
  for (const other of others) assert.ok(!isLabel(other), other);
  const secrets = fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.replaceAll("-", "")),
    digits(4, 20).map((run) => `tel:${run}`),
    letters(24, 60),
    fc.emailAddress(),
  );
  fc.assert(fc.property(secrets, (secret) => assert.ok(!isLabel(secret), secret)));
});
