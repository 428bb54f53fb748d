// Who may do what with a mentor's rows, and whom the functions answer: written by hand,
// to be read, and compared with what happens by matrix.test.ts.

export const CALLERS = {
  anon: "not logged in",
  self: "the mentor herself",
  peer: "another mentor of her chapter",
  asgn: "a coordinator to whom she is assigned",
  chap: "a coordinator of her chapter",
  both: "a coordinator to whom she is assigned, of her chapter",
  away: "a coordinator of her organisation, with other mentors and another chapter",
  admn: "an admin of her organisation",
  admo: "an admin of another organisation",
  link: "a coordinator of another organisation, to whom she is assigned, of her chapter",
  left: "somebody who was her coordinator: still assigned, of her chapter, but no longer staff",
  nobd: "somebody logged in of whom no table knows",
  srvc: "service_role",
  disp: "the dispatcher's login",
  apil: "the API's login, before it becomes somebody",
} as const;
export type Caller = keyof typeof CALLERS;

/** What comes of an attempt. */
export const OUTCOMES = {
  "+": "done; what is seen or changed is hers",
  "o": "no error, and nothing of hers: no row, or the answer that there is none such",
  "-": "refused (42501) by a policy, or by the function, which looks at who calls",
  "x": "refused (42501): no privilege",
} as const;
export type Outcome = keyof typeof OUTCOMES;

// Rows "of hers" are also her organisation and its staff, her chapter and its coordinators.
// anything else: what the lines above say nothing of.
const RELATIONS = `
                                    anon self peer asgn chap both away admn admo link left nobd srvc disp apil
  organisations             select   x    +    +    +    +    +    +    +    o    o    o    o    +    x    x
  chapters                  select   x    +    +    +    +    +    o    +    o    o    o    o    +    x    x
  peer_mentors              select   x    +    o    +    +    +    o    +    o    o    o    o    +    x    x
  mentor_status_history     select   x    +    o    +    +    +    o    +    o    o    o    o    +    x    x
  activities                select   x    +    o    +    +    +    o    +    o    o    o    o    +    x    x
  certifications            select   x    +    o    +    +    +    o    +    o    o    o    o    +    x    x
  device_tokens             select   x    +    o    o    o    o    o    o    o    o    o    o    +    x    x
  notification_preferences  select   x    +    o    o    o    o    o    o    o    o    o    o    +    x    x
  notification_preferences  insert   x    +    -    -    -    -    -    -    -    -    -    -    +    x    x
  notification_preferences  update   x    +    o    o    o    o    o    o    o    o    o    o    +    x    x
  staff                     select   x    o    o    +    +    +    +    +    o    o    o    o    +    x    x
  coordinator_assignments   select   x    +    o    +    o    +    o    +    o    o    o    o    +    x    x
  chapter_coordinators      select   x    o    o    o    +    +    o    +    o    o    o    o    +    x    x
  anything else             any      x    x    x    x    x    x    x    x    x    x    x    x    +    x    x
`;

// A run that concerns her organisation alone is "hers".
const FUNCTIONS = `
                                    anon self peer asgn chap both away admn admo link left nobd srvc disp apil
  coordinator_mentor_status          x    -    -    +    +    +    o    +    o    o    -    -    x    x    x
  list_invocations                   x    -    -    +    +    +    +    +    o    o    -    -    x    x    x
  get_invocation                     x    -    -    +    +    +    +    +    o    o    -    -    x    x    x
  request_invocation                 x    -    -    +    +    +    +    +    +    +    -    -    x    x    x
  annotate_invocation                x    -    -    +    +    +    +    +    o    o    -    -    x    x    x
  stop_invocation                    x    -    -    +    +    +    +    +    o    o    -    -    x    x    x
  delete_invocation                  x    -    -    -    -    -    -    +    o    o    -    -    x    x    x
  evaluate_mentors                   x    -    -    +    +    +    o    +    o    o    -    -    x    x    x
  run_scenario_evaluation            x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  start_invocation                   x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  claim_notifications                x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  record_push_results                x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  heartbeat_invocation               x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  finish_invocation                  x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  invocation_summary                 x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  begin_portal_sync                  x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  apply_portal_page                  x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  run_certification_expiry           x    x    x    x    x    x    x    x    x    x    x    x    +    +    x
  explain_scenario_evaluation        x    x    x    x    x    x    x    x    x    x    x    x    +    x    x
  scheduler_status                   x    x    x    x    x    x    x    x    x    x    x    x    +    x    x
`;

// Nobody but the owner may do anything with what lies in the schema scheduler.
const SCHEDULER: Outcome = "x";

function parse(grid: string): Map<string, Record<Caller, Outcome>> {
  const [head = "", ...lines] = grid.split("\n").filter((line) => line.trim() !== "");
  const callers = head.trim().split(/ +/) as Caller[];
  return new Map(lines.map((line) => {
    const words = line.trim().split(/ +/);
    const outcomes = words.splice(-callers.length) as Outcome[];
    const pairs = callers.map((caller, position) => [caller, outcomes[position]]);
    return [words.join(" "), Object.fromEntries(pairs)];
  }));
}

const relations = parse(RELATIONS);
const functions = parse(FUNCTIONS);

/** What was written down, so that nothing stays there which is no more. */
export const KNOWN = {
  relations: new Set([...relations.keys()].map((line) => line.split(" ")[0] as string)),
  functions: new Set(functions.keys()),
};
KNOWN.relations.delete("anything");

/** One thing that can be tried: an operation on a relation, or a call. */
export interface Attempt {
  schema: "public" | "scheduler";
  kind: "table" | "sequence" | "function";
  name: string;
  /** select, insert …; a function is called. */
  operation: string;
}

export function expectedOf({ schema, kind, name, operation }: Attempt, caller: Caller) {
  if (schema === "scheduler") return SCHEDULER;
  const line = kind === "function"
    ? functions.get(name)
    : relations.get(`${name} ${operation}`) ?? relations.get("anything else any");
  return line?.[caller];
}
