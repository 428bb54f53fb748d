import assert from "node:assert/strict";
import { checkContentType } from "./body.ts";
import { RequestError } from "./errors.ts";

/** The status that a request is refused with, or none. */
function refused(type: string | null, body = "{}"): number | undefined {
  try {
    checkContentType(new Headers(type === null ? {} : { "content-type": type }), body);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RequestError);
    return error.status;
  }
}

Deno.test("a body is JSON in UTF-8, however that is written", () => {
  for (
    const type of [
      "application/json",
      "APPLICATION/JSON",
      " application/json ;",
      "application/json; charset=utf-8",
      "application/json;charset=UTF-8",
      'application/json; Charset="Utf-8"',
      "application/json; charset=utf-8 ; version=1",
      'application/json; profile="a; charset=iso-8859-1"',
    ]
  ) assert.equal(refused(type), undefined, type);
});

Deno.test("another type or character set is refused, whatever the body", () => {
  for (
    const type of [
      "text/plain",
      "text/plain; charset=utf-8",
      "application/json-seq",
      "application/json; charset=iso-8859-1",
      "application/json; charset=utf-16",
      'application/json; charset="latin1"',
      "application/json; charset=",
      'application/json; charset="utf-8',
      "application/json; charset=utf-8; charset=iso-8859-1",
      'application/json; version="\\""; charset=us-ascii',
    ]
  ) {
    assert.equal(refused(type), 415, type);
    assert.equal(refused(type, ""), 415, type);
  }
});

Deno.test("only what is empty needs no type", () => {
  assert.equal(refused(null, ""), undefined);
  assert.equal(refused(null), 415);
  assert.equal(refused("", ""), 415);
});
