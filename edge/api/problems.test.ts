import assert from "node:assert/strict";
import { RequestError, TypedError } from "../shared/errors.ts";
import { Problem, problemOf, unauthenticated } from "./problems.ts";

const REQUEST = "508e7b3a-d6b8-4037-b101-0884ce5706b0";

/** An error as the driver makes it of one that a function raised. */
function raised(code: string, fields: Record<string, string> = {}): Error {
  return Object.assign(new Error(fields["message"] ?? "it can not be so"), {
    code,
    routine: "exec_stmt_raise",
    ...fields,
  });
}

Deno.test("a problem is answered as RFC 9457 wants it, with the id of the request", async () => {
  const fault = { in: "body", pointer: "#/user_ids/3", detail: "must be a UUID." } as const;
  const response = new Problem("invalid-request", "user_ids/3 must be a UUID.", [fault]).toResponse(
    REQUEST,
  );
  assert.equal(response.status, 400);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual(await response.json(), {
    type: "urn:scenario-scheduler:problem:invalid-request",
    title: "The request is not as the OpenAPI document describes it.",
    status: 400,
    detail: "user_ids/3 must be a UUID.",
    instance: `urn:uuid:${REQUEST}`,
    errors: [fault],
  });
});

Deno.test("who is not known is told how to be", () => {
  assert.equal(unauthenticated().toResponse(REQUEST).headers.get("www-authenticate"), "Bearer");
});

Deno.test("what the database's functions raise has a status of its own", () => {
  for (
    const [code, status] of [
      ["22023", 422],
      ["22004", 422],
      ["42501", 403],
      ["P0002", 404],
      ["55000", 409],
      ["F0000", 503],
    ] as const
  ) {
    const problem = problemOf(raised(code, { hint: "Do something else." }));
    assert.equal(problem.status, status, code);
    assert.equal(problem.detail, "It can not be so. Do something else.");
  }
});

Deno.test("the argument at fault is pointed at where the request has it, by its name there", () => {
  for (
    const [column_name, part, pointer] of [
      ["user_ids/3", "body", "#/user_ids/3"],
      ["scenarios", "body", "#/scenarios"],
      ["idempotency_key", "header", "#/idempotency-key"],
      ["requested_to", "query", "#/to"],
    ] as const
  ) {
    const [fault] = problemOf(raised("22023", { column_name })).faults;
    assert.deepEqual([fault?.in, fault?.pointer], [part, pointer]);
  }
  assert.equal(
    problemOf(raised("22023", { message: "requested_from must be before requested_to" })).detail,
    "from must be before to.",
  );
});

Deno.test("a detail is a sentence, whoever says it; a name that it begins with is written as in the request", () => {
  const detailOf = (message: string, column_name: string) =>
    problemOf(raised("22023", { message, column_name })).detail;
  for (
    const [message, column, detail] of [
      ["unknown scenario 'birthday'", "scenarios", "Unknown scenario 'birthday'."],
      ["scenarios must name one at least", "scenarios", "scenarios must name one at least."],
      ["page_size must be between 1 and 200", "page_size", "limit must be between 1 and 200."],
      ["user_ids[1] is no mentor", "user_ids/1", "user_ids[1] is no mentor."],
    ] as const
  ) assert.equal(detailOf(message, column), detail);
  assert.equal(
    problemOf(new TypedError("timeout_error", "the database did not answer in time")).detail,
    "The database did not answer in time. Try again.",
  );
});

Deno.test("PostgreSQL's own errors with the same codes are faults of ours, and nothing of them is told", () => {
  for (const code of ["42501", "22023", "P0002", "55000", "42883", "22P02"]) {
    const error = Object.assign(new Error("permission denied for table kanari"), {
      code,
      routine: "aclcheck_error",
      hint: "kanari",
    });
    const problem = problemOf(error);
    assert.equal(problem.status, 500, code);
    assert.ok(!JSON.stringify(problem).includes("kanari"));
  }
  assert.equal(problemOf(new TypeError("kanari")).status, 500);
  assert.equal(problemOf("kanari").status, 500);
});

Deno.test("what may pass by itself is worth another try", () => {
  for (
    const error of [
      ...["57014", "57P01", "53300", "40001", "40P01", "55P03", "08006"].map((code) =>
        Object.assign(new Error(), { code })
      ),
      ...["ECONNREFUSED", "CONNECT_TIMEOUT", "CONNECTION_CLOSED"].map((code) =>
        Object.assign(new Error(), { code })
      ),
      new TypedError("timeout_error", "the database did not answer in time"),
      raised("F0000"),
    ]
  ) {
    const problem = problemOf(error);
    assert.equal(problem.status, 503, String(Reflect.get(error, "code")));
    assert.ok(Number(problem.headers["retry-after"]) > 0);
  }
});

Deno.test("what is wrong with a body keeps its status and its words", () => {
  for (const status of [400, 413, 415]) {
    const problem = problemOf(new RequestError(status, "some_type", "It is too much."));
    assert.deepEqual([problem.status, problem.detail], [status, "It is too much."]);
  }
});

Deno.test("an id, a token or a line break in what the database says goes no further", () => {
  const { detail } = problemOf(raised("P0002", { message: `there is no run ${REQUEST}\nat all` }));
  assert.equal(detail, "There is no run [id].");
});
