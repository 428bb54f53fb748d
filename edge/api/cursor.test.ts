import assert from "node:assert/strict";
import { mentorCursor, readMentorCursor, readRunCursor, runCursor } from "./cursor.ts";
import { Problem } from "./problems.ts";

const RUN = {
  requested_at: "2026-11-21T11:56:54.720402+00:00",
  id: "8455ed99-e5b1-424d-8657-df3a9e84c4bb",
};

async function refused(reading: Promise<unknown>): Promise<void> {
  const error = await reading.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.status, 400);
  assert.deepEqual(error.faults.map(({ in: part, pointer }) => `${part} ${pointer}`), [
    "query #/cursor",
  ]);
}

Deno.test("a position comes back as it was, to the microsecond", async () => {
  for (const requested_at of [RUN.requested_at, "2026-11-21T11:56:54+00:00"]) {
    const position = { ...RUN, requested_at };
    assert.deepEqual(await readRunCursor(await runCursor(position)), position);
  }
  assert.equal(await readMentorCursor(await mentorCursor(RUN.id)), RUN.id);
});

Deno.test("no cursor is the first page", async () => {
  assert.equal(await readRunCursor(undefined), undefined);
  assert.equal(await readMentorCursor(undefined), undefined);
});

Deno.test("a cursor needs no escaping in a query", async () => {
  assert.match(await runCursor(RUN), /^[A-Za-z0-9_-]+$/);
});

Deno.test("a cursor in which any one character was changed, left out or added is refused", async () => {
  const cursor = await runCursor(RUN);
  for (let i = 0; i < cursor.length; i++) {
    const other = cursor[i] === "A" ? "B" : "A";
    await refused(readRunCursor(cursor.slice(0, i) + other + cursor.slice(i + 1)));
    await refused(readRunCursor(cursor.slice(0, i) + cursor.slice(i + 1)));
  }
  await refused(readRunCursor(`${cursor}A`));
  await refused(readRunCursor(`${cursor}=`));
  await refused(readRunCursor(` ${cursor}`));
});

Deno.test("what is no cursor, or one of another list, is refused", async () => {
  for (const other of ["", "x", "%00", "🙂", btoa(RUN.id), await mentorCursor(RUN.id)]) {
    await refused(readRunCursor(other));
  }
  await refused(readMentorCursor(await runCursor(RUN)));
});

Deno.test("a position that no page ends with is refused, however it was written", async () => {
  for (const requested_at of ["infinity", "2026-11-21", "2026-11-21T11:56:54Z", "now"]) {
    await refused(readRunCursor(await runCursor({ ...RUN, requested_at })));
  }
  await refused(readRunCursor(await runCursor({ ...RUN, id: "' or true --" })));
});
