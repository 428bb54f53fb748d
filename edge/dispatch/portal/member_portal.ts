// What a member portal looks like to the job that fetches certifications from it.

import { TypedError } from "../../shared/errors.ts";

/** As the portal said it: the database judges each. */
export interface PortalCertification {
  external_id: unknown;
  member_id: unknown;
  name: unknown;
  /** Null: it never expires. */
  expires_on: unknown;
  modified_on: unknown;
  removed: unknown;
}

export interface PortalPage {
  /** Null is an entry that is no certification at all. */
  certifications: (PortalCertification | null)[];
  /** Where the next page is, in the portal's own words; null after the last one. */
  next: string | null;
}

export interface PortalQuestion {
  /** A moment in ISO's form; null asks for everything. */
  since: string | null;
  /** The `next` of an earlier page; null asks for the first one. */
  cursor: string | null;
}

export interface MemberPortal {
  /** Where it is switched off: why, for the ledger. It is not asked then. */
  readonly off?: string;
  /** A page. After the deadline, in milliseconds of the run's clock, it tries no more. */
  page(question: PortalQuestion, deadline: number): Promise<PortalPage>;
}

/** The portal does not know a page any more that it named: it has to be asked from the start. */
export class CursorRefused extends TypedError {
  constructor() {
    super("provider_error", "the portal does not know its own next page any more");
  }
}

/** One whose configuration can't be used: the sync fails, and says why on one line, as the log takes it. */
export function misconfiguredPortal(problems: readonly string[]): MemberPortal {
  const said = `the portal's configuration can't be used: ${problems.join(" ")}`;
  return { page: () => Promise.reject(new TypedError("provider_error", said)) };
}

export const noPortal: MemberPortal = {
  off: "HLF_SYNC_ENABLED is off: nothing was fetched, and nothing changed",
  page: () => Promise.reject(new Error("A portal that is switched off was asked.")),
};
