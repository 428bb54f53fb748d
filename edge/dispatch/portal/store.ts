// How far a sync is, and what became of a page: the database keeps it.

import type { Database } from "../../shared/database.ts";
import { codeOf, TypedError } from "../../shared/errors.ts";
import { sanitize } from "../../shared/sanitize.ts";
import type { PortalCertification, PortalPage } from "./member_portal.ts";

/** What to ask the portal for next. */
export interface Round {
  started_at: string;
  /** A moment in ISO's form; null asks for everything. */
  modified_since: string | null;
  page_cursor: string | null;
  page: number;
}

/** What became of a page. */
export interface Applied {
  received: number;
  applied: number;
  unchanged: number;
  revoked: number;
  /** How many, by reason. */
  rejected: Record<string, number>;
  /** It was the last of its round. */
  completed: boolean;
}

export interface PortalStore {
  /** Begins a round, or goes on with one that was cut short, unless it is to begin anew. */
  begin(anew?: boolean): Promise<Round>;
  /** Takes over the page that the round asked for, in one go. */
  apply(round: Round, page: PortalPage): Promise<Applied>;
}

/** The portal names so few certifications, or so many pages of nothing new, that it is not believed. */
export class Implausible extends TypedError {
  constructor(message: string) {
    super("provider_error", message);
  }
}

const ANOTHER_WENT_ON = "55000"; // object_not_in_prerequisite_state
const NOT_BELIEVED = "22000"; // data_exception

function explain(error: unknown): unknown {
  switch (codeOf(error)) {
    case ANOTHER_WENT_ON:
      return new TypedError("timeout_error", "another run went on where this one was");
    case NOT_BELIEVED:
      return new Implausible(sanitize(error instanceof Error ? error.message : ""));
    default:
      return error;
  }
}

/**
 * What PostgreSQL can't keep, or JSON has no word for, would fail the whole page, or read as
 * null, which is forever. So it becomes something that the database refuses in its row.
 */
function keepable(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed().replaceAll("\0", "\ufffd");
  return value === null || typeof value === "boolean" || Number.isFinite(value) ? value : {};
}

function writePage(certifications: readonly (PortalCertification | null)[]): string {
  return JSON.stringify(
    certifications.map((said) =>
      said &&
      Object.fromEntries(Object.entries(said).map(([key, value]) => [key, keepable(value)]))
    ),
  );
}

export function portalStore(
  database: Database,
  source: string,
  invocation_id: string,
): PortalStore {
  return {
    async begin(anew = false) {
      const [row] = await database.rows<Round>`
        select
          round.started_at,
          -- Without fractions it is earlier, if anything.
          to_char(round.modified_since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as modified_since,
          round.page_cursor,
          round.page
        from public.begin_portal_sync(source => ${source}, anew => ${anew}) as round
      `;
      if (!row) throw new Error("begin_portal_sync returned no row");
      return row;
    },

    async apply({ started_at, page }, { certifications, next }) {
      try {
        const [row] = await database.rows<Applied>`
          select applied.*
          from public.apply_portal_page(
            source => ${source},
            started_at => ${started_at}::timestamptz,
            page => ${page},
            certifications => ${writePage(certifications)}::text::jsonb,
            next_cursor => ${next},
            invocation_id => ${invocation_id}::uuid
          ) as applied
        `;
        if (!row) throw new Error("apply_portal_page returned no row");
        return row;
      } catch (error) {
        throw explain(error);
      }
    },
  };
}
