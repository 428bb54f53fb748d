// Fetches certifications from a member portal, a page at a time.

import { CursorRefused, type MemberPortal, type PortalPage } from "../portal/member_portal.ts";
import { Implausible, type PortalStore } from "../portal/store.ts";
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

export async function syncCertifications(
  { portal, store, clock, deadline }: Outside,
): Promise<Outcome> {
  if (portal.off !== undefined) return { status: "completed", note: portal.off };

  let round = await store.begin();
  for (let begunAnew = false; clock() < deadline;) {
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
      const { completed } = await store.apply(round, page);
      if (completed) return { status: "completed" };
    } catch (error) {
      // The next run has to ask for all of it again, not only for its last page.
      if (error instanceof Implausible) await store.begin(true);
      throw error;
    }
    round = { ...round, page_cursor: page.next, page: round.page + 1 };
  }
  return { status: "partial" };
}
