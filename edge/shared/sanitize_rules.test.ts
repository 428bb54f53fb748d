// What each rule of the sanitizer is for, where another one would do half of it.

import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitize } from "./sanitize.ts";

Deno.test("an id is called one, so that it is not taken for a token", () => {
  fc.assert(fc.property(fc.uuid(), (id) => {
    assert.equal(sanitize(`the run ${id} is gone`), "the run [id] is gone");
    assert.equal(
      sanitize(`the run ${id.replaceAll("-", "").toUpperCase()} is gone`),
      "the run [id] is gone",
    );
  }));
});

Deno.test("only the first line is said: what follows is the detail, with values in it", () => {
  for (const lineBreak of ["\n", "\r\n"]) {
    const lines = ["duplicate key", "DETAIL: Key (title)=(word) already exists.", "HINT: none"];
    assert.equal(sanitize(lines.join(lineBreak)), "duplicate key");
  }
});

Deno.test("of a long text only the beginning is read, however much of it is taken out", () => {
  assert.equal(sanitize(`${"x".repeat(1990)} word`), "[token] word");
  assert.equal(sanitize(`${"x".repeat(2000)} word`), "[token]");
});
