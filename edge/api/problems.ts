// What a request can come to, as problem details (RFC 9457), and the one place that
// makes them of errors. None of them holds more of the input than where in it a fault is.

import { codeOf, isLostConnection, RequestError, TypedError } from "../shared/errors.ts";
import { sanitize } from "../shared/sanitize.ts";

const KINDS = {
  "malformed-request": [400, "The request can't be read."],
  "invalid-request": [400, "The request is not as the OpenAPI document describes it."],
  "unauthenticated": [401, "A good access token is missing."],
  "forbidden": [403, "The caller may not do this."],
  "not-found": [404, "There is no such thing."],
  "method-not-allowed": [405, "This can't be done here."],
  "conflict": [409, "It can't be done as things are."],
  "body-too-large": [413, "The body is too large."],
  "unsupported-media-type": [415, "The body is of another type than JSON in UTF-8."],
  "refused-argument": [422, "The database refuses a value."],
  "internal-error": [500, "Something went wrong here."],
  "unavailable": [503, "It can't be done just now."],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof KINDS;

/** Where a fault is: a JSON pointer into that part of the request. */
export interface Fault {
  in: "body" | "query" | "path" | "header";
  pointer: string;
  detail: string;
}

export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly kind: ProblemKind,
    readonly detail: string,
    readonly faults: readonly Fault[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.status = KINDS[kind][0];
  }

  /** As the answer to the request with that id. */
  toResponse(requestId: string): Response {
    const body = {
      type: `urn:scenario-scheduler:problem:${this.kind}`,
      title: KINDS[this.kind][1],
      status: this.status,
      detail: this.detail,
      instance: `urn:uuid:${requestId}`,
      ...(this.faults.length > 0 ? { errors: this.faults } : {}),
    };
    return new Response(JSON.stringify(body), {
      status: this.status,
      headers: { "content-type": "application/problem+json", ...this.headers },
    });
  }
}

/** A bad token, whatever is bad about it: who tries them out learns nothing. */
export function unauthenticated(): Problem {
  return new Problem(
    "unauthenticated",
    "Send an access token of Supabase Auth: Authorization: Bearer …",
    [],
    { "www-authenticate": "Bearer" },
  );
}

export function unavailable(detail: string, retryAfterSeconds = 5): Problem {
  return new Problem("unavailable", detail, [], { "retry-after": String(retryAfterSeconds) });
}

/** How a request names what the database's functions name otherwise. */
const PLACES: Record<string, Pick<Fault, "in" | "pointer">> = {
  invocation_id: { in: "path", pointer: "#/id" },
  idempotency_key: { in: "header", pointer: "#/idempotency-key" },
  requested_from: { in: "query", pointer: "#/from" },
  requested_to: { in: "query", pointer: "#/to" },
  page_size: { in: "query", pointer: "#/limit" },
  before_requested_at: { in: "query", pointer: "#/cursor" },
  before_id: { in: "query", pointer: "#/cursor" },
  after: { in: "query", pointer: "#/cursor" },
  status: { in: "query", pointer: "#/status" },
  chapter_id: { in: "query", pointer: "#/chapter_id" },
};

function textOf(error: Error, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** With the names of the request in the place of the functions' own. */
function inItsNames(text: string): string {
  return text.replace(
    /[a-z]+(?:_[a-z]+)+/g,
    (name) => PLACES[name]?.pointer.slice("#/".length) ?? name,
  );
}

const begun = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const ended = (text: string) => /[.!?]$/.test(text) ? text : `${text}.`;

/** What the database says as a sentence; a name at its beginning stays as the request writes it. */
function sentenceOf(said: string, column: string | undefined): string {
  const [word = ""] = said.match(/^[a-z_]+/) ?? [];
  const text = ended(inItsNames(sanitize(said)));
  return word.includes("_") || word === column ? text : begun(text);
}

/** Raised by our own functions for the caller to read; PostgreSQL's own errors are not. */
function isRaised(error: Error): boolean {
  return textOf(error, "routine") === "exec_stmt_raise";
}

const RAISED: Record<string, ProblemKind> = {
  "22023": "refused-argument",
  "22004": "refused-argument",
  "42501": "forbidden",
  "P0002": "not-found",
  "55000": "conflict",
  "F0000": "unavailable",
};

/** Not connected: somebody has to see to it first. */
const UNCONNECTED_RETRY_SECONDS = 60;

function refusal(error: Error): Problem | undefined {
  const kind = isRaised(error) ? RAISED[codeOf(error)] : undefined;
  if (!kind) return undefined;
  const column = textOf(error, "column_name");
  const detail = sentenceOf(error.message, column);
  const hint = textOf(error, "hint");
  const said = hint ? `${detail} ${sanitize(hint)}` : detail;
  if (kind === "unavailable") return unavailable(said, UNCONNECTED_RETRY_SECONDS);
  const place = column === undefined
    ? []
    : [{ ...(PLACES[column] ?? { in: "body" as const, pointer: `#/${column}` }), detail }];
  return new Problem(kind, said, place);
}

/** The server is full, shuts down, took too long, or could not untangle two requests. */
function isPassing(error: unknown): boolean {
  return isLostConnection(error) || /^(08|25P|40|53|55P|57)/.test(codeOf(error));
}

function ofRequest(error: RequestError): Problem {
  if (error.status === 413) return new Problem("body-too-large", error.message);
  if (error.status === 415) return new Problem("unsupported-media-type", error.message);
  return new Problem("malformed-request", error.message);
}

/** What any error is to the caller. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof RequestError) return ofRequest(error);
  const refused = error instanceof Error ? refusal(error) : undefined;
  if (refused) return refused;
  if (error instanceof TypedError) return unavailable(`${begun(ended(error.message))} Try again.`);
  if (isPassing(error)) return unavailable("The database did not answer. Try again.");
  return new Problem(
    "internal-error",
    "Nothing was changed. The log of the function says more, under the id of this problem's instance.",
  );
}
