// Fetches certifications from a member portal, a page at a time.

import { TypedError } from "../../shared/errors.ts";
import { CursorRefused, type MemberPortal, type PortalPage } from "../portal/member_portal.ts";
import { type Applied, Implausible, type PortalStore } from "../portal/store.ts";
import type { Outcome } from "./run.ts";

/** All that a job gets which calls the outside. */
export interface Outside {
  portal: MemberPortal;
  store: PortalStore;
  /** Milliseconds, for durations only. */
  clock: () => number;
  /** When, by that clock, no further page begins. */
  deadline: number;
}

/** With pages of a hundred certifications still more than anybody has. */
const MOST_PAGES = 10_000;
/** What is written meanwhile may be named again, but not on page after page. */
const MOST_PAGES_OF_NOTHING_NEW = 20;

const namesNew = ({ received, applied, unchanged, rejected }: Applied) =>
  applied + unchanged > 0 || (received > 0 && !rejected["duplicate"]);

export async function syncCertifications(
  { portal, store, clock, deadline }: Outside,
): Promise<Outcome> {
  if (portal.off !== undefined) return { status: "completed", note: portal.off };

  let round = await store.begin();
  let nothingNew = 0;
  for (let begunAnew = false; clock() < deadline;) {
    if (round.page >= MOST_PAGES || nothingNew >= MOST_PAGES_OF_NOTHING_NEW) {
      await store.begin(true);
      throw new TypedError(
        "provider_error",
        `the portal has no end: after page ${round.page} it still names a next one`,
      );
    }
    let page: PortalPage;
    try {
      page = await portal.page(
        { since: round.modified_since, cursor: round.page_cursor },
        deadline,
      );
    } catch (error) {
      if (!(error instanceof CursorRefused) || begunAnew) throw error;
      begunAnew = true;
      round = await store.begin(true);
      continue;
    }
    try {
      const applied = await store.apply(round, page);
      if (applied.completed) return { status: "completed" };
      nothingNew = namesNew(applied) ? 0 : nothingNew + 1;
    } catch (error) {
      // The next run has to ask for all of it again, not only for its last page.
      if (error instanceof Implausible) await store.begin(true);
      throw error;
    }
    round = { ...round, page_cursor: page.next, page: round.page + 1 };
  }
  return { status: "partial" };
}
