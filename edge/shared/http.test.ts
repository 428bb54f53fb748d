import assert from "node:assert/strict";
import { readText, retryAfter } from "./http.ts";

const NOW = Date.parse("2026-03-01T02:00:00Z");
const after = (text?: string) =>
  retryAfter(new Headers(text === undefined ? {} : { "retry-after": text }), NOW);

Deno.test("Retry-After is a number of seconds or a date, and nothing where it is neither", () => {
  assert.equal(after("120"), 120);
  assert.equal(after("0"), 0);
  assert.equal(after("Sun, 01 Mar 2026 02:00:30 GMT"), 30);
  assert.equal(after("Sun, 01 Mar 2026 01:00:00 GMT"), 0, "a moment that is over");
  for (const text of [undefined, "soon", "-5 minutes", "-5", "1.5", "12345678901"]) {
    assert.equal(after(text), undefined, text);
  }
});

Deno.test("a date in Retry-After counts from the answer's own, however wrong our clock is", () => {
  const headers = new Headers({
    "retry-after": "Sun, 01 Mar 2026 13:02:00 GMT",
    date: "Sun, 01 Mar 2026 13:00:00 GMT",
  });
  assert.equal(retryAfter(headers, NOW), 120);
  headers.set("date", "rubbish");
  assert.equal(retryAfter(headers, NOW), 11 * 3600 + 120);
});

Deno.test("a text is read whole, whatever its chunks cut apart", async () => {
  const bytes = new TextEncoder().encode("å møte 💚");
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  assert.equal(await readText(new Response(body), bytes.length), "å møte 💚");
  assert.equal(await readText(new Response(null), 0), "");
});

Deno.test("a text without an end is not read further than it may be long, and is given up", async () => {
  let pulled = 0;
  let givenUp = false;
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1000)),
    cancel: () => {
      givenUp = true;
    },
  }, { highWaterMark: 0 });
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        pulled += chunk.length;
        controller.enqueue(chunk);
      },
    }),
  );
  assert.equal(await readText(new Response(counted), 5000), undefined);
  assert.ok(pulled <= 8000, String(pulled));
  assert.ok(givenUp);
});
