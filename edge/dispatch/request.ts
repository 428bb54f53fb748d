// Reads a request: what is wrong with it is said, and nothing of it is repeated
// but what could be a name of ours.

import { RequestError } from "../shared/errors.ts";
import { isLabel } from "../shared/sanitize.ts";
import type { Order } from "./outbox.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const PLAIN_NAME = /^[a-z][a-z0-9_]{0,62}$/;
const MOMENT = /^[1-9]\d{3}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)$/;

export function unknownJob(names: Iterable<string>): RequestError {
  const known = [...names].join(", ");
  return new RequestError(404, "unknown_job", `There is no such job. Known are: ${known}.`);
}

const DEFAULT_JOB = "scenario-evaluation";

const FIELDS = [
  "job_name",
  "invocation_id",
  "scheduled_for",
  "triggered_by",
  "scenarios",
  "organisation_ids",
  "dry_run",
];

function wrong(field: string, expected: string): RequestError {
  return new RequestError(400, "invalid_body", `${field} must be ${expected}.`);
}

function list(field: string, value: unknown, pattern: RegExp, item: string): string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value) || value.length === 0 || value.length > 1000) {
    throw wrong(field, `a list of 1 to 1000; leave it out for all`);
  }
  return value.map((entry, i) => {
    if (typeof entry === "string" && pattern.test(entry)) return entry;
    throw wrong(`${field}[${i}]`, item);
  });
}

function text(field: string, value: unknown, pattern: RegExp, expected: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && pattern.test(value)) return value;
  throw wrong(field, expected);
}

/** In ISO's form, or as PostgreSQL writes it. */
function moment(field: string, value: unknown): string | null {
  const expected = "a moment like 2026-03-01T06:00:00Z";
  const given = text(field, value, MOMENT, expected);
  if (given === null) return null;
  const day = given.slice(0, 10);
  // Date reads the T, and an offset with minutes.
  const iso = given.replace(" ", "T").replace(
    /([+-]\d\d)(\d\d)?$/,
    (_, hours, minutes = "00") => `${hours}:${minutes}`,
  );
  const date = new Date(iso);
  // A day that the month doesn't have would become one of the next.
  const isOnTheCalendar = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
  if (Number.isNaN(date.valueOf()) || !isOnTheCalendar) throw wrong(field, expected);
  return date.toISOString();
}

/** Goes to the log and to the ledger: nothing that could be more than a label. */
function label(field: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && isLabel(value)) return value;
  throw wrong(field, "a short label like pg_cron");
}

/** What a body asks for. An empty one asks for the daily run. */
export function parseOrder(body: string, webhookId: string | null): Order {
  let fields: Record<string, unknown> = {};
  if (body.trim() !== "") {
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      throw new RequestError(400, "invalid_json", "The body is not JSON.");
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new RequestError(400, "invalid_body", "The body must be a JSON object.");
    }
    fields = { ...parsed };
  }
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) {
    const named = PLAIN_NAME.test(unknown) ? ` "${unknown}"` : "";
    throw new RequestError(
      400,
      "unknown_field",
      `Unknown field${named}. Known are: ${FIELDS.join(", ")}.`,
    );
  }

  const { job_name, dry_run } = fields;
  if (job_name !== undefined && job_name !== null && typeof job_name !== "string") {
    throw wrong("job_name", "a text");
  }
  if (dry_run !== undefined && dry_run !== null && typeof dry_run !== "boolean") {
    throw wrong("dry_run", "true or false");
  }
  return {
    // A name that is none of ours may be anything, so it is not passed on.
    job_name: isLabel(job_name ?? DEFAULT_JOB) ? job_name ?? DEFAULT_JOB : "unknown",
    invocation_id: text("invocation_id", fields["invocation_id"], UUID, "a UUID") ??
      crypto.randomUUID(),
    triggered_by: label("triggered_by", fields["triggered_by"]) ?? "request",
    scheduled_for: moment("scheduled_for", fields["scheduled_for"]),
    webhook_id: webhookId,
    scenarios: list("scenarios", fields["scenarios"], PLAIN_NAME, "the name of a scenario"),
    organisation_ids: list("organisation_ids", fields["organisation_ids"], UUID, "a UUID"),
    dry_run: dry_run ?? false,
  };
}
