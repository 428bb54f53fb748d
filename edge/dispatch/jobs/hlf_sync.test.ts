// The job alone: a portal and a store in memory.

import assert from "node:assert/strict";
import { TypedError } from "../../shared/errors.ts";
import {
  CursorRefused,
  type MemberPortal,
  misconfiguredPortal,
  noPortal,
  type PortalPage,
  type PortalQuestion,
} from "../portal/member_portal.ts";
import { type Applied, Implausible, type PortalStore, type Round } from "../portal/store.ts";
import { syncCertifications } from "./hlf_sync.ts";

const BEGINNING: Round = {
  started_at: "2026-03-01 02:00:00.123456+00",
  modified_since: "2026-02-28T01:50:00Z",
  page_cursor: null,
  page: 0,
};

interface Setup {
  /** What the portal answers to each question, in order; the last page by default. */
  pages?: (PortalPage | Error)[];
  portal?: MemberPortal;
  /** Where the store says that the round is. */
  round?: Partial<Round>;
  /** How the store takes each page. */
  applying?: (Error | undefined)[];
  /** What became of each page. */
  became?: (Partial<Applied> | undefined)[];
  deadline?: number;
  secondsAPage?: number;
}

const page = (next: string | null = null): PortalPage => ({ certifications: [null], next });

function prepare(setup: Setup = {}) {
  const { pages = [], applying = [], became = [], secondsAPage = 1, deadline = 25_000 } = setup;
  const asked: PortalQuestion[] = [];
  const begun: (boolean | undefined)[] = [];
  const applied: { started_at: string; page: number; next: string | null }[] = [];
  let now = 0;
  const portal: MemberPortal = {
    page: (question, until) => {
      assert.equal(until, deadline);
      now += secondsAPage * 1000;
      const answer = pages[asked.push(question) - 1] ?? page();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const store: PortalStore = {
    begin: (anew) => {
      begun.push(anew);
      return Promise.resolve({ ...BEGINNING, ...(anew ? {} : setup.round) });
    },
    apply: ({ started_at, page }, { next }) => {
      const place = applied.push({ started_at, page, next }) - 1;
      const error = applying[place];
      const result: Applied = {
        received: 1,
        applied: 0,
        unchanged: 0,
        revoked: 0,
        rejected: { no_object: 1 },
        completed: next === null,
        ...became[place],
      };
      return error ? Promise.reject(error) : Promise.resolve(result);
    },
  };
  const run = () =>
    syncCertifications({ portal: setup.portal ?? portal, store, clock: () => now, deadline });
  return { asked, begun, applied, run };
}

Deno.test("pages are fetched and applied one after the other, until the portal names no next", async () => {
  const { run, asked, applied, begun } = prepare({ pages: [page("2"), page("3"), page()] });
  assert.deepEqual(await run(), { status: "completed" });
  const { started_at, modified_since: since } = BEGINNING;
  assert.deepEqual(asked, [
    { since, cursor: null },
    { since, cursor: "2" },
    { since, cursor: "3" },
  ]);
  assert.deepEqual(applied, [
    { started_at, page: 0, next: "2" },
    { started_at, page: 1, next: "3" },
    { started_at, page: 2, next: null },
  ]);
  assert.deepEqual(begun, [undefined]);
});

Deno.test("a round that was cut short goes on where it was", async () => {
  const { run, asked, applied } = prepare({ round: { page_cursor: "8", page: 7 } });
  assert.deepEqual(await run(), { status: "completed" });
  assert.deepEqual(asked.map(({ cursor }) => cursor), ["8"]);
  assert.deepEqual(applied.map(({ page }) => page), [7]);
});

Deno.test("when the time is up no further page begins, and the run is partial", async () => {
  const pages = Array.from({ length: 9 }, (_, i) => page(String(i)));
  const { run, applied } = prepare({ pages, secondsAPage: 10 });
  assert.deepEqual(await run(), { status: "partial" });
  assert.equal(applied.length, 3);
  const none = prepare({ deadline: 0 });
  assert.deepEqual(await none.run(), { status: "partial" });
  assert.deepEqual(none.asked, []);
});

Deno.test("a page that the portal does not know any more begins the round anew, once", async () => {
  const forgot = new CursorRefused();
  const { run, asked, applied, begun } = prepare({
    round: { page_cursor: "8", page: 7 },
    pages: [forgot, page("2"), page()],
  });
  assert.deepEqual(await run(), { status: "completed" });
  assert.deepEqual(begun, [undefined, true]);
  assert.deepEqual(asked.map(({ cursor }) => cursor), ["8", null, "2"]);
  assert.deepEqual(applied.map(({ page }) => page), [0, 1]);

  const again = prepare({
    round: { page_cursor: "8", page: 7 },
    pages: [forgot, page("2"), forgot],
  });
  await assert.rejects(again.run(), forgot);
  assert.deepEqual(again.begun, [undefined, true]);
});

Deno.test("a portal that is not believed is asked for everything again by the next run", async () => {
  const implausible = new Implausible("the portal named 3 of the 900 certifications");
  const { run, begun } = prepare({ applying: [implausible] });
  await assert.rejects(run(), implausible);
  assert.deepEqual(begun, [undefined, true]);
});

Deno.test("what goes wrong ends the run as what it is, and applies nothing more", async () => {
  const down = new TypedError("network_error", "the portal can't be reached");
  const { run, applied, begun } = prepare({ pages: [page("2"), down] });
  await assert.rejects(run(), down);
  assert.equal(applied.length, 1);
  assert.deepEqual(begun, [undefined]);

  const gone = Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" });
  const other = prepare({ pages: [page("2")], applying: [gone] });
  await assert.rejects(other.run(), gone);
  assert.equal(other.asked.length, 1);
});

Deno.test("a portal whose configuration can't be used fails the run, and says why on one line", async () => {
  const { begun, applied, run } = prepare({
    portal: misconfiguredPortal(["A is missing.", "B must be a number."]),
  });
  await assert.rejects(run(), {
    type: "provider_error",
    message: "the portal's configuration can't be used: A is missing. B must be a number.",
  });
  assert.deepEqual([begun, applied], [[undefined], []]);
});

Deno.test("a portal that is switched off is not asked, no round begins, and the run says why", async () => {
  const { begun } = prepare();
  const outcome = await syncCertifications({
    portal: noPortal,
    store: {
      begin: () => assert.fail("no round is to begin"),
      apply: () => assert.fail("nothing is to be applied"),
    },
    clock: () => 0,
    deadline: 1,
  });
  assert.deepEqual(outcome, {
    status: "completed",
    note: "HLF_SYNC_ENABLED is off: nothing was fetched, and nothing changed",
  });
  assert.deepEqual(begun, []);
  await assert.rejects(noPortal.page({ since: null, cursor: null }, 1));
});
