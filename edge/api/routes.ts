// The API's operations: each is defined once, for the validation and for the
// OpenAPI document.

import { createRoute, z } from "@hono/zod-openapi";
import * as schemas from "./schemas.ts";

/** Below the function's own name: the platform leaves it in the path. */
export const BASE_PATH = "/api/v1";

const RUNS = "/scheduler-invocations";
const RUN = `${RUNS}/{id}`;

const json = <Schema extends z.ZodType>(schema: Schema) => ({
  content: { "application/json": { schema } },
});

const answer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  ...json(schema),
});

const problem = <Headers extends z.ZodObject = z.ZodObject>(
  description: string,
  headers?: Headers,
) => ({
  description,
  ...(headers ? { headers } : {}),
  content: { "application/problem+json": { schema: schemas.ProblemDetails } },
});

const ALWAYS = {
  400: problem("The request can't be read, or is not as described here; errors points at why."),
  401: problem("There is no good access token.", z.object({ "WWW-Authenticate": z.string() })),
  403: problem("The caller is not staff, or may not do this."),
  422: problem("As described here, and still refused: errors points at the value."),
  500: problem("A fault of the API."),
  503: problem("Not just now; try again.", z.object({ "Retry-After": z.string() })),
};
const WITH_BODY = {
  413: problem("The body is over 64 KiB."),
  415: problem("The body is of another type than JSON in UTF-8."),
};
const OF_ONE = { 404: problem("There is no such run, or none that the caller may see.") };
const conflict = (description: string) => ({ 409: problem(description) });

const security = [{ accessToken: [] }];

export const listRoute = createRoute({
  method: "get",
  path: RUNS,
  operationId: "listInvocations",
  summary: "The runs that concern the caller's organisations, newest first",
  security,
  request: { query: schemas.ListQuery },
  responses: { 200: answer("A page.", schemas.InvocationPage), ...ALWAYS },
});

export const mentorsRoute = createRoute({
  method: "get",
  path: `${RUNS}/active-peer-mentors`,
  operationId: "listActivePeerMentors",
  summary: "The active mentors in the caller's reach, by id",
  security,
  request: { query: schemas.MentorsQuery },
  responses: { 200: answer("A page.", schemas.MentorPage), ...ALWAYS },
});

export const getRoute = createRoute({
  method: "get",
  path: RUN,
  operationId: "getInvocation",
  summary: "A run, with what it did to the mentors in the caller's reach",
  security,
  request: { params: schemas.RunPath, query: schemas.NoQuery },
  responses: { 200: answer("The run.", schemas.InvocationWithFigures), ...OF_ONE, ...ALWAYS },
});

export const startRoute = createRoute({
  method: "post",
  path: RUNS,
  operationId: "requestInvocation",
  summary: "Asks for a run now, for the caller's organisations",
  security,
  request: {
    query: schemas.NoQuery,
    headers: schemas.StartHeaders,
    body: { required: false, ...json(schemas.StartBody) },
  },
  responses: {
    202: {
      ...answer("The run was asked for.", schemas.Invocation),
      headers: z.object({
        Location: z.string().openapi({ description: "The run, relative to this request." }),
        "Idempotency-Replayed": z.string().optional().openapi({
          description: "true where the answer is that of an earlier request.",
        }),
      }),
    },
    ...conflict(
      "A run of the job is on or asked for already, be it another organisation's: there is one at " +
        "a time. Or it is paused or switched off, or the key was used for another body.",
    ),
    ...WITH_BODY,
    ...ALWAYS,
  },
});

export const batchRoute = createRoute({
  method: "post",
  path: `${RUNS}/evaluation-batch`,
  operationId: "evaluateMentors",
  summary: "Evaluates given mentors in the caller's reach now",
  security,
  request: {
    query: schemas.NoQuery,
    body: { required: true, ...json(schemas.BatchBody) },
  },
  responses: {
    200: answer("Who would get a push; or does, without dry_run.", schemas.BatchEvaluation),
    ...conflict("With dry_run false: evaluations are paused or switched off."),
    ...WITH_BODY,
    ...ALWAYS,
  },
});

export const changeRoute = createRoute({
  method: "put",
  path: RUN,
  operationId: "changeInvocation",
  summary: "Writes a note on a run, or asks a running one to stop; both or nothing",
  security,
  request: {
    params: schemas.RunPath,
    query: schemas.NoQuery,
    body: { required: true, ...json(schemas.ChangeBody) },
  },
  responses: {
    200: answer("The run as it is now.", schemas.Invocation),
    ...OF_ONE,
    ...conflict("The run can't be stopped: it is not running, or has no pages to stop at."),
    ...WITH_BODY,
    ...ALWAYS,
  },
});

export const deleteRoute = createRoute({
  method: "delete",
  path: RUN,
  operationId: "deleteInvocation",
  summary: "Deletes a run that has ended from the ledger; for admins",
  security,
  request: { params: schemas.RunPath, query: schemas.NoQuery },
  responses: {
    204: { description: "It is deleted." },
    ...OF_ONE,
    ...conflict("The run has not ended."),
    ...ALWAYS,
  },
});

export const documentRoute = createRoute({
  method: "get",
  path: "/openapi.json",
  operationId: "getOpenApiDocument",
  summary: "This document",
  security: [],
  request: { query: schemas.NoQuery },
  responses: {
    200: answer("An OpenAPI 3.1 document.", schemas.OpenApiDocument),
    400: ALWAYS[400],
    500: ALWAYS[500],
  },
});

export const DOCUMENT_HEAD = {
  openapi: "3.1.0",
  info: {
    title: "scenario-scheduler",
    version: "1",
    description: "Runs of the scheduler, and the mentors whom the caller follows up. What is not " +
      "as described here is answered with 400, what the database refuses for its value with 422; " +
      "unknown fields and parameters are refused. A path that is not here is answered with 404, " +
      "another method with 405. Faults are told as problem details (RFC 9457), whose errors point " +
      "into the part of the request that in names: " +
      '{ "in": "body", "pointer": "#/user_ids/3" }. Times are UTC, to the microsecond.',
  },
  // Relative to this document, which the platform serves below a path of its own.
  servers: [{ url: "../v1" }],
};
