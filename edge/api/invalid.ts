// What is wrong with a request that is not as the OpenAPI document describes it.

import type { z } from "@hono/zod-openapi";
import { type Fault, Problem } from "./problems.ts";

const PARTS: Record<string, Fault["in"]> = {
  json: "body",
  query: "query",
  param: "path",
  header: "header",
};
const MOST_FAULTS = 20;

/** Could be a name of ours; nothing else of what was sent is repeated. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z_-]{0,39}$/;

type Issue = z.core.$ZodIssue;

function faultsOf(part: Fault["in"], issue: Issue): Fault[] {
  const pointer = `#${issue.path.map((step) => `/${String(step)}`).join("")}`;
  if (issue.code !== "unrecognized_keys") return [{ in: part, pointer, detail: issue.message }];
  const detail = part === "query" ? "is no parameter here." : "is no field here.";
  return issue.keys.slice(0, MOST_FAULTS).map((key) => ({
    in: part,
    pointer: PLAIN_NAME.test(key) ? `${pointer}/${key}` : pointer,
    detail: PLAIN_NAME.test(key) ? detail : `has a name that ${detail}`,
  }));
}

/** In words: user_ids/3 must be a UUID. */
function said({ in: part, pointer, detail }: Fault): string {
  const name = pointer === "#" ? `The ${part}` : pointer.slice("#/".length);
  return `${name} ${detail}`;
}

export function invalid(target: string, issues: readonly Issue[]): Problem {
  const part = PARTS[target] ?? "body";
  const faults = issues.flatMap((issue) => faultsOf(part, issue)).slice(0, MOST_FAULTS);
  const [first] = faults;
  return new Problem(
    "invalid-request",
    first ? said(first) : `The ${part} is not as described.`,
    faults,
  );
}
