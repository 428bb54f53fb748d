// What is sent and answered: read by the validation, by the types and by the
// OpenAPI document alike. The columns are those of the database's types.

import { z } from "@hono/zod-openapi";
import type { Database } from "../shared/database.types.ts";

type Composites = Database["scheduler"]["CompositeTypes"];

/** A schema for each column of a composite, no more and no fewer. */
type Columns<Row> = { [Column in keyof Row]: z.ZodType<Row[Column]> };

const RUN_STATUSES = [
  "requested",
  "running",
  "completed",
  "partial",
  "failed",
  "skipped",
  "abandoned",
] as const;
const LARGEST_PAGE = 200;
const USUAL_PAGE = 50;
const LARGEST_BATCH = 1000;
const MOST_SCENARIOS = 100;
const LONGEST_NOTE = 1000;

/** RFC 3339, with offsets and years that PostgreSQL reads too. */
const MOMENT = /^([1-9]\d{3}-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;

function isMoment(text: string): boolean {
  const day = text.match(MOMENT)?.[1];
  // A day that the month doesn't have would become one of the next.
  return day !== undefined && !Number.isNaN(Date.parse(text)) &&
    new Date(`${day}T00:00:00Z`).toJSON().startsWith(day);
}

/** PostgreSQL has no NUL in a text, and UTF-8 no half of a character. */
const isStorable = (text: string) => !text.includes("\0") && text.isWellFormed();

const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}.` });
const uuid = () => z.guid({ error: "must be a UUID." }).openapi({ format: "uuid" });
const moment = () =>
  z.string({ error: "must be given once." })
    .refine(isMoment, "must be a moment like 2026-03-01T06:00:00Z (+ is written %2B).")
    .openapi({ format: "date-time" });
const plainName = (pattern: RegExp, example: string) =>
  z.string({ error: `must be a name like ${example}.` })
    .regex(pattern, `must be a name like ${example}.`).max(63, "must have 63 characters at most.");
const jobName = () => plainName(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "scenario-evaluation");
const scenarios = () =>
  z.array(plainName(/^[a-z][a-z0-9_]*$/, "inactivity"), { error: "must be a list of names." })
    .min(1, "must name one at least; leave it out for all.")
    .max(MOST_SCENARIOS, `must name ${MOST_SCENARIOS} at most.`)
    .openapi({ description: "The scenarios to evaluate; all without it." });
const yesOrNo = () => z.boolean({ error: "must be true or false." });

const limitMessage = `must be a whole number from 1 to ${LARGEST_PAGE}.`;
const page = {
  cursor: z.string({ error: "must be given once." }).max(200, "is no cursor: it is too long.")
    .optional().openapi({ description: "The next_cursor of the page before." }),
  limit: z.string({ error: limitMessage }).regex(/^\d{1,3}$/, limitMessage).transform(Number)
    .pipe(z.number().min(1, limitMessage).max(LARGEST_PAGE, limitMessage)).optional()
    .transform((limit) => limit ?? USUAL_PAGE)
    .openapi({
      type: "integer",
      minimum: 1,
      maximum: LARGEST_PAGE,
      default: USUAL_PAGE,
      description: "How many to answer with at most.",
    }),
};

const OBJECT = { error: "must be a JSON object." };

export const NoQuery = z.strictObject({});

export const ListQuery = z.strictObject({
  job_name: jobName().optional(),
  status: oneOf(RUN_STATUSES).optional(),
  from: moment().optional().openapi({ description: "Runs asked for then or later." }),
  to: moment().optional().openapi({ description: "Runs asked for before then." }),
  ...page,
});

export const MentorsQuery = z.strictObject({ chapter_id: uuid().optional(), ...page });

export const RunPath = z.object({
  id: uuid().openapi({ param: { name: "id", in: "path" }, description: "The id of a run." }),
});

const keyMessage = "must be 1 to 255 visible characters of ASCII; a random UUID is a good one.";
export const StartHeaders = z.object({
  "idempotency-key": z.string().regex(/^[!-~]{1,255}$/, keyMessage).optional().openapi({
    description: "For 24 hours, the same key and the same body get the same answer, and no " +
      "second run. A random UUID is a good one.",
  }),
});

export const StartBody = z.strictObject({
  job_name: jobName().default("scenario-evaluation"),
  scenarios: scenarios().optional(),
  dry_run: yesOrNo().default(false).openapi({ description: "Whether to look only." }),
}, OBJECT).openapi("Start");

export const ChangeBody = z.strictObject({
  note: z.string({ error: "must be a text, or null." })
    .refine((text) => [...text].length <= LONGEST_NOTE, {
      error: `must have ${LONGEST_NOTE} characters at most.`,
    })
    .refine(isStorable, "must not hold a NUL, nor half of a character.")
    .nullable().optional().openapi({
      maxLength: LONGEST_NOTE,
      description: "For the caller's own organisations; null or nothing but spaces removes it.",
    }),
  stop: z.literal(true, { error: "must be true, or left out." }).optional().openapi({
    description: "Asks a running run to claim no further page.",
  }),
}, OBJECT).refine(({ note, stop }) => note !== undefined || stop !== undefined, {
  error: "must have note or stop.",
}).openapi("Change", { minProperties: 1 });

export const BatchBody = z.strictObject({
  user_ids: z.array(uuid(), { error: "must be a list of UUIDs." })
    .min(1, "must have one UUID at least.")
    .max(LARGEST_BATCH, `must have ${LARGEST_BATCH} UUIDs at most.`),
  dry_run: yesOrNo().default(true).openapi({ description: "Whether to look only." }),
  scenarios: scenarios().optional(),
}, OBJECT).openapi("Batch");

const time = () => z.string().openapi({ format: "date-time" });
const day = () => z.string().openapi({ format: "date" });
const count = () => z.int().nonnegative();

const entry = {
  id: uuid(),
  job_name: z.string(),
  status: z.enum(RUN_STATUSES),
  status_reason: z.string().nullable(),
  triggered_by: z.string().nullable(),
  scheduled_for: time().nullable(),
  requested_at: time(),
  started_at: time().nullable(),
  finished_at: time().nullable(),
  stop_requested_at: time().nullable(),
  dry_run: z.boolean(),
  scenarios: z.array(z.string()).nullable().openapi({ description: "Null: all." }),
  all_organisations: z.boolean(),
  attempt: z.int(),
  retry_of: uuid().nullable(),
  error_type: z.string().nullable(),
  error_message: z.string().nullable(),
  note: z.string().nullable(),
} satisfies Columns<Composites["invocation_entry"]>;

const figures = {
  total_active_mentors: count().nullable(),
  total_evaluated: count().nullable(),
  total_candidates: count().nullable(),
  total_dispatched: count().nullable(),
  total_suppressed: count().nullable(),
  total_errors: count().nullable(),
  suppressed: z.record(z.string(), z.record(z.string(), count())).nullable().openapi({
    description: "How many were suppressed, by scenario and reason.",
  }),
  errors: z.record(z.string(), count()).nullable().openapi({
    description: "How many pushes failed, by type of error.",
  }),
} satisfies Columns<Composites["invocation_figures"]>;

export const Invocation = z.object(entry).openapi("Invocation", {
  description: "A run that concerns the caller's organisations.",
});
export const InvocationWithFigures = z.object({ ...entry, ...figures }).openapi(
  "InvocationWithFigures",
  {
    description: "A run, and what it did to the mentors in the caller's reach. A figure that is " +
      "not known for them is null.",
  },
);

export const MentorStatus = z.object(
  {
    user_id: uuid(),
    organisation_id: uuid().nullable(),
    chapter_id: uuid().nullable(),
    status: z.string().nullable(),
    last_activity_on: day().nullable(),
    days_silent: count().nullable(),
    next_certification_expiry: day().nullable(),
    last_notification_scenario: z.string().nullable(),
    last_notification_on: day().nullable(),
    last_notification_status: z.string().nullable(),
    last_notification_reason: z.string().nullable(),
    last_notification_sent_at: time().nullable(),
  } satisfies Columns<Composites["mentor_status"]>,
).openapi("MentorStatus");

export const Candidate = z.object(
  {
    notification_id: z.int().nullable(),
    user_id: uuid(),
    organisation_id: uuid().nullable(),
    scenario_type: z.string(),
    occurrence_key: z.string(),
    cooldown_window_start: day(),
    evaluation_date: day(),
    deliver_after: time(),
    title: z.string(),
    body: z.string(),
  } satisfies Columns<Omit<Composites["candidate"], "data">>,
).openapi("Candidate", { description: "A push that was decided on; in a dry run without an id." });

export const BatchEvaluation = z.object(
  {
    invocation_id: uuid().nullable(),
    evaluated: count(),
    candidates: z.array(Candidate),
  } satisfies Columns<Composites["batch_evaluation"]>,
).openapi("BatchEvaluation", { description: "Without invocation_id in a dry run." });

const nextCursor = z.string().nullable().openapi({
  description: "Null on the last page. After a page that is exactly full an empty one may follow.",
});
export const InvocationPage = z.object({ data: z.array(Invocation), next_cursor: nextCursor })
  .openapi("InvocationPage");
export const MentorPage = z.object({ data: z.array(MentorStatus), next_cursor: nextCursor })
  .openapi("MentorPage");

export const ProblemDetails = z.object({
  type: z.string().openapi({ description: "urn:scenario-scheduler:problem:… and a stable name." }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().openapi({ description: "The id of the request, which the log has too." }),
  errors: z.array(
    z.object({
      in: z.enum(["body", "query", "path", "header"]),
      pointer: z.string().openapi({
        description: "A JSON pointer into that part of the request, as a fragment: #/user_ids/3.",
      }),
      detail: z.string(),
    }),
  ).optional().openapi({ description: "The faults, where they can be pointed at." }),
}).openapi("Problem", { description: "RFC 9457." });

export const OpenApiDocument = z.looseObject({ openapi: z.string() }).openapi("OpenApiDocument");

export type Invocation = z.infer<typeof Invocation>;
export type InvocationWithFigures = z.infer<typeof InvocationWithFigures>;
export type MentorStatus = z.infer<typeof MentorStatus>;
export type BatchEvaluation = z.infer<typeof BatchEvaluation>;
